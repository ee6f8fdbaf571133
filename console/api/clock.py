"""GET, POST and DELETE /_simfra/clock: the time that resources and deployments go by, for tests that cannot wait.

Signatures, credentials and containers go on by the machine's own time.
"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.clock import SHARED_CLOCK, SYSTEM_CLOCK
from aws_api.core.reconcile import wake_all
from aws_api.core.shared_clock import MAX_ADVANCE_S, MAX_SPEED, move, reset

MEMBERS = ("freeze", "advance_s", "speed", "reset")


class ClockMove(serializers.Serializer[Any]):
    """How the clock is moved: at least one of these, and not freeze with speed."""

    freeze = serializers.BooleanField(required=False)
    advance_s = serializers.FloatField(required=False, min_value=0, max_value=MAX_ADVANCE_S)
    speed = serializers.FloatField(required=False, min_value=0, max_value=MAX_SPEED)
    reset = serializers.BooleanField(required=False)


class ClockShape(serializers.Serializer[Any]):
    """What the clock says."""

    now = serializers.DateTimeField()
    real = serializers.DateTimeField()
    speed = serializers.FloatField()
    moved = serializers.BooleanField()


class ClockView(APIView):
    """``{now, real, speed, moved}``. POST ``{"freeze": true}``, ``{"advance_s": 600}``, ``{"speed": 60}`` or
    ``{"reset": true}``; ``freeze`` and ``speed`` go with ``advance_s``. DELETE resets.
    """

    @extend_schema(operation_id="get_clock", responses=ClockShape)
    def get(self, _request: Request) -> Response:
        return Response(_describe())

    @extend_schema(operation_id="move_clock", request=ClockMove, responses=ClockShape)
    def post(self, request: Request) -> Response:
        asked = _checked(request.data)
        if asked.get("reset"):
            reset()
        else:
            speed = 0.0 if asked.get("freeze") else asked.get("speed")
            if asked.get("freeze") is False:
                speed = 1.0
            move(advance_s=asked.get("advance_s", 0), speed=speed)
        wake_all(SHARED_CLOCK.now())
        return Response(_describe())

    @extend_schema(operation_id="reset_clock", responses=ClockShape)
    def delete(self, _request: Request) -> Response:
        reset()
        wake_all(SHARED_CLOCK.now())
        return Response(_describe())


def _describe() -> dict[str, Any]:
    setting = SHARED_CLOCK.setting
    return {
        "now": SHARED_CLOCK.now(),
        "real": SYSTEM_CLOCK.now(),
        "speed": setting.speed if setting else 1,
        "moved": setting is not None,
    }


def _checked(asked: Any) -> dict[str, Any]:
    if not isinstance(asked, dict) or not asked or set(asked) - set(MEMBERS):
        raise ValidationError(f"Give an object with some of {', '.join(MEMBERS)}.")
    for member in ("freeze", "reset"):
        if not isinstance(asked.get(member, False), bool):
            raise ValidationError(f"{member} is true or false.")
    for member, most in (("advance_s", MAX_ADVANCE_S), ("speed", MAX_SPEED)):
        value = asked.get(member, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise ValidationError(f"{member} is a number from 0 to {most:g}.")
    if "freeze" in asked and "speed" in asked:
        raise ValidationError("Give freeze or speed.")
    return asked


urlpatterns = [path("_simfra/clock", ClockView.as_view())]
