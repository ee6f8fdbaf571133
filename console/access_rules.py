"""Which role a request needs, and in which account. One table; what it does not name needs the least of its kind."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from console.models import EVERY_ACCOUNT, Role
from console.scope import scope_of

API_PREFIX = "/_simfra/"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Pages and paths that anybody may ask for: how else would they log in?
OPEN = ("/login", "/logout", "/oidc/", "/_simfra/static/", "/_simfra/health")
#: Larger bodies name no account in a place that is looked at.
_MAX_BODY_BYTES = 64 * 1024
_ACCOUNT = re.compile(r"\A\d{12}\Z")
_ARN_ACCOUNT = re.compile(r"arn:aws:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):")
_ACCOUNT_NAMES = ("accountId", "account_id", "account")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What requests below a path need.

    ``is_scoped``: they show and change only the account that they name. ``is_of_nobody``: they show nothing of any, so
    that whoever has logged in may read them.
    """

    prefix: str
    read: Role = Role.VIEWER
    write: Role = Role.OPERATOR
    is_scoped: bool = True
    is_of_nobody: bool = False


#: The longest matching prefix counts.
RULES = (
    Rule(prefix="/"),
    Rule(prefix="/scope", write=Role.VIEWER),
    Rule(prefix="/people/", read=Role.ADMIN, write=Role.ADMIN, is_scoped=False),
    Rule(prefix=API_PREFIX, write=Role.ADMIN, is_scoped=False),
    Rule(prefix="/_simfra/accounts/", read=Role.ADMIN, write=Role.ADMIN),
    Rule(prefix="/_simfra/debug/requests"),
    Rule(prefix="/_simfra/docs", write=Role.ADMIN, is_of_nobody=True),
    Rule(prefix="/_simfra/ecs/"),
    Rule(prefix="/_simfra/events"),
    Rule(prefix="/_simfra/faults"),
    Rule(prefix="/_simfra/iam/suggest"),
    Rule(prefix="/_simfra/live/"),
    Rule(prefix="/_simfra/load-balancers"),
    Rule(prefix="/_simfra/network/"),
    Rule(prefix="/_simfra/port-forwards"),
    Rule(prefix="/_simfra/schema", write=Role.ADMIN, is_of_nobody=True),
    Rule(prefix="/_simfra/wait", write=Role.VIEWER),
    Rule(prefix="/_simfra/tokens", read=Role.ADMIN, write=Role.ADMIN, is_scoped=False),
    Rule(prefix="/_simfra/audit", read=Role.ADMIN, write=Role.ADMIN, is_scoped=False),
)


@dataclass(frozen=True, kw_only=True)
class Need:
    """A role in some accounts."""

    role: Role
    accounts: frozenset[str]


def need_of(request: HttpRequest) -> Need:
    """What a request needs."""
    rule = max((rule for rule in RULES if request.path.startswith(rule.prefix)), key=lambda rule: len(rule.prefix))
    role = rule.read if request.method in SAFE_METHODS else rule.write
    if rule.is_of_nobody:
        return Need(role=role, accounts=frozenset())
    if not rule.is_scoped:
        return Need(role=role, accounts=frozenset({EVERY_ACCOUNT}))
    if request.path.startswith(API_PREFIX):
        # An API's request that names no account may show any.
        return Need(role=role, accounts=_named_accounts(request) or frozenset({EVERY_ACCOUNT}))
    accounts = {scope_of(request.session).account_id}
    if request.path == "/scope":
        accounts = {request.POST.get("account_id", "")}
    return Need(role=role, accounts=frozenset(accounts))


def _named_accounts(request: HttpRequest) -> frozenset[str]:
    """The accounts in a request's path, query and JSON body, by themselves or within ARNs."""
    named = {part for part in request.path.split("/") if _ACCOUNT.match(part)}
    named |= {request.GET[name] for name in _ACCOUNT_NAMES if name in request.GET}
    texts = [request.path, request.GET.urlencode(safe=":/")]
    if request.method not in SAFE_METHODS and "json" in (request.content_type or ""):
        body = _json_of(request)
        scope = body.get("scope")
        for given in (body, scope if isinstance(scope, dict) else {}):
            named |= {str(given[name]) for name in _ACCOUNT_NAMES if given.get(name)}
        texts.append(json.dumps(body))
    for text in texts:
        named |= set(_ARN_ACCOUNT.findall(text))
    return frozenset(named)


def _json_of(request: HttpRequest) -> dict[str, Any]:
    length = request.headers.get("Content-Length", "0")
    if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
        return {}
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {}  # the view says what is wrong with it
    return body if isinstance(body, dict) else {}
