"""POST /_simfra/wait: answers when a condition holds, or says why it does not yet when time is up.

No thread is held meanwhile, so that many may wait at once.
"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.arns import Arn, is_arn
from console.api.scoped import Scoped
from console.continuations import Answer, answer_later
from console.requests import RequestFilter
from console.waiting.condition import Condition
from console.waiting.data import ItemIsThere, QueueHolds
from console.waiting.ecs import STATUSES, ServiceIsSteady, TaskHasStatus
from console.waiting.logs import LineIsLogged
from console.waiting.requests import RequestsAreMade
from console.waiting.resources import ResourceExists
from console.waiting.targets import TargetIsHealthy
from console.waiting.wait import wait_for

MAX_TIMEOUT_S = 600
MAX_NAME = 2048
MAX_COUNT = 1_000_000

Values = dict[str, Any]


class TaskCondition(serializers.Serializer[Any]):
    """A task has a status."""

    task = serializers.CharField(max_length=MAX_NAME, help_text="Its ARN, or its id.")
    cluster = serializers.CharField(max_length=MAX_NAME, required=False, help_text="Where the task is given by its id.")
    status = serializers.ChoiceField(STATUSES)


class ServiceCondition(serializers.Serializer[Any]):
    """A service is steady: one deployment, and as many tasks running as desired."""

    service = serializers.CharField(max_length=MAX_NAME)
    cluster = serializers.CharField(max_length=MAX_NAME, default="default")


class QueueCondition(serializers.Serializer[Any]):
    """A queue holds so many messages, those in flight and delayed among them. Without a number: it is empty."""

    queue = serializers.CharField(max_length=MAX_NAME, help_text="Its URL or its name.")
    messages = serializers.IntegerField(default=0, min_value=0, max_value=MAX_COUNT)
    atLeast = serializers.BooleanField(default=False, help_text="Whether more will do.")


class ItemCondition(serializers.Serializer[Any]):
    """A table has an item of a key, with these attributes."""

    table = serializers.CharField(max_length=MAX_NAME)
    key = serializers.DictField(help_text="Plain values, or as DynamoDB writes them: {'id': {'S': '1'}}.")
    attributes = serializers.DictField(default=dict)


class LogCondition(serializers.Serializer[Any]):
    """A log group has an event that matches a filter pattern of CloudWatch's."""

    group = serializers.CharField(max_length=512)
    pattern = serializers.CharField(max_length=1024)
    since = serializers.DateTimeField(required=False, help_text="Events of this time or later; else any.")


class TargetCondition(serializers.Serializer[Any]):
    """A target group has so many healthy targets; or a certain target is healthy."""

    targetGroupArn = serializers.CharField(max_length=MAX_NAME)
    target = serializers.CharField(max_length=MAX_NAME, required=False, help_text="A target's id.")
    count = serializers.IntegerField(default=1, min_value=1, max_value=1000)


class RequestCondition(serializers.Serializer[Any]):
    """So many requests were answered."""

    service = serializers.CharField(max_length=64)
    operation = serializers.CharField(max_length=128, required=False)
    status = serializers.RegexField(r"^([1-5]\d\d|[1-5]xx)$", required=False)
    principal = serializers.CharField(max_length=MAX_NAME, required=False)
    since = serializers.DateTimeField(required=False)
    count = serializers.IntegerField(default=1, min_value=1, max_value=1000)


class ResourceCondition(serializers.Serializer[Any]):
    """A resource exists."""

    arn = serializers.RegexField(r"^arn:[^:]*:[^:]*:[^:]*:[^:]*:.+", max_length=MAX_NAME)


class WaitRequest(Scoped):
    """What is waited for: one of the conditions, and how long."""

    task = TaskCondition(required=False)
    service = ServiceCondition(required=False)
    queue = QueueCondition(required=False)
    item = ItemCondition(required=False)
    log = LogCondition(required=False)
    target = TargetCondition(required=False)
    request = RequestCondition(required=False)
    resource = ResourceCondition(required=False)
    timeout_s = serializers.FloatField(default=30, min_value=0, max_value=MAX_TIMEOUT_S)

    def validate(self, attrs: Values) -> Values:
        """One condition."""
        given = [name for name in _MAKERS if name in attrs]
        if len(given) != 1:
            raise serializers.ValidationError(f"Give one of {', '.join(_MAKERS)}.")
        return super().validate(attrs)

    def condition(self) -> Condition:
        """What was asked for, in its account and region."""
        asked = self.validated_data
        name = next(name for name in _MAKERS if name in asked)
        return _MAKERS[name](asked[name], {"account_id": asked["accountId"], "region": asked["region"]})


class WaitAnswer(serializers.Serializer[Any]):
    """What was seen last; ``error`` says why the condition does not hold."""

    met = serializers.BooleanField()
    reason = serializers.CharField()
    waited_s = serializers.FloatField()
    found = serializers.DictField(help_text="What was looked at, as AWS's API describes it.")
    error = serializers.CharField(required=False)


def _task(asked: Values, scope: Values) -> Condition:
    task = asked["task"]
    if is_arn(task):
        arn = Arn.parse(task)
        scope = {"account_id": arn.account_id, "region": arn.region}
    return TaskHasStatus(**scope, **asked)


def _service(asked: Values, scope: Values) -> Condition:
    return ServiceIsSteady(**scope, **asked)


def _queue(asked: Values, scope: Values) -> Condition:
    return QueueHolds(**scope, queue=asked["queue"], messages=asked["messages"], at_least=asked["atLeast"])


def _item(asked: Values, scope: Values) -> Condition:
    return ItemIsThere(**scope, **asked)


def _log(asked: Values, scope: Values) -> Condition:
    since_ms = int(asked["since"].timestamp() * 1000) if "since" in asked else 0
    return LineIsLogged(**scope, group=asked["group"], pattern=asked["pattern"], since_ms=max(since_ms, 0))


def _target(asked: Values, scope: Values) -> Condition:
    target_group = asked["targetGroupArn"]
    return TargetIsHealthy(**scope, target_group=target_group, target=asked.get("target", ""), count=asked["count"])


def _request(asked: Values, scope: Values) -> Condition:
    wanted = {name: value for name, value in asked.items() if name != "count"}
    return RequestsAreMade(
        **scope, wanted=RequestFilter(account_id=scope["account_id"], **wanted), count=asked["count"]
    )


def _resource(asked: Values, scope: Values) -> Condition:
    return ResourceExists(**scope, arn=asked["arn"])


_MAKERS = {
    "task": _task,
    "service": _service,
    "queue": _queue,
    "item": _item,
    "log": _log,
    "target": _target,
    "request": _request,
    "resource": _resource,
}


class WaitView(APIView):
    """200 as soon as the condition holds; 408 when time is up, 409 when it cannot hold any more: with the reason."""

    @extend_schema(
        operation_id="wait",
        request=WaitRequest,
        responses={
            200: WaitAnswer,
            408: OpenApiResponse(WaitAnswer, "It does not hold yet."),
            409: OpenApiResponse(WaitAnswer, "It cannot hold any more: a task that stopped does not run again."),
        },
        examples=[
            OpenApiExample("queue", {"queue": {"queue": "orders"}, "timeout_s": 30}, request_only=True),
            OpenApiExample(
                "item",
                {"item": {"table": "orders", "key": {"id": "1"}, "attributes": {"state": "paid"}}},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        asked = WaitRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        condition, timeout_s = asked.condition(), asked.validated_data["timeout_s"]
        return answer_later(request, lambda: _waited(condition, timeout_s))


async def _waited(condition: Condition, timeout_s: float) -> Answer:
    outcome = await wait_for(condition, timeout_s)
    seen = outcome.seen
    shown = {
        "met": seen.holds,
        "reason": seen.why,
        "waited_s": round(outcome.waited_s, 3),
        "found": seen.found,
    }
    if seen.holds:
        return Answer(status=200, data=shown)
    return Answer(status=409 if seen.never else 408, data={**shown, "error": seen.why})


urlpatterns = [path("_simfra/wait", WaitView.as_view())]
