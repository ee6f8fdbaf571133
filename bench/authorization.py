"""What a signed call costs before its operation runs: SigV4, and IAM with ten managed policies of AWS attached.

    python -m bench.authorization

Microseconds per call at the median, on warm caches. The goal: both together under 200. In the same run, in turns: the
floor, which is the hashes that a signature is made of and nothing else, and botocore signing the same request, which
is what the client pays for it. Ends with status 1 where the goal is missed.
"""

import hashlib
import hmac
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
ROUNDS = 5
GOAL_US = 200
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
BOTH = f"SigV4 and IAM, {len(POLICIES)} policies"


def main() -> None:
    """Make a user, sign a request as it, and time both."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
    django.setup()
    from django.core.management import call_command

    from aws_api.core.execution import run_on_loop
    from aws_api.services.iam.used_actions import used_actions

    call_command("migrate", verbosity=0)
    try:
        medians = run_on_loop(measure(*user_with_policies()))
        run_on_loop(used_actions.flush())
    finally:
        servers.pytest_unconfigure()
    for name, median in medians.items():
        print(f"{name:<34}{median:8.1f} us")
    if medians[BOTH] >= GOAL_US:
        sys.exit(f"the goal of {GOAL_US} us is missed")


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

    async def hash_alone() -> None:
        # The body, the canonical request, the text and its signature; a signing key is kept for a day.
        hashlib.sha256(request.body).hexdigest()
        hashlib.sha256(b"x" * 300).hexdigest()
        hmac.digest(secret.encode(), b"x" * 130, "sha256").hex()

    async def sign() -> None:
        signed_request(access_key_id, secret)

    measured: dict[str, Callable[[], Awaitable[None]]] = {
        "SigV4": check_signature,
        f"IAM, {len(POLICIES)} policies": check_permission,
        BOTH: check_both,
        "floor: the hashes of a signature": hash_alone,
        "peer: botocore signs the request": sign,
    }
    times: dict[str, list[int]] = {name: [] for name in measured}
    for number in range(ROUNDS + 1):
        for name, call in measured.items():
            taken = await times_ns(call, CALLS // ROUNDS)
            if number:  # the first round warms up
                times[name] += taken
    return {name: statistics.median(taken) / 1000 for name, taken in times.items()}


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


async def times_ns(call: Callable[[], Awaitable[None]], count: int) -> list[int]:
    """What each of some calls took."""
    times = []
    for _ in range(count):
        started = time.perf_counter_ns()
        await call()
        times.append(time.perf_counter_ns() - started)
    return times


if __name__ == "__main__":
    main()
