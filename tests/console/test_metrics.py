"""Metrics and alarms."""

from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread

ORDERS = '{"Namespace":"Shop","MetricName":"Orders","Dimensions":[{"Name":"Kind","Value":"<b>gift</b>"}]}'


@pytest.fixture
def cloudwatch(aws: Callable[..., Any]) -> Any:
    """A client; there is a metric with a figure and an alarm on it."""
    client = aws("cloudwatch")
    dimensions = [{"Name": "Kind", "Value": "<b>gift</b>"}]
    client.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": 42, "Dimensions": dimensions}]
    )
    client.put_metric_alarm(
        AlarmName="many/orders",
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1000,
        ComparisonOperator="GreaterThanThreshold",
    )
    return client


def test_metrics_are_listed_and_plotted(browser: Client, cloudwatch: Any) -> None:
    assert "Orders" in page(browser, "/metrics/?namespace=Shop")
    assert "There is no metric in Else" in page(browser, "/metrics/?namespace=Else")
    chosen = page(browser, f"/metrics/?{urlencode({'m': ORDERS, 'statistic': 'Sum'})}")
    assert ",42.0]]" in chosen and "data-plot-series" in chosen and "checked" in chosen
    assert "<b>gift" not in chosen
    assert "What was chosen is no metric." in page(browser, "/metrics/?m=x")


def test_an_alarm_is_shown_and_its_state_set(browser: Client, cloudwatch: Any) -> None:
    assert "/alarms/many/orders" in page(browser, "/alarms/")
    assert "/alarms/many/orders" not in page(browser, "/alarms/?state=ALARM")
    posted = {"state": "ALARM", "reason": "because of <a test>"}
    assert browser.post("/alarms/many/orders/state", posted).status_code == 302
    shown = unescape(page(browser, "/alarms/many/orders"))
    assert "because of <a test>" in shown and "History" in shown
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "ALARM"
    refused = browser.post("/alarms/many/orders/state", {"state": "ODD", "reason": "kept"})
    assert refused.status_code == 400
    assert 'value="kept"' in refused.content.decode()
    assert browser.get("/alarms/none").status_code == 404


def test_another_account_sees_neither_metrics_nor_alarms(gateway: Any, cloudwatch: Any) -> None:
    stranger = Client()
    stranger.post("/scope", {"account_id": "999999999999", "region": "us-east-1", "back": "/"})
    assert "gift" not in page(stranger, "/metrics/?namespace=Shop")
    assert "/alarms/many/orders" not in page(stranger, "/alarms/")
    assert stranger.get("/alarms/many/orders").status_code == 404


async def test_alarms_and_plots_change_while_somebody_looks(browser: Client, cloudwatch: Any) -> None:
    async with connected("/_simfra/live/alarms", browser) as socket:
        await received(socket, 'hx-target="#alarms"')
        new = {"AlarmName": "many/orders", "StateValue": "OK", "StateReason": "all is well"}
        await in_thread(cloudwatch.set_alarm_state, **new)
        await received(socket, "all is well")
    async with connected("/_simfra/live/alarm?name=many/orders", browser) as socket:
        assert 'hx-target="#alarm"' in await received(socket, "all is well")
    async with connected(f"/_simfra/live/metrics?{urlencode({'m': ORDERS, 'statistic': 'Sum'})}", browser) as socket:
        assert 'hx-target="#metrics-plot"' in await received(socket, r",42\.0\]\]")
