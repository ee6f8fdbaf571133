"""Accounts with a seed: the same calls make the same ids."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_api.core.ids import IdSequence, id_sequence, new_access_key_id, new_hex_id, new_suffix, new_uuid
from aws_api.core.seeds import begin_again, set_seed

Aws = Callable[..., Any]


def made(aws: Aws) -> list[str]:
    """The ids of a few resources."""
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    aws("ec2").describe_vpcs()
    subnet = aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    secret = aws("secretsmanager").create_secret(Name="db", SecretString="x")["ARN"]
    return [vpc, subnet, key, secret]


def clear(aws: Aws, ids: list[str]) -> None:
    aws("secretsmanager").delete_secret(SecretId=ids[3], ForceDeleteWithoutRecovery=True)
    aws("ec2").delete_subnet(SubnetId=ids[1])
    aws("ec2").delete_vpc(VpcId=ids[0])


def test_the_same_calls_make_the_same_ids(aws: Aws, account: Any) -> None:
    from aws_api.core.account_state import delete_state

    set_seed(account.account_id, "42")
    first = made(aws)
    delete_state(account.account_id)
    set_seed(account.account_id, "42")
    assert made(aws) == first
    delete_state(account.account_id)
    begin_again(account.account_id)
    aws("ec2").describe_subnets()
    assert made(aws) == first, "reading makes no difference"


def test_another_seed_makes_other_ids_and_none_random_ones(aws: Aws, account: Any) -> None:
    set_seed(account.account_id, "1")
    first = made(aws)
    clear(aws, first)
    set_seed(account.account_id, "2")
    second = made(aws)
    clear(aws, second)
    set_seed(account.account_id, "")
    third = made(aws)
    assert not set(first) & set(second) | set(second) & set(third)


def test_concurrent_calls_make_different_ids(aws: Aws, account: Any) -> None:
    set_seed(account.account_id, "42")
    url = aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    sqs = aws("sqs")
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda n: sqs.send_message(QueueUrl=url, MessageBody=str(n))["MessageId"], range(64)))
    assert len(set(ids)) == 64


def test_a_sequence_makes_ids_of_every_form() -> None:
    def draw() -> list[str]:
        token = id_sequence.set(IdSequence("seed", "7"))
        try:
            return [new_hex_id("vpc-"), new_hex_id(digits=32), new_uuid(), new_access_key_id(), new_suffix(6)]
        finally:
            id_sequence.reset(token)

    first = draw()
    assert first == draw()
    assert len(first[0]) == 21
    assert len(first[1]) == 32
    assert first[2][14] == "4"
    assert first[3].startswith("AKIA")
    assert draw() != [new_hex_id("vpc-"), new_hex_id(digits=32), new_uuid(), new_access_key_id(), new_suffix(6)]
