"""The admin API's faults, and the page of them."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from django.test import Client

from aws_api.core.faults import EffectType
from aws_api.core.models import Account, Fault
from console.fault_forms import PRESETS

PATH = "/_simfra/faults"
DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs/admin-api.md"


def post(account_id: str, effect: dict[str, Any], scope: dict[str, Any] | None = None, **members: Any) -> Any:
    body = {"scope": {"accountId": account_id, **(scope or {})}, "effect": effect, **members}
    return Client().post(PATH, body, content_type="application/json")


def test_a_fault_is_made_listed_shown_and_removed(gateway: Any, account: Account) -> None:
    made = post(account.account_id, {"type": "throttle"}, {"service": "sqs"}, times=3).json()
    assert made["scope"] == {"accountId": account.account_id, "service": "sqs"}
    assert made["effect"] == {"type": "throttle"}
    assert (made["probability"], made["times"], made["hits"], made["problem"]) == (1, 3, 0, "")
    mine = f"{PATH}?accountId={account.account_id}"
    assert Client().get(mine).json() == [made]
    assert Client().get(f"{PATH}/{made['id']}").json() == made
    assert Client().get(f"{PATH}/{made['id']}?accountId=000000000009").status_code == 404
    assert Client().delete(f"{PATH}/{made['id']}").status_code == 204
    assert Client().get(f"{PATH}/{made['id']}").status_code == 404
    assert Client().delete(f"{PATH}/{made['id']}").status_code == 404
    post(account.account_id, {"type": "kill"})
    post(account.account_id, {"type": "timeout"})
    assert Client().delete(mine).json() == {"removed": 2}
    assert Client().get(mine).json() == []


def test_the_documents_example_is_one(gateway: Any) -> None:
    section = DOCUMENT.read_text().split("## Faults")[1].split("\n## ")[0]
    body = json.loads(re.findall(r"-d '(.*?)'", section)[0])
    answer = Client().post(PATH, body, content_type="application/json")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["effect"], made["times"]) == (body["effect"], body["times"])
    assert made["scope"].items() >= body["scope"].items()
    assert Client().delete(f"{PATH}/{made['id']}").status_code == 204
    for effect in EffectType:
        assert f"`{effect}`" in section, "each effect is told of"


@pytest.mark.parametrize(
    ("effect", "scope", "why"),
    [
        ({"type": "explode"}, {}, "explode"),
        ({}, {}, "required"),
        ({"type": "throttle", "loss": 0.5}, {}, "throttle has no loss."),
        ({"type": "latency"}, {}, "latency needs latency_ms."),
        ({"type": "network-packet-loss", "loss": 2}, {}, "less than or equal to 1"),
        ({"type": "throttle"}, {"task": "abc"}, "throttle is not about a certain task."),
        ({"type": "kill"}, {"operation": "RunTask"}, "kill is not about a certain operation."),
        ({"type": "availability-zone-loss", "zone": "us-east-1z"}, {}, "There is no zone us-east-1z."),
        ({"type": "throttle"}, {"region": "moon"}, "region"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    account: Account, effect: dict[str, Any], scope: dict[str, Any], why: str
) -> None:
    answer = post(account.account_id, effect, scope)
    assert answer.status_code == 400
    assert why in answer.json()["error"]


@pytest.mark.parametrize(
    "members", [{"probability": 1.1}, {"times": 0}, {"expiresIn_s": 0}, {"expiresIn_s": 8 * 86400}]
)
def test_chances_counts_and_lifetimes_have_limits(account: Account, members: dict[str, Any]) -> None:
    assert post(account.account_id, {"type": "throttle"}, **members).status_code == 400


def test_an_account_that_is_not_there_has_no_faults(gateway: Any) -> None:
    assert post("730000000099", {"type": "throttle"}).status_code == 404


def test_an_account_has_no_more_faults_than_it_may(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aws_api.core.faults.MAX_FAULTS", 2)
    answers = [post(account.account_id, {"type": "kill"}).status_code for _ in range(3)]
    assert answers == [201, 201, 400]


def test_the_page_makes_and_removes_faults_and_shows_their_hits(browser: Client, aws: Any, account: Account) -> None:
    assert "Nothing is made to fail here." in browser.get("/faults/").content.decode()
    form = {"preset": "Throttle", "service": "sqs", "probability": "1", "minutes": "5"}
    assert browser.post("/faults/make", form).status_code == 302
    with pytest.raises(ClientError):
        aws("sqs").list_queues()
    fault = Fault.objects.get(account_id=account.account_id)
    shown = browser.get("/faults/").content.decode()
    assert fault.fault_id in shown
    assert '<td class="number">1</td>' in shown
    assert browser.post("/faults/remove", {"fault": fault.fault_id}).status_code == 302
    assert "Nothing is made to fail here." in browser.get("/faults/").content.decode()
    aws("sqs").list_queues()


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(browser: Client) -> None:
    form = {"preset": "Throttle", "task": "my-task", "probability": "1", "minutes": "5"}
    answer = browser.post("/faults/make", form)
    assert answer.status_code == 400
    assert "throttle is not about a certain task." in answer.content.decode()
    assert "my-task" in answer.content.decode()
    answer = browser.post("/faults/make", {**form, "task": "", "effect": "{"})
    assert answer.status_code == 400


def test_the_requests_page_leads_from_a_request_to_its_fault(
    browser: Client, account: Account, live_gateway: str
) -> None:
    fault = post(account.account_id, {"type": "throttle"}, {"service": "sqs"}).json()["id"]
    keys = {
        "aws_access_key_id": account.root_access_key_id,
        "aws_secret_access_key": account.root_secret_access_key,
        "config": Config(retries={"total_max_attempts": 1}),
    }
    with pytest.raises(ClientError):
        boto3.client("sqs", endpoint_url=live_gateway, region_name="us-east-1", **keys).list_queues()
    # Asking the admin API has every process hand on what it has.
    Client().get(f"/_simfra/debug/requests?account_id={account.account_id}")
    shown = browser.get("/requests/").content.decode()
    assert f'<a href="/faults/">{fault}</a>' in shown


def test_each_preset_is_one_that_can_be_made(browser: Client, account: Account) -> None:
    names = [name for effects in PRESETS.values() for name in effects]
    for name in names:
        answer = browser.post("/faults/make", {"preset": name, "probability": "1", "minutes": "5"})
        assert answer.status_code == 302, (name, answer.content.decode()[:2000])
    assert Fault.objects.filter(account_id=account.account_id).count() == len(names)
    browser.post("/faults/remove", {})
    assert Client().get(f"{PATH}?accountId={account.account_id}").json() == []


def test_another_accounts_faults_are_not_shown_and_not_removed(browser: Client, gateway: Any) -> None:
    stranger = Account.objects.create(account_id="730000000003")
    fault = post(stranger.account_id, {"type": "throttle"}).json()["id"]
    assert fault not in browser.get("/faults/").content.decode()
    browser.post("/faults/remove", {"fault": fault})
    assert Client().get(f"{PATH}/{fault}").status_code == 200
