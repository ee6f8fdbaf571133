"""A client and a secret to work with."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def secrets(aws: Callable[..., Any]) -> Any:
    """A client of the account."""
    return aws("secretsmanager")


@pytest.fixture
def kms(aws: Callable[..., Any]) -> Any:
    """A client of the account."""
    return aws("kms")
