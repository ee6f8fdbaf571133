"""What EC2's tests share: a client, a VPC of the test's own, and a way to assert on errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

Refused = Callable[..., Any]


@pytest.fixture
def ec2(aws: Callable[..., Any]) -> Any:
    """A boto3 client of EC2."""
    return aws("ec2")


@pytest.fixture
def vpc_id(ec2: Any) -> str:
    """A VPC 10.0.0.0/16."""
    made: str = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return made


@pytest.fixture
def subnet_id(ec2: Any, vpc_id: str) -> str:
    """A subnet 10.0.1.0/24 of the VPC."""
    made: str = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    return made


@pytest.fixture
def refused() -> Refused:
    """``with refused("Code", "message"):`` asserts that the call in the block is answered so."""

    @contextmanager
    def expect(code: str, message: str | None = None) -> Iterator[None]:
        with pytest.raises(ClientError) as raised:
            yield
        error = raised.value.response["Error"]
        assert error["Code"] == code, error
        if message is not None:
            assert error["Message"] == message

    return expect
