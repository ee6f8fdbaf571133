"""Metrics through boto3: put, listed, read by period."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]


def this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def put(client: Any, *data: dict[str, Any], namespace: str = "App") -> None:
    client.put_metric_data(Namespace=namespace, MetricData=list(data))


def statistics(client: Any, **asked: Any) -> list[dict[str, Any]]:
    minute = this_minute()
    window = {"StartTime": minute - timedelta(minutes=10), "EndTime": minute + timedelta(minutes=2), "Period": 60}
    given = {"Namespace": "App", "MetricName": "Latency", **window, **asked}
    points: list[dict[str, Any]] = client.get_metric_statistics(**given)["Datapoints"]
    return points


def code(failed: pytest.ExceptionInfo[ClientError]) -> str:
    return str(failed.value.response["Error"]["Code"])


def test_values_of_a_minute_are_one_datapoint(aws: Aws) -> None:
    client, at = aws("cloudwatch"), this_minute() - timedelta(minutes=2)
    put(client, {"MetricName": "Latency", "Value": 1, "Timestamp": at, "Unit": "Seconds"})
    put(client, {"MetricName": "Latency", "Values": [2, 3], "Counts": [1, 2], "Timestamp": at, "Unit": "Seconds"})
    asked = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    (point,) = statistics(client, Statistics=asked)
    assert point["Timestamp"] == at
    assert point["Unit"] == "Seconds"
    assert [point[name] for name in asked] == [4, 2.25, 9, 1, 3]
    (point,) = statistics(client, ExtendedStatistics=["p50", "p100"])
    assert point["ExtendedStatistics"] == {"p50": 2.5, "p100": 3.0}


def test_a_statistic_set_is_added_to_what_is_there(aws: Aws) -> None:
    client = aws("cloudwatch")
    told = {"SampleCount": 10, "Sum": 50, "Minimum": 1, "Maximum": 9}
    put(client, {"MetricName": "Latency", "StatisticValues": told}, {"MetricName": "Latency", "Value": 20})
    (point,) = statistics(client, Statistics=["SampleCount", "Maximum", "Sum"])
    assert (point["SampleCount"], point["Maximum"], point["Sum"]) == (11, 20, 70)


def test_dimensions_tell_metrics_apart(aws: Aws) -> None:
    client = aws("cloudwatch")
    for name in ("a", "b"):
        put(client, {"MetricName": "Latency", "Value": 1, "Dimensions": [{"Name": "Host", "Value": name}]})
    put(client, {"MetricName": "Errors", "Value": 1})
    assert statistics(client, Statistics=["Sum"]) == []
    assert len(statistics(client, Statistics=["Sum"], Dimensions=[{"Name": "Host", "Value": "a"}])) == 1
    listed = client.list_metrics(Namespace="App", MetricName="Latency", Dimensions=[{"Name": "Host"}])["Metrics"]
    assert sorted(metric["Dimensions"][0]["Value"] for metric in listed) == ["a", "b"]
    assert len(client.list_metrics(Namespace="App")["Metrics"]) == 3
    assert client.list_metrics(Namespace="Other")["Metrics"] == []


def test_seconds_are_kept_where_that_is_asked_for(aws: Aws) -> None:
    client, minute = aws("cloudwatch"), this_minute() - timedelta(minutes=1)
    for second in (5, 25):
        at = minute + timedelta(seconds=second)
        put(client, {"MetricName": "Latency", "Value": second, "Timestamp": at, "StorageResolution": 1})
    points = statistics(client, Statistics=["Sum"], Period=10, StartTime=minute, EndTime=minute + timedelta(minutes=1))
    assert [(point["Timestamp"].second, point["Sum"]) for point in points] == [(0, 5), (20, 25)]
    assert [point["Sum"] for point in statistics(client, Statistics=["Sum"])] == [30]


def test_metric_data_with_math(aws: Aws) -> None:
    client, at = aws("cloudwatch"), this_minute() - timedelta(minutes=2)
    put(
        client,
        {"MetricName": "Good", "Value": 30, "Timestamp": at},
        {"MetricName": "All", "Value": 40, "Timestamp": at},
    )

    def metric(name: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "App", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        return {"Id": name.lower(), "MetricStat": stat, "ReturnData": False}

    queries = [metric("Good"), metric("All"), {"Id": "share", "Expression": "100 * good / all", "Label": "%"}]
    answer = client.get_metric_data(
        MetricDataQueries=queries, StartTime=at - timedelta(minutes=5), EndTime=at + timedelta(minutes=2)
    )
    (result,) = answer["MetricDataResults"]
    assert (result["Id"], result["Label"], result["Values"], result["Timestamps"]) == ("share", "%", [75.0], [at])
    with pytest.raises(ClientError) as failed:
        client.get_metric_data(
            MetricDataQueries=[{"Id": "e1", "Expression": "SEARCH('{App}', 'Sum', 300)"}],
            StartTime=at,
            EndTime=at + timedelta(minutes=2),
        )
    assert "InvalidParameterValue" in code(failed)


@pytest.mark.parametrize(
    "datum",
    [
        {"MetricName": "m"},
        {"MetricName": "m", "Value": 1, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
        {"MetricName": "m", "Value": 1, "StorageResolution": 7},
        {"MetricName": "m", "Values": [1, 2], "Counts": [1]},
        {"MetricName": "m", "Value": 1, "Timestamp": datetime(2001, 1, 1, tzinfo=UTC)},
    ],
)
def test_data_that_makes_no_sense_is_refused(aws: Aws, datum: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        put(aws("cloudwatch"), datum)


def test_namespaces_of_aws_are_not_for_clients(aws: Aws) -> None:
    with pytest.raises(ClientError) as failed:
        put(aws("cloudwatch"), {"MetricName": "m", "Value": 1}, namespace="AWS/ECS")
    assert code(failed) in ("InvalidParameterValue", "InvalidParameterValueException")


def test_too_many_datapoints_at_once_are_refused(aws: Aws) -> None:
    with pytest.raises(ClientError, match=r"exceeds the limit of 1,440"):
        statistics(aws("cloudwatch"), Statistics=["Sum"], StartTime=this_minute() - timedelta(days=2))


def test_a_queues_length_is_a_metric(aws: Aws) -> None:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    (point,) = statistics(
        aws("cloudwatch"),
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "work"}],
        Statistics=["Maximum"],
    )
    assert point["Maximum"] == 3
