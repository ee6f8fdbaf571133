"""Actions and transforms of rules as HAProxy's request and response rules."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aws_api.services.elbv2.rendering.quoting import literal, quoted
from aws_api.services.elbv2.specification import LoadBalancerSpec, RuleSpec

#: Cookies by which clients stay with one of a rule's target groups.
STICKY_COOKIE = "AWSALBTG"
STICKY_COOKIE_FOR_CORS = "AWSALBTGCORS"
SERVER = "awselb/2.0"

_TEXT_TYPES = ("text/plain", "text/html", "text/css")
#: What redirects may name, as HAProxy's variables; set by the frontend.
_VARIABLES = {
    "#{protocol}": "%[var(txn.scheme)]",
    "#{host}": "%[var(txn.host)]",
    "#{port}": "%[var(txn.port)]",
    "#{path}": "%[var(txn.path)]",
    "#{query}": "%[var(txn.query)]",
}
_BACKSLASH = "\\"
_BEFORE = f"{_BACKSLASH}1"
_VARIABLE = re.compile("|".join(map(re.escape, _VARIABLES)))


def holds(number: int) -> str:
    """The condition that a rule was chosen, by its number."""
    return f"{{ var(txn.rule) -m int {number} }}"


def request_lines(load_balancer: LoadBalancerSpec, number: int, rule: RuleSpec) -> Iterator[str]:
    """What a chosen rule does with a request."""
    kind, when = rule.action["Type"], holds(number)
    if kind == "fixed-response":
        yield f"http-request set-var(txn.own) bool(true) if {when}"
        yield f"http-request return {_fixed_response(rule.action['FixedResponseConfig'])} if {when}"
    elif kind == "redirect":
        config = rule.action["RedirectConfig"]
        yield f"http-request set-var(txn.own) bool(true) if {when}"
        code = config["StatusCode"].removeprefix("HTTP_")
        yield f"http-request redirect code {code} location {quoted(_location(config))} if {when}"
    else:
        yield from _choice(load_balancer, number, rule)
        yield from _rewrites(rule, when)


def response_lines(load_balancer: LoadBalancerSpec, number: int, rule: RuleSpec) -> Iterator[str]:
    """What a chosen rule does with the answer: it keeps clients with their target group."""
    duration_s = _stickiness_s(rule)
    if not duration_s:
        return
    for entry in rule.action["ForwardConfig"]["TargetGroups"]:
        key = load_balancer.group(entry["TargetGroupArn"]).key
        when = f"{holds(number)} {{ var(txn.group) -m str {key} }}"
        value = f"{_cookie_value(rule, key)}; Expires=%[date({duration_s}),http_date]; Path=/"
        yield f'http-after-response add-header Set-Cookie "{STICKY_COOKIE}={value}" if {when}'
        yield f'http-after-response add-header Set-Cookie "{STICKY_COOKIE_FOR_CORS}={value}; SameSite=None" if {when}'


def weighted_lines(
    prefix: str, variable: str, load_balancer: LoadBalancerSpec, rule: RuleSpec, when: str
) -> Iterator[str]:
    """Roll a die for one of a rule's target groups, unless it has one already. ``prefix`` begins each line."""
    entries = [entry for entry in rule.action["ForwardConfig"]["TargetGroups"] if entry["Weight"] > 0]
    if not entries:
        return
    keys = [load_balancer.group(entry["TargetGroupArn"]).key for entry in entries]
    if len(entries) == 1:
        yield _joined(f"{prefix} set-var({variable}) str({keys[0]})", when)
        return
    total = sum(entry["Weight"] for entry in entries)
    dice = variable.replace("group", "dice")
    yield _joined(f"{prefix} set-var({dice}) rand({total})", when)
    below = 0
    for key, entry in zip(keys, entries, strict=True):
        below += entry["Weight"]
        still_open = f"!{{ var({variable}) -m found }}"
        yield _joined(
            f"{prefix} set-var({variable}) str({key})", f"{when} {still_open} {{ var({dice}) -m int lt {below} }}"
        )


def _joined(line: str, when: str) -> str:
    return f"{line} if {when.strip()}" if when.strip() else line


def _choice(load_balancer: LoadBalancerSpec, number: int, rule: RuleSpec) -> Iterator[str]:
    when = holds(number)
    if _stickiness_s(rule):
        for entry in rule.action["ForwardConfig"]["TargetGroups"]:
            key = load_balancer.group(entry["TargetGroupArn"]).key
            cookie = f"{{ req.cook({STICKY_COOKIE}) -m str {_cookie_value(rule, key)} }}"
            yield f"http-request set-var(txn.group) str({key}) if {when} {cookie}"
        when += " !{ var(txn.group) -m found }"
    yield from weighted_lines("http-request", "txn.group", load_balancer, rule, when)


def _stickiness_s(rule: RuleSpec) -> int:
    config = rule.action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
    return int(config["DurationSeconds"]) if config.get("Enabled") else 0


def _cookie_value(rule: RuleSpec, group_key: str) -> str:
    return hashlib.sha256(f"{rule.key} {group_key}".encode()).hexdigest()


def _fixed_response(config: Mapping[str, Any]) -> str:
    words = [f"status {config['StatusCode']}"]
    if message := config.get("MessageBody"):
        content_type = config["ContentType"]
        if content_type in _TEXT_TYPES:
            content_type += "; charset=utf-8"
        words.append(f"content-type {quoted(content_type)} string {quoted(message)}")
    return " ".join(words)


def _location(config: Mapping[str, Any]) -> str:
    protocol = "%[var(txn.scheme)]" if config["Protocol"].startswith("#") else config["Protocol"].lower()
    query = config["Query"]
    if query == "#{query}":
        # With its question mark, where there is a query at all.
        query = "%[var(txn.query_suffix)]"
    elif query:
        query = f"?{_format(query)}"
    return f"{protocol}://{_format(config['Host'])}:{_format(config['Port'])}{_format(config['Path'])}{query}"


def _format(template: str) -> str:
    """A template of AWS's as a format of HAProxy's."""
    parts = []
    end = 0
    for match in _VARIABLE.finditer(template):
        parts += [literal(template[end : match.start()]), _VARIABLES[match[0]]]
        end = match.end()
    return "".join([*parts, literal(template[end:])])


# Transforms -----------------------------------------------------------------------------------------------------------


def _rewrites(rule: RuleSpec, when: str) -> Iterator[str]:
    for transform in rule.transforms:
        if transform["Type"] == "host-header-rewrite":
            rewrite = transform["HostHeaderRewriteConfig"]["Rewrites"][0]
            yield f"http-request replace-header Host {_replacement(rewrite)} if {when}"
        else:
            rewrite = transform["UrlRewriteConfig"]["Rewrites"][0]
            yield f"http-request replace-pathq {_replacement(rewrite)} if {when}"


def _replacement(rewrite: Mapping[str, str]) -> str:
    """HAProxy replaces all of a value, AWS what matched: so what is before and after is kept."""
    groups = re.compile(rewrite["Regex"]).groups
    text = re.sub(
        r"\$(\d)|\\",
        # The first group is what was before.
        lambda match: f"\\{int(match[1]) + 1}" if match[1] else r"\\",
        literal(rewrite["Replace"]),
    )
    pattern = f"^(.*?)(?:{rewrite['Regex']})(.*)$"
    return f"{quoted(pattern)} {quoted(f'{_BEFORE}{text}{_BACKSLASH}{groups + 2}')}"
