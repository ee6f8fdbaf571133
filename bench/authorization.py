"""What a signed call costs before its operation runs: SigV4, and IAM with ten managed policies of AWS attached.

``python bench/authorization.py``; microseconds per call at the median, on warm caches. The goal: both under 200.
"""

import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests import servers  # starts servers of its own, before Django reads its settings

CALLS = 5000
POLICIES = (
    "AmazonDynamoDBFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ReadOnlyAccess",
    "AmazonECS_FullAccess",
    "AmazonSQSFullAccess",
    "AmazonSSMReadOnlyAccess",
    "CloudWatchLogsFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "SecretsManagerReadWrite",
)
HOST, REGION = "localhost:4599", "us-east-1"


def main() -> None:
    """Make a user, sign a request as it, and time both."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
    django.setup()
    from django.core.management import call_command

    from aws_api.core.execution import run_on_loop
    from aws_api.services.iam.used_actions import used_actions

    call_command("migrate", verbosity=0)
    try:
        for name, median_us in run_on_loop(measure(*user_with_policies())).items():
            print(f"{name:<30}{median_us:8.1f} us")
        run_on_loop(used_actions.flush())
    finally:
        servers.pytest_unconfigure()


def user_with_policies() -> tuple[str, str, str]:
    """(account id, access key id, secret) of a user with the policies."""
    from aws_api.core.context import internal_context
    from aws_api.core.ids import new_account_id
    from aws_api.core.invoke import invoke

    context = internal_context(new_account_id(), REGION)
    invoke(context, "iam", "CreateUser", {"UserName": "ann"})
    for name in POLICIES:
        arn = f"arn:aws:iam::aws:policy/{name}"
        invoke(context, "iam", "AttachUserPolicy", {"UserName": "ann", "PolicyArn": arn})
    key = invoke(context, "iam", "CreateAccessKey", {"UserName": "ann"})["AccessKey"]
    invoke(context, "sqs", "CreateQueue", {"QueueName": "orders"})
    return context.account_id, key["AccessKeyId"], key["SecretAccessKey"]


async def measure(account_id: str, access_key_id: str, secret: str) -> dict[str, float]:
    """Microseconds by what was measured."""
    from aws_api.core.authorization import authorize
    from aws_api.core.context import Context
    from aws_api.core.decisions import gathering_decisions
    from aws_api.core.invoke import find_operation
    from aws_api.gateway.credential_scope import claimed_scope
    from aws_api.gateway.sigv4 import verify

    request = signed_request(access_key_id, secret)
    principal = await verify(request, claimed_scope(request), datetime.now(UTC))
    context = Context(account_id=account_id, region=REGION, principal=principal)
    operation = find_operation("sqs", "SendMessage")
    parameters = {"QueueUrl": f"http://{HOST}/{account_id}/orders", "MessageBody": "x" * 200}

    async def check_signature() -> None:
        await verify(request, claimed_scope(request), datetime.now(UTC))

    async def check_permission() -> None:
        with gathering_decisions():
            await authorize(context, operation, parameters)

    async def check_both() -> None:
        await check_signature()
        await check_permission()

    return {
        "SigV4": await median_us(check_signature),
        f"IAM, {len(POLICIES)} policies": await median_us(check_permission),
        f"SigV4 and IAM, {len(POLICIES)} policies": await median_us(check_both),
    }


def signed_request(access_key_id: str, secret: str) -> Any:
    """SendMessage, signed by botocore, as the gateway gets it."""
    from aws_api.protocol.wire import WireRequest

    headers = {"Host": HOST, "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}
    signed = AWSRequest("POST", f"http://{HOST}/", headers=headers, data=b"{}")
    SigV4Auth(Credentials(access_key_id, secret), "sqs", REGION).add_auth(signed)
    return WireRequest(
        method="POST",
        path="/",
        raw_path="/",
        query="",
        headers={name.lower(): value for name, value in signed.headers.items()},
        body=b"{}",
        client_host="127.0.0.1",
        scheme="http",
    )


async def median_us(call: Callable[[], Awaitable[None]]) -> float:
    """The median of single calls, after as many to warm up."""
    times = []
    for measured in (False, True):
        for _ in range(CALLS):
            started = time.perf_counter_ns()
            await call()
            if measured:
                times.append(time.perf_counter_ns() - started)
    return statistics.median(times) / 1000


if __name__ == "__main__":
    main()
