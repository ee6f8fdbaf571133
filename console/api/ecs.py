"""Why is a task as it is, and keeping its containers: ``/_simfra/ecs/tasks/{id}/explain`` and ``.../hold``."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.services.ecs.explain import explain
from aws_api.services.ecs.holds import set_hold
from aws_api.services.ecs.models import Task

#: Narrow a task's id to an account and a region.
TASK_PARAMETERS = [OpenApiParameter("account", str), OpenApiParameter("region", str)]


class TaskExplanation(serializers.Serializer[Any]):
    """Why a task is as it is."""

    taskArn = serializers.CharField()
    taskDefinition = serializers.CharField()
    lastStatus = serializers.CharField()
    desiredStatus = serializers.CharField()
    stopCode = serializers.CharField(allow_blank=True)
    stoppedReason = serializers.CharField(allow_blank=True)
    held = serializers.BooleanField()
    nextSteps = serializers.ListField()
    timeline = serializers.ListField(child=serializers.DictField())
    containers = serializers.ListField(child=serializers.DictField())
    access = serializers.ListField(child=serializers.DictField())
    storedOnly = serializers.ListField(child=serializers.DictField())


class Hold(serializers.Serializer[Any]):
    """Whether a task's containers are kept."""

    hold = serializers.BooleanField(default=True)


class HeldTask(serializers.Serializer[Any]):
    """A task, and whether its containers are kept."""

    taskArn = serializers.CharField()
    hold = serializers.BooleanField()


class TooLate(APIException):
    """The containers are gone already."""

    status_code = 409
    default_detail = "The task has stopped and its containers are removed: run it again with the tag simfra:hold=true."


class TaskExplanationView(APIView):
    """GET: the timeline, containers, logs, fields that are only stored, and what to do next."""

    @extend_schema(operation_id="explain_task", parameters=TASK_PARAMETERS, responses=TaskExplanation)
    def get(self, request: Request, task_id: str) -> Response:
        return Response(explain(task_of(request, task_id)))


class TaskHoldView(APIView):
    """POST ``{"hold": true}``: keep the containers when the task has stopped; ``false`` lets them go."""

    @extend_schema(operation_id="hold_task", parameters=TASK_PARAMETERS, request=Hold, responses=HeldTask)
    def post(self, request: Request, task_id: str) -> Response:
        wanted = request.data.get("hold", True) if isinstance(request.data, dict) else True
        if not isinstance(wanted, bool):
            raise ValidationError("hold is true or false.")
        task = task_of(request, task_id)
        if wanted and task.last_status == "STOPPED" and not task.desired_hold:
            raise TooLate
        set_hold(task, wanted=wanted)
        return Response({"taskArn": task.arn, "hold": wanted})


def task_of(request: Request, task_id: str) -> Task:
    """The task of an id; ``?account`` and ``?region`` narrow it where two have the same."""
    rows = Task.objects.select_related("cluster", "task_definition").filter(task_id=task_id)
    for parameter, column in (("account", "account_id"), ("region", "region")):
        if value := request.query_params.get(parameter):
            rows = rows.filter(**{column: value})
    found = rows.order_by("-created_at").first()
    if found is None:
        raise NotFound(f"There is no task {task_id}; stopped ones are kept for an hour.")
    return found


urlpatterns = [
    path("_simfra/ecs/tasks/<str:task_id>/explain", TaskExplanationView.as_view()),
    path("_simfra/ecs/tasks/<str:task_id>/hold", TaskHoldView.as_view()),
]
