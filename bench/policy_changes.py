"""What it costs that a policy change counts in every process from the next request on.

    python -m bench.policy_changes [--calls 300]

PutRolePolicy waits for the echo of every process that keeps policies. Beside it, in the same run, a write of about as
much that no process keeps anything of: PutParameter. First with one gateway, then with three; and how often the other
gateways answered by the old policy, which must be never.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bench.gateway import RunningGateway, running_gateway
from bench.load import Endpoint

GATEWAYS = (1, 3)
CHECKS = 50


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    calls = parser.parse_args().calls
    for count in GATEWAYS:
        with running_gateway("process", count) as running:
            measure(running, calls)


def measure(running: RunningGateway, calls: int) -> None:
    """One line for some gateways."""
    iam, ssm = client(running.ports[0], "iam"), client(running.ports[0], "ssm")
    iam.create_role(RoleName="measured", AssumeRolePolicyDocument=policy("sts:AssumeRole", Principal={"AWS": "*"}))
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    readers = [client(port, "sqs", key["AccessKeyId"], key["SecretAccessKey"]) for port in running.ports]
    stale = sum(check(iam, reader, allowed=number % 2 == 0) for number in range(CHECKS) for reader in readers)
    put_policy = median_ms(
        lambda: iam.put_role_policy(
            RoleName="measured", PolicyName="own", PolicyDocument=policy("sqs:SendMessage", Resource="*")
        ),
        calls,
    )
    put_parameter = median_ms(
        lambda: ssm.put_parameter(Name="measured", Value="x" * 100, Type="String", Overwrite=True), calls
    )
    print(
        f"{len(running.ports)} gateways: PutRolePolicy {put_policy:.2f} ms, PutParameter {put_parameter:.2f} ms; "
        f"{stale} of {CHECKS * len(readers)} next requests answered by the old policy"
    )


def check(iam: Any, reader: Any, *, allowed: bool) -> bool:
    """Change a policy and ask at once; whether the answer was the old policy's."""
    if allowed:
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy("sqs:*", Resource="*"))
    else:
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy("s3:*", Resource="*"))
    try:
        reader.list_queues()
    except ClientError:
        return allowed
    return not allowed


def median_ms(call: Callable[[], Any], calls: int) -> float:
    """The median of single calls, after as many to warm up."""
    took = []
    for measured in (False, True):
        for _ in range(calls):
            started = time.perf_counter()
            call()
            if measured:
                took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def policy(action: str, **more: Any) -> str:
    """A document of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, **more}})


def client(port: int, service: str, key: str = "", secret: str = "") -> Any:
    """A boto3 client of a gateway; without a key as its root user."""
    return boto3.client(
        service,
        endpoint_url=f"http://localhost:{port}",
        region_name="us-east-1",
        aws_access_key_id=key or Endpoint.access_key_id,
        aws_secret_access_key=secret or Endpoint.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


if __name__ == "__main__":
    main()
