"""GetMetricStatistics and GetMetricData: what metrics were, by period."""

from collections.abc import Iterator
from datetime import datetime

from aws_api.core.context import Context
from aws_api.core.pagination import BadToken, decode_token, encode_token
from aws_api.services.cloudwatch.metric_math import MathError, Series
from aws_api.services.cloudwatch.points import PointSet, is_statistic, statistic
from aws_api.services.cloudwatch.queries import MAX_QUERIES, Queries, QueryError, Window, metric_name
from aws_api.services.cloudwatch.reading import Reading, read_by_unit
from aws_api.services.cloudwatch.service import cloudwatch
from aws_api.services.cloudwatch.shapes import (
    Datapoint,
    GetMetricDataInput,
    GetMetricDataOutput,
    GetMetricStatisticsInput,
    GetMetricStatisticsOutput,
    InvalidNextToken,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MetricDataQuery,
    MetricDataResult,
    MissingRequiredParameterException,
)

MAX_DATAPOINTS = 1440
MAX_DATA = 100_800
_MINUTE_S = 60
_SHORT_PERIODS_S = (1, 5, 10, 20, 30)


@cloudwatch.operation
def get_metric_statistics(context: Context, request: GetMetricStatisticsInput) -> GetMetricStatisticsOutput:
    """Statistics of one metric, in no particular order on AWS; here the oldest first."""
    statistics, percentiles = request.get("Statistics", []), request.get("ExtendedStatistics", [])
    if not statistics and not percentiles:
        raise MissingRequiredParameterException(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified."
        )
    for name in percentiles:
        if not is_statistic(name):
            raise InvalidParameterValueException(f"The value {name} for parameter ExtendedStatistics is not supported.")
    _check_times(request["StartTime"], request["EndTime"])
    period_s = request["Period"]
    _check_period(period_s)
    wanted = int((request["EndTime"] - request["StartTime"]).total_seconds()) // period_s
    if wanted > MAX_DATAPOINTS:
        raise InvalidParameterCombinationException(
            f"You have requested up to {wanted:,} datapoints, which exceeds the limit of {MAX_DATAPOINTS:,}. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    reading = Reading(
        account_id=context.account_id,
        region=context.region,
        metric=metric_name(request["Namespace"], request["MetricName"], request.get("Dimensions")),
        period_s=period_s,
        start=request["StartTime"],
        end=request["EndTime"],
        unit=request.get("Unit", ""),
    )
    points = [
        _datapoint(at, unit, found, list(statistics), percentiles)
        for unit, by_period in read_by_unit(reading).items()
        for at, found in by_period.items()
    ]
    return {"Label": request["MetricName"], "Datapoints": sorted(points, key=lambda point: point["Timestamp"])}


@cloudwatch.operation
def get_metric_data(context: Context, request: GetMetricDataInput) -> GetMetricDataOutput:
    """The series of metrics and expressions over them, the newest value first unless asked otherwise."""
    shapes = request["MetricDataQueries"]
    if len(shapes) > MAX_QUERIES:
        raise InvalidParameterValueException(
            f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )
    _check_times(request["StartTime"], request["EndTime"])
    for shape in shapes:
        if "MetricStat" in shape:
            _check_period(shape["MetricStat"]["Period"])
    window = Window(
        account_id=context.account_id, region=context.region, start=request["StartTime"], end=request["EndTime"]
    )
    queries = Queries(window=window, shapes=shapes)
    limit = min(request.get("MaxDatapoints", MAX_DATA), MAX_DATA)
    is_ascending = request.get("ScanBy") == "TimestampAscending"
    first = _position(request.get("NextToken"))
    try:
        queries.check()
        wanted = [shape for shape in shapes if shape.get("ReturnData", True)]
        series = [(shape, queries.series(shape["Id"])) for shape in wanted]
    except (QueryError, MathError) as error:
        raise InvalidParameterValueException(str(error)) from error
    results = [_result(shape, found, is_ascending, slice(first, first + limit)) for shape, found in series]
    answer: GetMetricDataOutput = {"MetricDataResults": results, "Messages": []}
    if any(len(found) > first + limit for _, found in series):
        answer["NextToken"] = encode_token(first + limit)
    return answer


def _result(shape: MetricDataQuery, series: Series, is_ascending: bool, page: slice) -> MetricDataResult:
    ordered = sorted(series.items(), reverse=not is_ascending)
    there = ordered[page]
    return {
        "Id": shape["Id"],
        "Label": shape.get("Label") or _label(shape),
        "Timestamps": [at for at, _ in there],
        "Values": [value for _, value in there],
        "StatusCode": "Complete" if page.stop >= len(ordered) else "PartialData",
    }


def _label(shape: MetricDataQuery) -> str:
    if "MetricStat" in shape:
        return shape["MetricStat"]["Metric"].get("MetricName", "")
    return shape["Id"]


def _datapoint(at: datetime, unit: str, points: PointSet, statistics: list[str], percentiles: list[str]) -> Datapoint:
    point: Datapoint = {"Timestamp": at, "Unit": unit}  # type: ignore[typeddict-item]
    point.update(dict(_known(points, statistics)))  # type: ignore[typeddict-item]
    if percentiles:
        point["ExtendedStatistics"] = dict(_known(points, percentiles))
    return point


def _known(points: PointSet, names: list[str]) -> Iterator[tuple[str, float]]:
    for name in names:
        value = statistic(points, name)
        if value is not None:
            yield name, value


def _check_times(start: datetime, end: datetime) -> None:
    if start >= end:
        raise InvalidParameterValueException("The parameter StartTime must be less than the parameter EndTime.")


def _check_period(period_s: int) -> None:
    if period_s not in _SHORT_PERIODS_S and (period_s < _MINUTE_S or period_s % _MINUTE_S):
        raise InvalidParameterValueException("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        return max(0, int(decode_token(token)))
    except (BadToken, TypeError, ValueError) as error:
        raise InvalidNextToken("Invalid token") from error
