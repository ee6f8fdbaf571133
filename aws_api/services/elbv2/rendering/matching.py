"""Conditions of rules as HAProxy's ACLs: the values of one are alternatives, all conditions of a rule must hold.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aws_api.services.elbv2.conditions import CONFIGS
from aws_api.services.elbv2.rendering.quoting import quoted, wildcard_regex

#: No further than the next pair of the query.
_WITHIN_PAIR = "[^&]"


def acl_lines(name: str, condition: Mapping[str, Any]) -> Iterator[str]:
    """The lines that define an ACL of a condition."""
    for criterion in _criteria(condition["Field"], condition[CONFIGS[condition["Field"]]]):
        yield f"acl {name} {criterion}"


def _criteria(field: str, config: Mapping[str, Any]) -> Iterator[str]:
    values = config.get("Values") or ()
    regexes = config.get("RegexValues") or ()
    if field == "host-header":
        yield from (_regex("req.hdr(host),host_only", _whole(wildcard_regex(value)), "-i") for value in values)
        yield from (_regex("req.hdr(host),host_only", regex, "-i") for regex in regexes)
    elif field == "path-pattern":
        yield from (_regex("path", _whole(wildcard_regex(value))) for value in values)
        yield from (_regex("path", regex) for regex in regexes)
    elif field == "http-header":
        fetch = f"req.fhdr({config['HttpHeaderName']})"
        yield from (_regex(fetch, _whole(wildcard_regex(value)), "-i") for value in values)
        yield from (_regex(fetch, regex) for regex in regexes)
    elif field == "http-request-method":
        yield "method " + " ".join(map(quoted, values))
    elif field == "query-string":
        yield from (_regex("query", _pair(value), "-i") for value in values)
    else:
        yield "src " + " ".join(map(quoted, values))


def _regex(fetch: str, regex: str, flags: str = "") -> str:
    return f"{fetch} -m reg {flags + ' ' if flags else ''}-- {quoted(regex)}"


def _whole(regex: str) -> str:
    return f"^{regex}$"


def _pair(value: Mapping[str, str]) -> str:
    """A pair of the query; any key, where none is asked for."""
    text = wildcard_regex(value["Value"], any_text=_WITHIN_PAIR)
    key = value.get("Key")
    before = f"{wildcard_regex(key, any_text=_WITHIN_PAIR)}=" if key else "([^=&]*=)?"
    return f"(^|&){before}{text}(&|$)"
