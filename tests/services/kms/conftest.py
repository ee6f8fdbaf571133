"""A key to work with."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def kms(aws: Callable[..., Any]) -> Any:
    """A client of the account."""
    return aws("kms")


@pytest.fixture
def key_id(kms: Any) -> str:
    """A fresh symmetric key."""
    return str(kms.create_key()["KeyMetadata"]["KeyId"])
