"""Whatever is asked of the admin API: no answer is a failure of ours, and each is as its description says."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from simfra.testing import Account, Simfra

#: Each operation is asked valid questions; broken ones until this many seconds are over.
BUDGET_S = float(os.environ.get("SIMFRA_TEST_SCHEMA_BUDGET_S", "60"))
ASKED_OF_EACH = int(os.environ.get("SIMFRA_TEST_SCHEMA_EXAMPLES", "5"))
TIMEOUT_S = 60
#: A stream has no end, and the clock is every account's.
LEFT_OUT = ("stream_events", "move_clock", "reset_clock")
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")

for archive in ("application/gzip", "application/x-tar"):
    schemathesis.serializer.alias(archive, "application/octet-stream")


@pytest.fixture
def account_of_answers(live_gateway: str) -> Iterator[Account]:
    account = Simfra(live_gateway).create_account()
    account.client("sqs").create_queue(QueueName="orders")
    account.snapshot("first")
    yield account


@pytest.mark.filterwarnings("ignore")
def test_every_answer_is_as_described(live_gateway: str, account_of_answers: Account) -> None:
    load_all_checks()
    checks = CHECKS.get_by_names(KEPT)
    document = Simfra(live_gateway).api.call("GET", "schema")
    schema = schemathesis.openapi.from_dict(document)
    ends = time.monotonic() + BUDGET_S
    problems: dict[str, str] = {}
    asked: dict[str, int] = {}

    def ask(operation: Any, mode: GenerationMode, **fixed: Any) -> None:
        @settings(
            max_examples=ASKED_OF_EACH,
            deadline=None,
            database=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode, **fixed))
        def question(case: Any) -> None:
            if operation.path.endswith("/wait") and isinstance(case.body, dict):
                case.body["timeout_s"] = 0
            answer = case.call(base_url=live_gateway, timeout=TIMEOUT_S)
            asked[operation.label] = asked.get(operation.label, 0) + 1
            case.validate_response(answer, checks=checks)

        try:
            question()
        except Unsatisfiable:
            pass  # Nothing that is asked so is broken: any text is a valid id.
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all are asked before anything is said
            problems[operation.label] = str(error)[:3000]

    found = [
        operation
        for operation in (result.ok() for result in schema.get_all_operations())
        if operation.definition.raw["operationId"] not in LEFT_OUT
    ]
    found.sort(key=lambda operation: operation.method.upper() == "DELETE")
    own = {"path_parameters": {"account_id": account_of_answers.id}}
    for operation in found:
        ask(operation, GenerationMode.POSITIVE, **(own if "{account_id}" in operation.path else {}))
    assert len(asked) == len(found), "each is asked"
    for operation in found:
        if time.monotonic() < ends:
            ask(operation, GenerationMode.NEGATIVE)
    assert not problems, "\n\n".join(f"{name}: {told}" for name, told in problems.items())
