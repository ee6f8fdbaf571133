"""Evaluates alarms when they are due: once a minute by the clock that people may move, those of seconds six times.

The key is an account and region, whose due alarms are one round: an alarm costs a few reads a minute, and no engine
is looked at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.containers import Observation, Plan, Scope
from aws_api.core.reconcile import Round, register_controller
from aws_api.services.cloudwatch import alarm_rules
from aws_api.services.cloudwatch.evaluation import SPARE_PERIODS, Condition, Verdict, judge
from aws_api.services.cloudwatch.metric_math import MathError
from aws_api.services.cloudwatch.models import Alarm, StateValue
from aws_api.services.cloudwatch.points import period_start
from aws_api.services.cloudwatch.queries import Queries, QueryError, Window
from aws_api.services.cloudwatch.states import act, enter_state

KIND = "cloudwatch.alarms"
MINUTE_S = 60
#: Alarms on metrics of seconds are evaluated so often.
SHORT_S = 10
#: How long after a minute its figures are there.
SETTLED_AFTER_S = 10
MAX_KEYS = 1000
#: Alarms of one round; the next takes the rest.
MAX_ALARMS = 500


@dataclass(frozen=True, kw_only=True)
class DueAlarms:
    """The alarms of an account and region that are to be evaluated."""

    key: str
    alarms: tuple[Alarm, ...]


class AlarmController:
    """Evaluates due alarms; the key is ``<account>/<region>``."""

    kind = KIND

    def load(self, key: str) -> DueAlarms | None:
        account_id, _, region = key.partition("/")
        rows = Alarm.objects.filter(account_id=account_id, region=region, next_evaluation_at__lte=SHARED_CLOCK.now())
        # Composite ones last: they go by the others.
        due = tuple(rows.order_by("is_composite", "next_evaluation_at", "pk")[:MAX_ALARMS])
        return DueAlarms(key=key, alarms=due) if due else None

    def scope(self, desired: DueAlarms) -> Scope:
        return Scope()

    def decide(self, desired: DueAlarms, observed: Observation, now: datetime) -> Plan:
        """Nothing of the engine is to be done; states are written by ``record``."""
        return Plan()

    def record(self, desired: DueAlarms, outcome: Round) -> None:
        for alarm in desired.alarms:
            evaluate_alarm(alarm, SHARED_CLOCK.now())

    def unsettled(self, now: datetime) -> Iterable[str]:
        rows = Alarm.objects.filter(next_evaluation_at__lte=SHARED_CLOCK.now())
        found = rows.order_by("account_id", "region").values_list("account_id", "region").distinct()
        return [key_of(account_id, region) for account_id, region in found[:MAX_KEYS]]


def key_of(account_id: str, region: str) -> str:
    """The key of an account and region."""
    return f"{account_id}/{region}"


def evaluate_alarm(alarm: Alarm, now: datetime) -> None:
    """Judge an alarm by what is known now, write its state down and act upon it."""
    due = alarm.next_evaluation_at
    if not Alarm.objects.filter(pk=alarm.pk, next_evaluation_at=due).update(next_evaluation_at=_next(alarm, now)):
        # Another worker evaluates it.
        return
    before = StateValue(alarm.last_state)
    if alarm.is_composite:
        verdict, data = _composite_verdict(alarm), {}
    else:
        verdict = _metric_verdict(alarm, before, now)
        data = _reason_data(alarm, verdict, now)
    is_change = False
    if verdict.state is not before:
        is_change = enter_state(alarm, verdict.state, verdict.reason, data, now)
        if not is_change:
            return
    act(alarm, tuple(value for _, value in verdict.judged), now, is_change=is_change)


def condition_of(document: Mapping[str, Any]) -> Condition:
    """The condition of a metric alarm's configuration."""
    periods = document["EvaluationPeriods"]
    return Condition(
        operator=document["ComparisonOperator"],
        threshold=document["Threshold"],
        evaluation_periods=periods,
        datapoints_to_alarm=document.get("DatapointsToAlarm", periods),
        treat_missing_data=document.get("TreatMissingData", "missing"),
    )


def queries_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The MetricDataQueries of a metric alarm, also of one that names a single metric."""
    if metrics := document.get("Metrics"):
        return list(metrics)
    metric = {name: document.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {
        "Metric": metric,
        "Period": document["Period"],
        "Stat": document.get("Statistic") or document["ExtendedStatistic"],
    }
    if document.get("Unit"):
        stat["Unit"] = document["Unit"]
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": True}]


def judged_query(shapes: Iterable[Mapping[str, Any]]) -> str:
    """The id of the query whose values are compared: the one that is returned."""
    return next(str(shape["Id"]) for shape in shapes if shape.get("ReturnData", True))


def _metric_verdict(alarm: Alarm, before: StateValue, now: datetime) -> Verdict:
    condition, shapes = condition_of(alarm.document), queries_of(alarm.document)
    window = Window(account_id=alarm.account_id, region=alarm.region, start=now, end=now)
    period_s = Queries(window=window, shapes=shapes).period_s()
    count = condition.evaluation_periods + SPARE_PERIODS
    end = period_start(now, period_s)
    moments = [end - timedelta(seconds=period_s * number) for number in range(count, 0, -1)]
    queries = Queries(window=replace(window, start=moments[0], end=end), shapes=shapes)
    try:
        series = queries.series(judged_query(shapes))
    except (QueryError, MathError) as error:
        return Verdict(state=StateValue.INSUFFICIENT_DATA, reason=f"Insufficient Data: {error}")
    return judge(condition, [(at, series.get(at)) for at in moments], before)


def _composite_verdict(alarm: Alarm) -> Verdict:
    rule = alarm_rules.parse(alarm.document["AlarmRule"])
    names = {child.rpartition(":alarm:")[2] or child: child for child in rule.children}
    found = Alarm.objects.filter(account_id=alarm.account_id, region=alarm.region, name__in=names)
    states = {names[row.name]: row for row in found}

    def state_of(child: str) -> str:
        return states[child].last_state if child in states else StateValue.INSUFFICIENT_DATA

    state = StateValue.ALARM if rule.holds(state_of) else StateValue.OK
    latest = max(states.values(), key=lambda row: row.last_transitioned_at, default=None)
    if latest is None:
        return Verdict(state=state, reason=f"AlarmRule evaluated to {state}")
    when = latest.last_transitioned_at.strftime("%A %d %B, %Y %H:%M:%S UTC")
    reason = f"{latest.arn} transitioned to {latest.last_state} at {when}"
    return Verdict(state=state, reason=reason)


def _next(alarm: Alarm, now: datetime) -> datetime:
    if alarm.is_composite:
        # A child's change makes it due before.
        return period_start(now, MINUTE_S) + timedelta(seconds=MINUTE_S)
    window = Window(account_id=alarm.account_id, region=alarm.region, start=now, end=now)
    if Queries(window=window, shapes=queries_of(alarm.document)).period_s() < MINUTE_S:
        return now + timedelta(seconds=SHORT_S)
    settled = timedelta(seconds=SETTLED_AFTER_S)
    return period_start(now - settled, MINUTE_S) + timedelta(seconds=MINUTE_S) + settled


def _reason_data(alarm: Alarm, verdict: Verdict, now: datetime) -> dict[str, Any]:
    document = alarm.document
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": now.isoformat(),
        "recentDatapoints": [value for _, value in verdict.judged],
        "threshold": document["Threshold"],
        "evaluatedDatapoints": [
            {"timestamp": at.isoformat(), "value": value} for at, value in reversed(verdict.judged)
        ],
    }
    if verdict.judged:
        data["startDate"] = verdict.judged[0][0].isoformat()
    for name in ("Statistic", "Period", "Unit"):
        if name in document:
            data[name.lower()] = document[name]
    return data


register_controller(AlarmController())
