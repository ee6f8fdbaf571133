"""Managed policies by ARN: the account's own rows and those of AWS, which are data."""

import hashlib
import json
import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from aws_api.core.context import Context
from aws_api.services.iam.errors import ValidationError
from aws_api.services.iam.models import ManagedPolicy
from aws_api.services.iam.shapes import NoSuchEntityException

_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?:aws|\d{12}):policy/[\w+=,.@/-]+\Z", re.ASCII)
_DATA = Path(__file__).parent / "data" / "aws_managed_policies.json"


@dataclass(frozen=True, kw_only=True)
class AwsPolicy:
    """A policy that AWS manages. Only its current version is known."""

    name: str
    path: str
    version: int
    created_at: datetime
    updated_at: datetime
    document: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::aws:policy{self.path}{self.name}"

    @property
    def unique_id(self) -> str:
        """ANPA and 17 characters, the same on every instance."""
        return "ANPA" + b32encode(hashlib.sha256(self.arn.encode()).digest()).decode()[:17]


@cache
def aws_policies() -> Mapping[str, AwsPolicy]:
    """AWS's managed policies by ARN."""
    policies = [
        AwsPolicy(
            name=entry["PolicyName"],
            path=entry["Path"],
            version=int(entry["DefaultVersionId"].removeprefix("v")),
            created_at=datetime.fromisoformat(entry["CreateDate"]),
            updated_at=datetime.fromisoformat(entry["UpdateDate"]),
            document=json.dumps(entry["Document"], indent=4),
        )
        for entry in json.loads(_DATA.read_text())
    ]
    return {policy.arn: policy for policy in policies}


def find_policy(context: Context, arn: str) -> ManagedPolicy | AwsPolicy | None:
    """The managed policy of an ARN that the account can use. Raises ValidationError for what is no policy's ARN."""
    check_policy_arn(arn)
    if policy := aws_policies().get(arn):
        return policy
    return ManagedPolicy.objects.filter(account_id=context.account_id, arn=arn).first()


def check_policy_arn(arn: str) -> None:
    """Raise ValidationError for what is no managed policy's ARN."""
    if not _POLICY_ARN.match(arn):
        raise ValidationError(f"ARN {arn} is not valid.")


def require_policy(context: Context, arn: str) -> ManagedPolicy | AwsPolicy:
    """The same for what is about to be attached. Raises NoSuchEntity."""
    policy = find_policy(context, arn)
    if policy is None:
        raise NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
    return policy
