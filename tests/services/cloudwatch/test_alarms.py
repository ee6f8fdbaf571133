"""Alarms through boto3, evaluated as the sweep has them evaluated."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.alarms import alarm_states
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import Observation, Plan
from aws_api.core.reconcile import Round, get_controller
from aws_api.services.cloudwatch.controller import KIND
from aws_api.services.cloudwatch.models import Alarm

Aws = Callable[..., Any]
Evaluate = Callable[[], None]


@pytest.fixture
def evaluate(account: Any) -> Evaluate:
    """Evaluate the account's alarms, as if their time had come."""

    def run() -> None:
        controller, key = get_controller(KIND), f"{account.account_id}/us-east-1"
        for _ in range(5):
            Alarm.objects.filter(account_id=account.account_id, is_composite=False).update(
                next_evaluation_at=SYSTEM_CLOCK.now() - timedelta(seconds=1)
            )
            desired = controller.load(key)
            if desired is None:
                return
            now = SYSTEM_CLOCK.now()
            controller.record(desired, Round(at=now, plan=Plan(), observed=Observation()))

    return run


def put_alarm(client: Any, name: str = "busy", **changes: Any) -> None:
    alarm = {
        "AlarmName": name,
        "Namespace": "App",
        "MetricName": "Load",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 80,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    client.put_metric_alarm(**(alarm | changes))


def put_load(client: Any, value: float) -> None:
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    client.put_metric_data(Namespace="App", MetricData=[{"MetricName": "Load", "Value": value, "Timestamp": at}])


def state(client: Any, name: str = "busy") -> str:
    answer = client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    (alarm,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
    return str(alarm["StateValue"])


def test_an_alarm_fires_and_its_history_says_so(aws: Aws, evaluate: Evaluate, context: Any) -> None:
    client = aws("cloudwatch")
    put_alarm(client, AlarmActions=["arn:aws:sns:us-east-1:123456789012:topic"])
    assert state(client) == "INSUFFICIENT_DATA"
    put_load(client, 95)
    evaluate()
    (alarm,) = client.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert alarm["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [95.0 (")
    assert alarm_states(context, ["busy", "other"]) == {"busy": "ALARM"}
    items = client.describe_alarm_history(AlarmName="busy")["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in items] == ["Action", "StateUpdate", "ConfigurationUpdate"]
    assert items[1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def test_an_alarm_is_well_again(aws: Aws, evaluate: Evaluate) -> None:
    client = aws("cloudwatch")
    put_alarm(client)
    client.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="a test")
    put_load(client, 10)
    evaluate()
    assert state(client) == "OK"


def test_an_alarm_on_an_expression(aws: Aws, evaluate: Evaluate) -> None:
    client = aws("cloudwatch")
    stat = {"Metric": {"Namespace": "App", "MetricName": "Load"}, "Period": 60, "Stat": "Sum"}
    client.put_metric_alarm(
        AlarmName="double",
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[
            {"Id": "m1", "MetricStat": stat, "ReturnData": False},
            {"Id": "e1", "Expression": "m1 * 2", "ReturnData": True},
        ],
    )
    put_load(client, 51)
    evaluate()
    assert state(client, "double") == "ALARM"


def test_a_composite_alarm_follows_its_children(aws: Aws, evaluate: Evaluate) -> None:
    client = aws("cloudwatch")
    put_alarm(client, "one")
    put_alarm(client, "two")
    client.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("one") AND ALARM("two")')
    client.put_composite_alarm(AlarmName="outer", AlarmRule="ALARM(both)")
    put_load(client, 99)
    evaluate()
    assert [state(client, name) for name in ("one", "two", "both", "outer")] == ["ALARM"] * 4
    parents = client.describe_alarms(ParentsOfAlarmName="both", AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert [alarm["AlarmName"] for alarm in parents] == ["outer"]
    children = client.describe_alarms(ChildrenOfAlarmName="both")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in children] == ["one", "two"]


def test_alarms_are_found_by_their_metric_and_by_prefix(aws: Aws) -> None:
    client = aws("cloudwatch")
    put_alarm(client, "a-one")
    put_alarm(client, "a-two", MetricName="Other")
    put_alarm(client, "b")
    found = client.describe_alarms_for_metric(Namespace="App", MetricName="Load")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == ["a-one", "b"]
    found = client.describe_alarms(AlarmNamePrefix="a-")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == ["a-one", "a-two"]
    pages = client.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["MetricAlarms"]) for page in pages] == [2, 1]


def test_actions_are_switched_off_and_on(aws: Aws) -> None:
    client = aws("cloudwatch")
    put_alarm(client)
    client.disable_alarm_actions(AlarmNames=["busy"])
    assert client.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is False
    client.enable_alarm_actions(AlarmNames=["busy"])
    assert client.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is True


def test_tags(aws: Aws) -> None:
    client = aws("cloudwatch")
    put_alarm(client, Tags=[{"Key": "a", "Value": "1"}])
    arn = client.describe_alarms()["MetricAlarms"][0]["AlarmArn"]
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    client.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_deleted_alarm_is_gone(aws: Aws) -> None:
    client = aws("cloudwatch")
    put_alarm(client)
    client.delete_alarms(AlarmNames=["busy"])
    assert client.describe_alarms()["MetricAlarms"] == []
    with pytest.raises(ClientError) as failed:
        client.set_alarm_state(AlarmName="busy", StateValue="OK", StateReason="a test")
    assert failed.value.response["Error"]["Code"] == "ResourceNotFound"


@pytest.mark.parametrize(
    "changes",
    [
        {"DatapointsToAlarm": 2},
        {"Period": 45},
        {"EvaluationPeriods": 1000, "Period": 3600},
        {"TreatMissingData": "sometimes"},
        {"ThresholdMetricId": "ad1"},
        {"ExtendedStatistic": "p99"},
    ],
)
def test_alarms_that_make_no_sense_are_refused(aws: Aws, changes: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        put_alarm(aws("cloudwatch"), **changes)
