"""The condition keys of a request: what policies can ask about it, found when they ask.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aws_api.core.context import Context, PrincipalType
from aws_api.core.tags import tags_from_list
from aws_api.services.iam.callers import IdentityPolicies

#: Members whose tags a request brings, in all the forms that services have.
_TAG_MEMBERS = ("Tags", "tags")
_TAG_SPECIFICATIONS = ("TagSpecifications", "TagSpecification")
_TAG_KEY_MEMBERS = ("TagKeys", "tagKeys")
#: Global services are called in this region, whatever the client says.
_GLOBAL_REGION = "us-east-1"

ServiceKeys = Mapping[str, str | Sequence[str]]


class RequestKeys:
    """The keys of one permission that one call needs. Each is worked out when a policy asks for it."""

    def __init__(
        self,
        context: Context,
        identity: IdentityPolicies | None,
        request: Mapping[str, Any],
        resource: str,
        *,
        service_keys: ServiceKeys | None = None,
        resource_tags: Mapping[str, str] | None = None,
    ) -> None:
        self.context = context
        self.identity = identity
        self.request = request
        self.resource = resource
        self._service_keys = {name.lower(): _as_values(value) for name, value in (service_keys or {}).items()}
        self._resource_tags = resource_tags or {}

    def get(self, key: str, /) -> tuple[str, ...] | None:
        """A key's values; None where the request has no such key."""
        values = self._service_keys.get(key)
        if values is not None:
            return values
        if make := _GLOBAL.get(key):
            value = make(self)
            return None if value is None else _as_values(value)
        name, separator, tag = key.partition("/")
        if not separator:
            return None
        if name == "aws:principaltag":
            return _tag(self._principal_tags(), tag)
        if name == "aws:requesttag":
            return _tag(request_tags(self.request), tag)
        if name.endswith(":resourcetag"):
            return _tag(self._resource_tags, tag)
        return None

    def _principal_tags(self) -> Mapping[str, str]:
        """A session's own tags stand before its role's of the same key."""
        tags = self.identity.tags if self.identity else {}
        session = self.context.principal.session_tags
        return {**tags, **session} if session else tags


def request_tags(request: Mapping[str, Any]) -> Mapping[str, str]:
    """The tags that a request brings."""
    for member in _TAG_MEMBERS:
        tags = request.get(member)
        if isinstance(tags, Mapping):
            return tags
        if isinstance(tags, list):
            return _tags_of_list([tag for tag in tags if isinstance(tag, Mapping)])
    for member in _TAG_SPECIFICATIONS:
        if isinstance(specifications := request.get(member), list):
            return tags_from_list(tag for one in specifications for tag in one.get("Tags") or one.get("Tag") or ())
    return {}


def _tags_of_list(tags: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """KMS alone spells a tag's members TagKey and TagValue."""
    kms_tags = {tag["TagKey"]: tag.get("TagValue", "") for tag in tags if "TagKey" in tag}
    return kms_tags or tags_from_list(tags)


def _tag_keys(keys: RequestKeys) -> Sequence[str] | None:
    for member in _TAG_KEY_MEMBERS:
        if isinstance(named := keys.request.get(member), list):
            return named
    return tuple(request_tags(keys.request)) or None


def _tag(tags: Mapping[str, str], lowered_key: str) -> tuple[str, ...] | None:
    """Tag keys in conditions are without regard to case."""
    for name, value in tags.items():
        if name.lower() == lowered_key:
            return (value,)
    return None


def _as_values(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _principal_arn(keys: RequestKeys) -> str | None:
    """A session's role, not the session: what stays the same from session to session."""
    principal = keys.context.principal
    if principal.type is PrincipalType.ASSUMED_ROLE and keys.identity is not None:
        return keys.identity.arn
    return None if principal.type in (PrincipalType.SERVICE, PrincipalType.ANONYMOUS) else principal.arn


def _user_name(keys: RequestKeys) -> str | None:
    if keys.context.principal.type is not PrincipalType.USER:
        return None
    return keys.identity.name if keys.identity else keys.context.principal.arn.rpartition("/")[2]


def _issued_at(keys: RequestKeys) -> str | None:
    issued_at_s = keys.context.principal.issued_at_s
    return _iso(datetime.fromtimestamp(issued_at_s, UTC)) if issued_at_s else None


def _mfa(keys: RequestKeys) -> str | None:
    """Lasting keys have no such key; sessions have it, and there is no MFA here."""
    return "false" if keys.context.principal.access_key_id.startswith("ASIA") else None


def _resource_account(keys: RequestKeys) -> str:
    return account_of(keys.resource) or keys.context.account_id


def _is_service(keys: RequestKeys) -> bool:
    return keys.context.principal.type is PrincipalType.SERVICE


def _source_account(keys: RequestKeys) -> str | None:
    """Services act here for the account whose resource they work for."""
    return keys.context.principal.account_id if _is_service(keys) else None


def account_of(resource: str) -> str:
    """The account in an ARN; empty where it has none."""
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else ""


def _via_service(keys: RequestKeys) -> str | None:
    """KMS names the calling service with its region: ``ssm.us-east-1.amazonaws.com``."""
    service = keys.context.called_via.partition(".")[0]
    return f"{service}.{keys.context.region}.amazonaws.com" if service else None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _truth(value: bool) -> str:
    return "true" if value else "false"


_GLOBAL: dict[str, Callable[[RequestKeys], str | Sequence[str] | None]] = {
    "aws:sourceip": lambda keys: None if _is_service(keys) else keys.context.source_ip,
    "aws:currenttime": lambda keys: _iso(keys.context.clock.now()),
    "aws:epochtime": lambda keys: str(keys.context.clock.epoch_ms() // 1000),
    # Clients speak plain HTTP to an endpoint that stands for AWS's TLS ones: what runs there must run here.
    "aws:securetransport": lambda _: "true",
    "aws:requestedregion": lambda keys: _GLOBAL_REGION if keys.context.region == "aws-global" else keys.context.region,
    "aws:principalarn": _principal_arn,
    "aws:principalaccount": lambda keys: keys.context.principal.account_id,
    "aws:principaltype": lambda keys: keys.context.principal.type.value,
    "aws:principalisawsservice": lambda keys: _truth(_is_service(keys)),
    "aws:principalservicename": lambda keys: keys.context.principal.arn if _is_service(keys) else None,
    "aws:userid": lambda keys: keys.context.principal.user_id,
    "aws:username": _user_name,
    "aws:tokenissuetime": _issued_at,
    "aws:multifactorauthpresent": _mfa,
    "aws:federatedprovider": lambda keys: keys.context.principal.provider or None,
    "aws:sourceidentity": lambda keys: keys.context.principal.source_identity or None,
    "aws:sourceaccount": _source_account,
    "aws:sourcearn": lambda keys: (keys.context.source_arn or None) if _is_service(keys) else None,
    "aws:resourceaccount": _resource_account,
    "aws:tagkeys": _tag_keys,
    "aws:calledvia": lambda keys: keys.context.called_via or None,
    "aws:calledviafirst": lambda keys: keys.context.called_via or None,
    "aws:calledvialast": lambda keys: keys.context.called_via or None,
    "aws:viaawsservice": lambda keys: _truth(bool(keys.context.called_via)),
    "kms:calleraccount": lambda keys: keys.context.principal.account_id,
    "kms:viaservice": _via_service,
}
