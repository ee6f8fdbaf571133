"""Every page of the console with something real on it: for everybody, on a desk and on a phone, by day and by night."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext

from console.discovery import page_urlpatterns
from tests.browser.looking import Tab
from tests.browser.product import FAMILY, LOG_GROUP, PARAMETER, QUEUE, SECRET, TABLE, Shop
from tests.end_to_end.stack import Stack

Path = str | Callable[[Shop], str]


def _query(path: str, **asked: str) -> str:
    return f"{path}?{urlencode(asked)}"


#: By the names of their addresses: where each page has something to show.
PAGES: Mapping[str, Path] = {
    "home": "/",
    "search": "/search?q=orders",
    "resource-kinds": "/resources/",
    "resources": "/resources/ecs/clusters/",
    "resource": f"/resources/sqs/queues/{QUEUE}",
    "clusters": "/clusters/",
    "cluster": "/clusters/default/",
    "task": lambda shop: f"/clusters/default/tasks/{shop.task_id}/",
    "failed task": lambda shop: f"/clusters/default/tasks/{shop.failed_task_id}/",
    "services": "/services/",
    "service": "/clusters/default/services/web/",
    "task-definitions": "/task-definitions/",
    "task-definition-family": f"/task-definitions/{FAMILY}/",
    "task-definition": f"/task-definitions/{FAMILY}/2/",
    "register-task-definition": "/task-definitions/register",
    "register as JSON": "/task-definitions/register?mode=json",
    "run-task": f"/run-task?taskDefinition={FAMILY}:2",
    "terminal": lambda shop: f"/clusters/default/tasks/{shop.task_id}/terminal/app",
    "images": "/images/",
    "repository": "/images/shop/web/",
    "image": lambda shop: f"/images/shop/web/{shop.image_digest}",
    "network": "/network/",
    "names": "/names/",
    "load-balancers": "/load-balancers/",
    "load-balancer": "/load-balancers/front/",
    "queues": "/queues/",
    "queue": f"/queues/{QUEUE}/",
    "dead-letter queue": "/queues/orders-dead/",
    "tables": "/tables/",
    "table": f"/tables/{TABLE}/",
    "item": _query(f"/tables/{TABLE}/item", key='{"customer": {"S": "customer-1"}, "order": {"S": "001"}}'),
    "new-item": f"/tables/{TABLE}/new",
    "partiql": _query("/partiql/", statement='SELECT * FROM "orders"'),
    "secrets": "/secrets/",
    "secret": f"/secrets/of/{SECRET}",
    "parameters": "/parameters/",
    "parameter": _query("/parameters/one", name=PARAMETER),
    "log-groups": "/logs/",
    "log-group": _query("/logs/group", name=LOG_GROUP),
    "log-stream": _query("/logs/stream", name=LOG_GROUP, stream="app/one"),
    "log-tail": _query("/logs/tail", name=LOG_GROUP),
    "task-logs": lambda shop: f"/logs/of-task/default/{shop.task_id}",
    "metrics": "/metrics/",
    "alarms": "/alarms/",
    "alarm": "/alarms/too-many-orders",
    "iam": "/iam/",
    "iam-list": "/iam/roles/",
    "iam-principal": "/iam/users/ann",
    "iam-policy": lambda shop: _query("/iam/policy", arn=shop.policy_arn),
    "access": "/access/",
    "requests": "/requests/",
    "request": lambda shop: f"/requests/{shop.failed_request_id}",
    "faults": "/faults/",
    "people": "/people/",
    "api-docs": "/_simfra/docs",
    "login": "/login",
}
#: Pages whose addresses only other pages know: the page, and the first link in what.
LINKED = {"queue-message": (f"/queues/{QUEUE}/", "#messages td")}


@pytest.mark.parametrize("name", [*PAGES, *LINKED])
def test_a_page_is_for_everybody(tab: Tab, shop: Shop, name: str) -> None:
    if name in LINKED:
        path, place = LINKED[name]
        found: Path = str(tab.open(path).locator(f"{place} a").first.get_attribute("href"))
    else:
        found = PAGES[name]
    page = tab.open(found if isinstance(found, str) else found(shop))
    page.wait_for_function("document.readyState === 'complete' && typeof htmx !== 'undefined'")
    assert tab.grave_faults() == []
    tab.photograph(f"{name} light")
    with tab.on_a_phone():
        assert tab.overflow() == []
        tab.photograph(f"{name} phone")
    tab.wear("dark")
    assert tab.grave_faults("color-contrast") == []
    tab.photograph(f"{name} dark")


def test_no_page_is_left_out(chromium: BrowserContext, product: Stack) -> None:
    for page in page_urlpatterns():
        if page.name not in {*PAGES, *LINKED}:
            path = re.sub(r"<int:\w+>", "1", re.sub(r"<(str|slug|path):\w+>", "x", str(page.pattern)))
            answer = chromium.request.get(f"{product.console}/{path}")
            assert answer.status == 405, f"{page.name} is a page: it needs a place in PAGES"
