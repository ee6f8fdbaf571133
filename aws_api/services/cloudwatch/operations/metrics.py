"""PutMetricData and ListMetrics."""

from collections.abc import Mapping
from datetime import timedelta
from math import isfinite

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.services.cloudwatch.models import Metric
from aws_api.services.cloudwatch.points import PointSet, of_values
from aws_api.services.cloudwatch.queries import metric_name
from aws_api.services.cloudwatch.recording import NewPoint, record
from aws_api.services.cloudwatch.service import cloudwatch
from aws_api.services.cloudwatch.shapes import (
    InvalidNextToken,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    ListMetricsInput,
    ListMetricsOutput,
    MetricDatum,
    MissingRequiredParameterException,
    PutMetricDataInput,
)

OLDEST = timedelta(days=14)
NEWEST = timedelta(hours=2)
MAX_DATA = 1000
MAX_VALUES = 150
MAX_DIMENSIONS = 30
PAGE = 500
RECENTLY = timedelta(hours=3)
#: Larger or smaller numbers CloudWatch does not take.
MAX_EXPONENT = 2.0**360


@cloudwatch.operation
def put_metric_data(context: Context, request: PutMetricDataInput) -> None:
    """Add values to metrics; metrics are made by having values."""
    namespace = request["Namespace"]
    if namespace.startswith("AWS/"):
        raise InvalidParameterValueException("The value AWS/ for parameter Namespace is invalid.")
    data = list(request.get("MetricData", ()))
    for group in request.get("EntityMetricData", ()):
        data += group.get("MetricData", ())
    if not data:
        raise MissingRequiredParameterException("The parameter MetricData is required.")
    if len(data) > MAX_DATA:
        raise InvalidParameterValueException(f"The collection MetricData must not have a size greater than {MAX_DATA}.")
    points = [_point(context, namespace, datum, number) for number, datum in enumerate(data, 1)]
    record(context.account_id, context.region, points)


@cloudwatch.operation
def list_metrics(context: Context, request: ListMetricsInput) -> ListMetricsOutput:
    """The metrics that have values, by when they were first put."""
    rows = Metric.objects.filter(account_id=context.account_id, region=context.region)
    if request.get("Namespace"):
        rows = rows.filter(namespace=request["Namespace"])
    if request.get("MetricName"):
        rows = rows.filter(name=request["MetricName"])
    for wanted in request.get("Dimensions", ()):
        if "Value" in wanted:
            rows = rows.filter(dimensions__contains={wanted["Name"]: wanted["Value"]})
        else:
            rows = rows.filter(dimensions__has_key=wanted["Name"])
    if request.get("RecentlyActive"):
        rows = rows.filter(last_put_at__gte=context.clock.now() - RECENTLY)
    page, token = page_of_rows(rows, by="pk", token=request.get("NextToken"), limit=PAGE, error=InvalidNextToken)
    answer: ListMetricsOutput = {
        "Metrics": [
            {
                "Namespace": row.namespace,
                "MetricName": row.name,
                "Dimensions": [{"Name": name, "Value": row.dimensions[name]} for name in sorted(row.dimensions)],
            }
            for row in page
        ]
    }
    if token:
        answer["NextToken"] = token
    return answer


def _point(context: Context, namespace: str, datum: MetricDatum, number: int) -> NewPoint:
    member = f"MetricData.member.{number}"
    dimensions = datum.get("Dimensions", [])
    if len(dimensions) > MAX_DIMENSIONS:
        raise InvalidParameterValueException(
            f"The collection {member}.Dimensions must not have a size greater than {MAX_DIMENSIONS}."
        )
    now = context.clock.now()
    at = datum.get("Timestamp") or now
    if not now - OLDEST <= at <= now + NEWEST:
        raise InvalidParameterValueException(
            f"The parameter {member}.Timestamp must specify a time no more than two weeks in the past and no more "
            "than two hours in the future."
        )
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise InvalidParameterValueException(f"The parameter {member}.StorageResolution must be 1 or 60.")
    return NewPoint(
        metric=metric_name(namespace, datum["MetricName"], dimensions),
        at=at,
        unit=datum.get("Unit", "None"),
        points=_points(datum, member),
        is_high_resolution=resolution == 1,
    )


def _points(datum: MetricDatum, member: str) -> PointSet:
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if not given:
        raise MissingRequiredParameterException(
            f"At least one of the parameters {member}.Value, {member}.Values or {member}.StatisticValues is required."
        )
    if len(given) > 1:
        raise InvalidParameterCombinationException(
            f"The parameters {member}.{given[0]} and {member}.{given[1]} are mutually exclusive and you have "
            "specified both."
        )
    if "StatisticValues" in datum:
        told = datum["StatisticValues"]
        if told["SampleCount"] <= 0:
            raise InvalidParameterValueException(
                f"The parameter {member}.StatisticValues.SampleCount must be greater than 0."
            )
        if told["Minimum"] > told["Maximum"]:
            raise InvalidParameterCombinationException(
                f"The parameter {member}.StatisticValues.Maximum must be greater than {member}.StatisticValues.Minimum."
            )
        return PointSet(sum=told["Sum"], count=told["SampleCount"], minimum=told["Minimum"], maximum=told["Maximum"])
    values = datum.get("Values") or [datum.get("Value", 0.0)]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(values) > MAX_VALUES:
        raise InvalidParameterValueException(
            f"The collection {member}.Values must not have a size greater than {MAX_VALUES}."
        )
    if len(values) != len(counts):
        raise InvalidParameterValueException(
            f"The parameters {member}.Values and {member}.Counts must be of the same size."
        )
    return of_values(_counted(values, counts, member))


def _counted(values: list[float], counts: list[float], member: str) -> Mapping[float, float]:
    found: dict[float, float] = {}
    for value, count in zip(values, counts, strict=True):
        if not isfinite(value) or abs(value) > MAX_EXPONENT:
            raise InvalidParameterValueException(f"The value {value} for parameter {member}.Value is invalid.")
        if count > 0:
            found[value] = found.get(value, 0.0) + count
    if not found:
        raise InvalidParameterValueException(f"The parameter {member}.Counts must hold a count greater than 0.")
    return found
