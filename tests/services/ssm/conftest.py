"""A client to work with."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def ssm(aws: Callable[..., Any]) -> Any:
    """A client of the account."""
    return aws("ssm")


@pytest.fixture
def kms(aws: Callable[..., Any]) -> Any:
    """A client of the account."""
    return aws("kms")
