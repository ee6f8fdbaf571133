"""Pull-through cache rules."""

from typing import Any

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.services.ecr import shapes
from aws_api.services.ecr.cache_rules import ROOT, upstream_of
from aws_api.services.ecr.models import PullThroughCacheRule
from aws_api.services.ecr.operations.repositories import bad_token
from aws_api.services.ecr.service import ecr
from aws_api.services.ecr.upstream import UpstreamError

DEFAULT_PAGE = 100
MAX_RULES = 50
_KEPT = ("upstreamRegistryUrl", "upstreamRegistry", "credentialArn", "customRoleArn", "upstreamRepositoryPrefix")
#: The registries that AWS knows by name; any other host is taken as well, since this one is asked from this machine.
_KNOWN = {
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "registry.k8s.io": "k8s",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
}


@ecr.operation
def create_pull_through_cache_rule(context: Context, request: shapes.CreatePullThroughCacheRuleRequest) -> Any:
    """Make the repositories below a prefix copies of another registry's."""
    prefix, now = request["ecrRepositoryPrefix"], context.clock.now()
    rows = PullThroughCacheRule.objects.filter(account_id=context.account_id, region=context.region)
    if rows.count() >= MAX_RULES:
        raise shapes.LimitExceededException(f"A registry can have at most {MAX_RULES} pull through cache rules")
    document: dict[str, Any] = {member: request[member] for member in _KEPT if member in request}  # type: ignore[literal-required]
    host = document["upstreamRegistryUrl"].removeprefix("https://").strip("/")
    if not host or "/" in host:
        raise shapes.UnsupportedUpstreamRegistryException(
            f"The specified upstream registry '{document['upstreamRegistryUrl']}' is not the URL of a registry"
        )
    document["upstreamRegistryUrl"] = host
    if "upstreamRegistry" not in document and host in _KNOWN:
        document["upstreamRegistry"] = _KNOWN[host]
    document.setdefault("upstreamRepositoryPrefix", ROOT)
    try:
        with transaction.atomic():
            rule = PullThroughCacheRule.objects.create(
                account_id=context.account_id,
                region=context.region,
                prefix=prefix,
                document=document,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError:
        raise shapes.PullThroughCacheRuleAlreadyExistsException(
            f"A pull through cache rule with the repository prefix '{prefix}' already exists in the registry with id "
            f"'{context.account_id}'"
        ) from None
    return _without_update(_describe(rule))


@ecr.operation
def describe_pull_through_cache_rules(context: Context, request: shapes.DescribePullThroughCacheRulesRequest) -> Any:
    """The named rules, or a page of all."""
    if prefixes := request.get("ecrRepositoryPrefixes"):
        return {"pullThroughCacheRules": [_describe(_require(context, prefix)) for prefix in prefixes]}
    page, token = page_of_rows(
        PullThroughCacheRule.objects.filter(account_id=context.account_id, region=context.region),
        by="prefix",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    return {"pullThroughCacheRules": [_describe(rule) for rule in page], **({"nextToken": token} if token else {})}


@ecr.operation
def update_pull_through_cache_rule(context: Context, request: shapes.UpdatePullThroughCacheRuleRequest) -> Any:
    """Change with whose login the other registry is asked."""
    rule = _require(context, request["ecrRepositoryPrefix"])
    for member in ("credentialArn", "customRoleArn"):
        if member in request:
            rule.document[member] = request[member]
    rule.updated_at = context.clock.now()
    rule.save(update_fields=["document", "updated_at"])
    return {name: value for name, value in _describe(rule).items() if name not in ("createdAt", "upstreamRegistryUrl")}


@ecr.operation
def delete_pull_through_cache_rule(context: Context, request: shapes.DeletePullThroughCacheRuleRequest) -> Any:
    """Forget a rule; what was copied stays."""
    rule = _require(context, request["ecrRepositoryPrefix"])
    described = _without_update(_describe(rule))
    rule.delete()
    return described


@ecr.operation
def validate_pull_through_cache_rule(context: Context, request: shapes.ValidatePullThroughCacheRuleRequest) -> Any:
    """Whether the other registry answers, with the rule's login."""
    rule = _require(context, request["ecrRepositoryPrefix"])
    answer: dict[str, Any] = {"isValid": True}
    try:
        upstream_of(rule).check()
    except UpstreamError as error:
        answer = {"isValid": False, "failure": str(error)}
    return {**_describe(rule), **answer}


def _require(context: Context, prefix: str) -> PullThroughCacheRule:
    rows = PullThroughCacheRule.objects.filter(account_id=context.account_id, region=context.region)
    rule = rows.filter(prefix=prefix).first()
    if rule is None:
        raise shapes.PullThroughCacheRuleNotFoundException(
            f"The pull through cache rule with repository prefix '{prefix}' does not exist in the registry with id "
            f"'{context.account_id}'"
        )
    return rule


def _describe(rule: PullThroughCacheRule) -> dict[str, Any]:
    return {
        "ecrRepositoryPrefix": rule.prefix,
        "registryId": rule.account_id,
        "createdAt": rule.created_at,
        "updatedAt": rule.updated_at,
        **rule.document,
    }


def _without_update(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name != "updatedAt"}
