"""Alarms: put, described, deleted, and whether they act."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.core.reconcile import kick
from aws_api.core.tags import tags_from_list
from aws_api.services.cloudwatch import alarm_rules, describe
from aws_api.services.cloudwatch.alarm_history import note
from aws_api.services.cloudwatch.controller import KIND, judged_query, key_of, queries_of
from aws_api.services.cloudwatch.evaluation import OPERATORS
from aws_api.services.cloudwatch.metric_math import MathError
from aws_api.services.cloudwatch.models import Alarm
from aws_api.services.cloudwatch.names import alarm_arn
from aws_api.services.cloudwatch.points import is_statistic
from aws_api.services.cloudwatch.queries import Queries, QueryError, Window
from aws_api.services.cloudwatch.service import cloudwatch
from aws_api.services.cloudwatch.shapes import (
    DeleteAlarmsInput,
    DescribeAlarmsForMetricInput,
    DescribeAlarmsForMetricOutput,
    DescribeAlarmsInput,
    DescribeAlarmsOutput,
    DisableAlarmActionsInput,
    EnableAlarmActionsInput,
    InvalidNextToken,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    LimitExceededFault,
    MissingRequiredParameterException,
    PutCompositeAlarmInput,
    PutMetricAlarmInput,
    ResourceNotFound,
)

PAGE = 50
MAX_ALARMS = 10_000
MAX_EVALUATED_S = 7 * 86_400
MAX_EVALUATION_PERIODS = 1000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_NOT_KEPT = ("AlarmName", "ActionsEnabled", "Tags")
#: Alarms that are told by something else than metrics and a fixed threshold.
_UNKNOWN = {
    "ThresholdMetricId": "alarms on anomaly detection models",
    "EvaluationCriteria": "alarms on PromQL queries",
    "WarmUpConfiguration": "warm-up of alarms",
    "EvaluationWindow": "evaluation windows of alarms",
}


@cloudwatch.operation
def put_metric_alarm(context: Context, request: PutMetricAlarmInput) -> None:
    """Make or replace an alarm on a metric, or on an expression over metrics. Its state stays."""
    _check_metric_alarm(request)
    _put(context, request, is_composite=False)


@cloudwatch.operation
def put_composite_alarm(context: Context, request: PutCompositeAlarmInput) -> None:
    """Make or replace an alarm on other alarms."""
    try:
        rule = alarm_rules.parse(request["AlarmRule"])
    except alarm_rules.RuleError as error:
        raise InvalidParameterValueException(str(error)) from error
    names = {child.rpartition(":alarm:")[2] or child for child in rule.children}
    found = set(_rows(context).filter(name__in=names).values_list("name", flat=True))
    if names - found:
        missing = ", ".join(sorted(names - found))
        raise InvalidParameterValueException(f"AlarmRule contains alarms that do not exist: {missing}")
    if request["AlarmName"] in names:
        raise InvalidParameterValueException("AlarmRule must not contain a cycle")
    if "ActionsSuppressor" in request:
        raise InvalidParameterValueException("Simfra does not suppress the actions of composite alarms.")
    _put(context, request, is_composite=True)


@cloudwatch.operation
def describe_alarms(context: Context, request: DescribeAlarmsInput) -> DescribeAlarmsOutput:
    """Alarms by name; metric alarms alone, unless other types are asked for."""
    rows = _rows(context)
    types = request.get("AlarmTypes") or ["MetricAlarm"]
    if "CompositeAlarm" not in types:
        rows = rows.filter(is_composite=False)
    if "MetricAlarm" not in types:
        rows = rows.filter(is_composite=True)
    if request.get("AlarmNames"):
        rows = rows.filter(name__in=request["AlarmNames"])
    if request.get("AlarmNamePrefix"):
        if request.get("AlarmNames"):
            raise InvalidParameterCombinationException("AlarmNamePrefix and AlarmNames are mutually exclusive")
        rows = rows.filter(name__startswith=request["AlarmNamePrefix"])
    if request.get("StateValue"):
        rows = rows.filter(last_state=request["StateValue"])
    if request.get("ActionPrefix"):
        rows = rows.filter(pk__in=[row.pk for row in rows if _acts(row, request["ActionPrefix"])])
    if request.get("ChildrenOfAlarmName"):
        rows = rows.filter(name__in=_children(context, request["ChildrenOfAlarmName"]))
    if request.get("ParentsOfAlarmName"):
        rows = rows.filter(pk__in=_parents(context, request["ParentsOfAlarmName"]))
    limit = min(request.get("MaxRecords", PAGE), 100)
    page, token = page_of_rows(rows, by="name", token=request.get("NextToken"), limit=limit, error=InvalidNextToken)
    answer: DescribeAlarmsOutput = {
        "MetricAlarms": [describe.metric_alarm(row) for row in page if not row.is_composite],
        "CompositeAlarms": [describe.composite_alarm(row) for row in page if row.is_composite],
    }
    if token:
        answer["NextToken"] = token
    return answer


@cloudwatch.operation
def describe_alarms_for_metric(
    context: Context, request: DescribeAlarmsForMetricInput
) -> DescribeAlarmsForMetricOutput:
    """The alarms on one metric."""
    wanted = {name: request.get(name) for name in ("MetricName", "Namespace")}
    rows = _rows(context).filter(is_composite=False, document__contains=wanted).order_by("name")
    dimensions = _pairs(request.get("Dimensions"))
    narrowing = {
        name: request.get(name) for name in ("Statistic", "ExtendedStatistic", "Period", "Unit") if request.get(name)
    }
    found = [
        row
        for row in rows[:MAX_ALARMS]
        if _pairs(row.document.get("Dimensions")) == dimensions
        and all(row.document.get(name) == value for name, value in narrowing.items())
    ]
    return {"MetricAlarms": [describe.metric_alarm(row) for row in found]}


@cloudwatch.operation
def delete_alarms(context: Context, request: DeleteAlarmsInput) -> None:
    """Delete alarms that there are; that some are not is no error."""
    for row in _rows(context).filter(name__in=request["AlarmNames"]):
        note(row, "ConfigurationUpdate", f'Alarm "{row.name}" deleted', {"type": "Delete"}, context.clock.now())
        row.delete()


@cloudwatch.operation
def enable_alarm_actions(context: Context, request: EnableAlarmActionsInput) -> None:
    """Let alarms act."""
    _rows(context).filter(name__in=request["AlarmNames"]).update(actions_enabled=True)


@cloudwatch.operation
def disable_alarm_actions(context: Context, request: DisableAlarmActionsInput) -> None:
    """Let alarms only tell."""
    _rows(context).filter(name__in=request["AlarmNames"]).update(actions_enabled=False)


def find_alarm(context: Context, name: str) -> Alarm:
    """The alarm of a name. Raises ResourceNotFound."""
    row = _rows(context).filter(name=name).first()
    if row is None:
        raise ResourceNotFound("Unknown alarm")
    return row


def _rows(context: Context) -> QuerySet[Alarm]:
    return Alarm.objects.filter(account_id=context.account_id, region=context.region)


def _put(context: Context, request: Mapping[str, Any], *, is_composite: bool) -> None:
    now, name = context.clock.now(), request["AlarmName"]
    document = {member: value for member, value in request.items() if member not in _NOT_KEPT}
    row = _rows(context).select_for_update().filter(name=name).first()
    if row is not None and row.is_composite != is_composite:
        raise InvalidParameterValueException(f"An alarm of another type named {name} exists already")
    if row is None and _rows(context).count() >= MAX_ALARMS:
        raise LimitExceededFault(f"An account may have {MAX_ALARMS} alarms in a region")
    configuration = {
        "document": document,
        "actions_enabled": request.get("ActionsEnabled", True),
        "configured_at": now,
        "next_evaluation_at": now,
    }
    if row is not None:
        Alarm.objects.filter(pk=row.pk).update(**configuration)
        note(row, "ConfigurationUpdate", f'Alarm "{name}" updated', {"type": "Update"}, now)
    else:
        row = Alarm.objects.create(
            account_id=context.account_id,
            region=context.region,
            arn=alarm_arn(context.account_id, context.region, name),
            name=name,
            is_composite=is_composite,
            tags=tags_from_list(request.get("Tags")),
            created_at=now,
            last_updated_at=now,
            last_transitioned_at=now,
            **configuration,
        )
        note(row, "ConfigurationUpdate", f'Alarm "{name}" created', {"type": "Create"}, now)
    kick(KIND, key_of(context.account_id, context.region))


def _check_metric_alarm(request: PutMetricAlarmInput) -> None:
    for member, what in _UNKNOWN.items():
        if member in request:
            raise InvalidParameterValueException(f"Simfra does not have {what}.")
    if "Threshold" not in request:
        raise MissingRequiredParameterException("The parameter Threshold is required.")
    for required in ("EvaluationPeriods", "ComparisonOperator"):
        if required not in request:
            raise MissingRequiredParameterException(f"The parameter {required} is required.")
    if request["ComparisonOperator"] not in OPERATORS:
        raise InvalidParameterValueException("Simfra does not have alarms on anomaly detection models.")
    periods = request["EvaluationPeriods"]
    if not 1 <= request.get("DatapointsToAlarm", periods) <= periods <= MAX_EVALUATION_PERIODS:
        raise InvalidParameterValueException(
            "The parameter DatapointsToAlarm must be greater than 0 and no more than EvaluationPeriods."
        )
    if request.get("TreatMissingData", "missing") not in _TREATMENTS:
        raise InvalidParameterValueException(
            f"The value {request['TreatMissingData']} for parameter TreatMissingData is invalid."
        )
    if "Metrics" in request:
        _check_queries(request)
    else:
        _check_metric(request)
    period_s = _queries(request).period_s()
    if period_s * periods > MAX_EVALUATED_S:
        raise InvalidParameterCombinationException(
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800)."
        )


def _check_metric(request: PutMetricAlarmInput) -> None:
    for required in ("MetricName", "Namespace", "Period"):
        if not request.get(required):
            raise MissingRequiredParameterException(f"The parameter {required} is required.")
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        raise InvalidParameterCombinationException(
            "Exactly one of the parameters Statistic and ExtendedStatistic must be specified."
        )
    if "ExtendedStatistic" in request and not is_statistic(request["ExtendedStatistic"]):
        raise InvalidParameterValueException(
            f"The value {request['ExtendedStatistic']} for parameter ExtendedStatistic is not supported."
        )
    period_s = request["Period"]
    if period_s not in (10, 20, 30) and (period_s < 60 or period_s % 60):
        raise InvalidParameterValueException("Invalid period: it must be 10, 20, 30 or a multiple of 60.")


def _check_queries(request: PutMetricAlarmInput) -> None:
    if any(name in request for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period")):
        raise InvalidParameterCombinationException(
            "The parameters Metrics and MetricName are mutually exclusive and you have specified both."
        )
    shapes = queries_of(request)
    returned = [shape for shape in shapes if shape.get("ReturnData", True)]
    if len(returned) != 1:
        raise InvalidParameterValueException("Exactly one element of the metrics list should return data.")
    try:
        queries = _queries(request)
        queries.check()
        # Without any data, to see whether the expression can be worked out at all.
        queries.series(judged_query(shapes))
    except (QueryError, MathError) as error:
        raise InvalidParameterValueException(f"Invalid metrics list: {error}") from error


def _queries(request: PutMetricAlarmInput) -> Queries:
    """The alarm's queries in a window in which there is nothing."""
    nothing = Window(account_id="", region="", start=_LONG_AGO, end=_LONG_AGO)
    return Queries(window=nothing, shapes=queries_of(request))


def _acts(row: Alarm, prefix: str) -> bool:
    members = ("OKActions", "AlarmActions", "InsufficientDataActions")
    return any(action.startswith(prefix) for member in members for action in row.document.get(member, ()))


def _children(context: Context, name: str) -> list[str]:
    rule = alarm_rules.parse(find_alarm(context, name).document.get("AlarmRule", "FALSE"))
    return [child.rpartition(":alarm:")[2] or child for child in rule.children]


def _parents(context: Context, name: str) -> list[int]:
    arn = find_alarm(context, name).arn
    composites = _rows(context).filter(is_composite=True)[:MAX_ALARMS]
    return [row.pk for row in composites if {name, arn} & set(alarm_rules.parse(row.document["AlarmRule"]).children)]


def _pairs(dimensions: Any) -> set[tuple[str, str]]:
    return {(each["Name"], each["Value"]) for each in dimensions or ()}
