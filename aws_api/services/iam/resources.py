"""What IAM offers the console to list."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.iam.describe import describe_group, describe_role, describe_user
from aws_api.services.iam.models import Identity, IdentityKind

MAX_LISTED = 1000
_DESCRIBE: Mapping[IdentityKind, Callable[[Identity], Any]] = {
    IdentityKind.USER: describe_user,
    IdentityKind.GROUP: describe_group,
    IdentityKind.ROLE: describe_role,
}


def _identities(kind: IdentityKind, account_id: str, _region: str) -> Iterable[Mapping[str, Any]]:
    rows = Identity.objects.filter(account_id=account_id, kind=kind).order_by("name")[:MAX_LISTED]
    return [_DESCRIBE[kind](row) for row in rows]


for _kind in IdentityKind:
    register_resource_type(
        ResourceType(
            service="iam",
            name=_kind.value,
            plural=f"{_kind.capitalize()}s",
            columns=(f"{_kind.capitalize()}Name", "Arn", f"{_kind.capitalize()}Id", "CreateDate"),
            command=f"aws iam get-{_kind.value} --{_kind.value}-name {{{_kind.capitalize()}Name}}",
            list=partial(_identities, _kind),
        )
    )
