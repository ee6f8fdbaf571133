"""The policies that apply to a caller, kept per account until anything of the account's IAM changes.

A policy change takes effect on the next request in every process: the change's commit drops the account everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.db import transaction

from aws_api.core.caching import MetadataCache
from aws_api.core.database import fetch, fetch_row
from aws_api.services.iam.evaluation import Group, NamedPolicy, Policy, PolicySyntaxError, parse
from aws_api.services.iam.policies import aws_policies

#: What root may, where a root user's permissions meet another account's or a session's policies.
EVERYTHING = Group(
    (
        NamedPolicy(
            "root user",
            parse('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'),
        ),
    )
)
MAX_CALLERS_PER_ACCOUNT = 10_000

_IDENTITY = """
SELECT id, account_id, kind, path, name, unique_id, tags, trust_policy, document->>'PermissionsBoundary' AS boundary
  FROM iam_identity
"""
_BY_UNIQUE_ID = f"{_IDENTITY} WHERE unique_id = $1"
_ROLE_BY_NAME = f"{_IDENTITY} WHERE account_id = $1 AND kind = 'role' AND lower(name) = lower($2)"
#: A group's policies are its members'.
_POLICIES = """
WITH bearers AS (
    SELECT id, kind, name FROM iam_identity WHERE id = $1
     UNION ALL
    SELECT held.id, held.kind, held.name
      FROM iam_identity_groups membership JOIN iam_identity held ON held.id = membership.to_identity_id
     WHERE membership.from_identity_id = $1
)
SELECT format('inline policy %s of %s %s', inline.name, bearers.kind, bearers.name) AS name, inline.document
  FROM bearers JOIN iam_inlinepolicy inline ON inline.identity_id = bearers.id
 UNION ALL
SELECT attachment.policy_arn, version.document
  FROM bearers JOIN iam_attachment attachment ON attachment.identity_id = bearers.id
  LEFT JOIN iam_managedpolicy managed ON managed.arn = attachment.policy_arn
  LEFT JOIN iam_policyversion version ON version.policy_id = managed.id AND version.is_default
"""
_DEFAULT_VERSION = """
SELECT version.document FROM iam_managedpolicy managed
  JOIN iam_policyversion version ON version.policy_id = managed.id AND version.is_default
 WHERE managed.arn = $1
"""


@dataclass(frozen=True, kw_only=True)
class IdentityPolicies:
    """A user or role with what its policies say."""

    arn: str
    name: str
    unique_id: str
    tags: Mapping[str, str]
    trust_policy: str
    identity: Group
    boundary: Group | None


@dataclass(frozen=True)
class _Account:
    """What was loaded of an account since its IAM last changed."""

    by_unique_id: dict[str, IdentityPolicies] = field(default_factory=dict)
    roles_by_arn: dict[str, IdentityPolicies] = field(default_factory=dict)


async def find_identity_policies(account_id: str, unique_id: str) -> IdentityPolicies | None:
    """The user or role of a unique id; None where it is gone."""
    account = await _accounts.get(account_id)
    assert account is not None, "loading makes one"
    found = account.by_unique_id.get(unique_id)
    if found is None:
        found = await _load(_BY_UNIQUE_ID, unique_id)
        if found is not None:
            _keep(account.by_unique_id, unique_id, found)
    return found


async def find_role_policies(role_arn: str) -> IdentityPolicies | None:
    """The role of an ARN; None where there is none."""
    account_id, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    account = await _accounts.get(account_id)
    assert account is not None, "loading makes one"
    found = account.roles_by_arn.get(role_arn)
    if found is None:
        found = await _load(_ROLE_BY_NAME, account_id, name)
        if found is None or found.arn != role_arn:
            return None
        _keep(account.roles_by_arn, role_arn, found)
    return found


def forget_account(account_id: str) -> None:
    """Drop what is known of an account's IAM, in every process, once the current transaction is committed."""
    transaction.on_commit(lambda: _accounts.invalidate(account_id))


@lru_cache(maxsize=4096)
def group_of(name: str, documents: tuple[str, ...]) -> Group:
    """Documents as one group. What is no policy allows and denies nothing."""
    return Group(tuple(NamedPolicy(name, policy) for policy in map(_parse_leniently, documents) if policy is not None))


def identity_group(named_documents: Iterable[tuple[str, str]]) -> Group:
    """(name, document) pairs as one group."""
    parsed = ((name, _parse_leniently(document)) for name, document in named_documents)
    return Group(tuple(NamedPolicy(name, policy) for name, policy in parsed if policy is not None))


def _parse_leniently(document: str) -> Policy | None:
    """None for what is no policy: services without IAM's grammar let such documents in."""
    try:
        return parse(document)
    except PolicySyntaxError:
        return None


def _keep(known: dict[str, IdentityPolicies], key: str, found: IdentityPolicies) -> None:
    if len(known) >= MAX_CALLERS_PER_ACCOUNT:
        known.clear()
    known[key] = found


async def _load(sql: str, *arguments: str) -> IdentityPolicies | None:
    row = await fetch_row(sql, *arguments)
    if row is None:
        return None
    return IdentityPolicies(
        arn=f"arn:aws:iam::{row['account_id']}:{row['kind']}{row['path']}{row['name']}",
        name=row["name"],
        unique_id=row["unique_id"],
        tags=row["tags"],
        trust_policy=row["trust_policy"],
        identity=identity_group(_with_aws_documents(await fetch(_POLICIES, row["id"]))),
        boundary=await _boundary(row["boundary"]),
    )


def _with_aws_documents(rows: Sequence[Mapping[str, str]]) -> Iterable[tuple[str, str]]:
    """AWS's own policies have no row: their documents are data."""
    managed = aws_policies()
    for row in rows:
        if row["document"] is not None:
            yield row["name"], row["document"]
        elif row["name"] in managed:
            yield row["name"], managed[row["name"]].document


async def _boundary(policy_arn: str | None) -> Group | None:
    if policy_arn is None:
        return None
    if policy := aws_policies().get(policy_arn):
        return group_of(policy_arn, (policy.document,))
    row = await fetch_row(_DEFAULT_VERSION, policy_arn)
    # A boundary whose policy is gone allows nothing.
    return group_of(policy_arn, (row["document"],) if row else ())


async def _nothing_known(_account_id: str) -> _Account:
    return _Account()


_accounts: MetadataCache[str, _Account] = MetadataCache("iam.accounts", _nothing_known)
