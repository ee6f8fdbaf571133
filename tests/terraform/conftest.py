"""A Terraform that works in a fresh account."""

from pathlib import Path
from typing import Any

import pytest

from tests.terraform.terraform import Terraform


@pytest.fixture
def terraform(tmp_path: Path, live_gateway: str, account: Any) -> Terraform:
    """Terraform with the account's root keys; ``configure`` it, then ``init``."""
    return Terraform(
        tmp_path,
        endpoint=live_gateway,
        access_key_id=account.root_access_key_id,
        secret_access_key=account.root_secret_access_key,
    )
