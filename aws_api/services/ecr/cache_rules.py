"""Pull-through caches: repositories below a rule's prefix are copies of another registry's, made when they are pulled.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import orjson
from django.db import IntegrityError, transaction

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context, root_of
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.ecr.copies import Origin, Progress, copy_image, was_checked_since
from aws_api.services.ecr.creation_templates import create_by_template
from aws_api.services.ecr.models import PullThroughCacheRule, Repository
from aws_api.services.ecr.names import RepositoryName
from aws_api.services.ecr.upstream import Upstream, UpstreamError

#: A prefix that stands for every repository that no other rule is about.
ROOT = "ROOT"
#: The other registry is asked at most this often what a tag means.
FRESH = timedelta(hours=24)

_copying: dict[str, threading.Lock] = {}
_copying_lock = threading.Lock()


def rule_of(name: RepositoryName) -> tuple[PullThroughCacheRule, str] | None:
    """The rule that a repository falls under, the longest prefix first, and its name upstream; None: under none."""
    rules = PullThroughCacheRule.objects.filter(account_id=name.account_id, region=name.region)
    by_prefix = {rule.prefix: rule for rule in rules}
    parts = name.name.split("/")
    for length in range(len(parts) - 1, 0, -1):
        if rule := by_prefix.get("/".join(parts[:length])):
            return rule, _upstream_name(rule, "/".join(parts[length:]))
    rule = by_prefix.get(ROOT)
    return (rule, _upstream_name(rule, name.name)) if rule else None


def needs_refresh(name: RepositoryName, reference: str) -> bool:
    """Whether an image must be asked for at its origin before it may be served."""
    if rule_of(name) is None:
        return False
    repository = _find(name)
    return repository is None or not was_checked_since(repository, reference, SYSTEM_CLOCK.now() - FRESH)


def refresh(name: RepositoryName, reference: str, progress: Progress = lambda _: None) -> None:
    """Bring a cached image up to date. Blocking, and possibly long.

    A copy that is there stands in for an origin that cannot be asked. Raises UpstreamError where there is none.
    """
    found = rule_of(name)
    if found is None:
        return
    rule, upstream_name = found
    with _once_at_a_time(f"{name} {reference}"):
        if not needs_refresh(name, reference):
            return
        try:
            origin = Origin(upstream=upstream_of(rule), name=upstream_name)
            repository = _find(name)
            if repository is None:
                # Nothing is made for an image that the origin does not have.
                origin.upstream.manifest(origin.name, reference)
                repository = _create(name)
            copy_image(origin, reference, repository, progress)
        except UpstreamError:
            copies = _find(name)
            if copies is None or not was_checked_since(copies, reference, copies.created_at):
                raise


def upstream_of(rule: PullThroughCacheRule) -> Upstream:
    """The rule's other registry, with the login that its secret holds. Raises UpstreamError."""
    host = rule.document["upstreamRegistryUrl"].removeprefix("https://").strip("/")
    secret_arn = rule.document.get("credentialArn")
    if not secret_arn:
        return Upstream(host=host)
    context = Context(account_id=rule.account_id, region=rule.region, principal=root_of(rule.account_id))
    try:
        answer = invoke(context, "secretsmanager", "GetSecretValue", {"SecretId": secret_arn})
        login = orjson.loads(answer["SecretString"])
        return Upstream(host=host, username=str(login["username"]), password=str(login["accessToken"]))
    except AwsError as error:
        raise UpstreamError(f"the secret {secret_arn} cannot be read: {error.message}") from error
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise UpstreamError(f"the secret {secret_arn} must have a username and an accessToken") from error


def _upstream_name(rule: PullThroughCacheRule, rest: str) -> str:
    prefix = rule.document.get("upstreamRepositoryPrefix", ROOT)
    if prefix != ROOT:
        return f"{prefix}/{rest}"
    # Docker Hub's own images have a folder that nobody writes.
    is_hub = rule.document["upstreamRegistryUrl"].endswith("docker.io")
    return f"library/{rest}" if is_hub and "/" not in rest else rest


def _find(name: RepositoryName) -> Repository | None:
    return Repository.objects.filter(account_id=name.account_id, region=name.region, name=name.name).first()


def _create(name: RepositoryName) -> Repository:
    try:
        with transaction.atomic():
            return create_by_template(name, "PULL_THROUGH_CACHE", SYSTEM_CLOCK.now())
    except IntegrityError:
        found = _find(name)
        if found is None:
            raise
        return found


@contextmanager
def _once_at_a_time(key: str) -> Iterator[None]:
    """One copy of an image at a time in a process; two processes at once do the work twice, and harmlessly."""
    with _copying_lock:
        lock = _copying.setdefault(key, threading.Lock())
    with lock:
        try:
            yield
        finally:
            with _copying_lock:
                _copying.pop(key, None)
