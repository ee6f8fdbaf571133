"""The registry's lists: tags of a repository, repositories of an account.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#content-discovery
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from aws_api.core.execution import run_in_thread
from aws_api.services.ecr.access import check_registry_access
from aws_api.services.ecr.exchange import Exchange, RegistryError
from aws_api.services.ecr.login import Login
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.registry import registry
from aws_api.services.ecr.registry_blobs import Target
from aws_api.services.ecr.repositories import find_repository

MAX_PAGE = 1000


async def get_tags(exchange: Exchange, target: Target) -> None:
    """A page of a repository's tags, in order."""

    def load() -> list[str]:
        tags = find_repository(target.name).image_tags.filter(name__gt=exchange.query.get("last", ""))
        return list(tags.order_by("name").values_list("name", flat=True)[: limit + 1])

    limit = _limit(exchange)
    names = await run_in_thread(load)
    await _reply_page(exchange, {"name": target.spelled, "tags": names[:limit]}, names, limit)


async def get_catalog(exchange: Exchange, login: Login | None) -> None:
    """A page of an account's repositories, spelled as the client would."""
    # Any name will do to learn which registry the Host header means.
    located = registry().locate(exchange.host, "any")
    assert located is not None
    account_id = login.account_id if login else located.account_id
    if login:
        await check_registry_access(login, located.region, "DescribeRepositories")
    is_in_host = located.account_id in exchange.host
    prefix = "" if is_in_host else f"{account_id}/"

    def load() -> list[str]:
        last = exchange.query.get("last", "").removeprefix(prefix)
        found = Repository.objects.filter(account_id=account_id, region=located.region, name__gt=last)
        return [prefix + name for name in found.order_by("name").values_list("name", flat=True)[: limit + 1]]

    limit = _limit(exchange)
    names = await run_in_thread(load)
    await _reply_page(exchange, {"repositories": names[:limit]}, names, limit)


def _limit(exchange: Exchange) -> int:
    text = exchange.query.get("n", str(MAX_PAGE))
    if not text.isascii() or not text.isdigit():
        raise RegistryError(400, "PAGINATION_NUMBER_INVALID", "n must be a number")
    return min(int(text), MAX_PAGE)


async def _reply_page(exchange: Exchange, answer: object, names: Sequence[str], limit: int) -> None:
    headers = {}
    if 0 < limit < len(names):
        headers["link"] = f'<{exchange.path}?{urlencode({"last": names[limit - 1], "n": limit})}>; rel="next"'
    await exchange.reply_json(answer, headers)
