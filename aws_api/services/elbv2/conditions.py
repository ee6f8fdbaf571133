"""When a rule holds, and how it rewrites what it forwards: checking conditions and transforms.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError
from typing import Any

from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.limits import CONDITION_VALUES_PER_RULE, WILDCARDS_PER_RULE

Shape = dict[str, Any]

#: The configuration member of each field.
CONFIGS = {
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "path-pattern": "PathPatternConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
TRANSFORM_CONFIGS = {"host-header-rewrite": "HostHeaderRewriteConfig", "url-rewrite": "UrlRewriteConfig"}
#: Fields that may be given with bare values.
_WITH_VALUES = ("host-header", "path-pattern")
_REPEATABLE = ("http-header", "query-string")
_MAX_VALUE_LENGTH = 128
_METHOD = re.compile(r"[A-Z_-]{1,40}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}")
_HOST = re.compile(r"[-A-Za-z0-9.*?]{1,128}")


def normal_conditions(conditions: Sequence[Mapping[str, Any]]) -> list[Shape]:
    """The conditions as they are kept and described. Raises ValidationError."""
    if not conditions:
        raise ValidationError("A condition must be specified")
    fields = [condition.get("Field", "") for condition in conditions]
    for field in fields:
        if field not in CONFIGS:
            raise ValidationError(f"Condition field '{field}' must be one of '[{', '.join(sorted(CONFIGS))}]'")
        if field not in _REPEATABLE and fields.count(field) > 1:
            raise ValidationError(f"A rule can only have one '{field}' condition")
    kept = [_normal(condition) for condition in conditions]
    values = [value for condition in kept for value in _texts(condition)]
    if len(values) > CONDITION_VALUES_PER_RULE:
        raise ValidationError(f"A rule can only have '{CONDITION_VALUES_PER_RULE}' condition values")
    wildcards = sum(value.count("*") + value.count("?") for condition in kept for value in _wildcard_texts(condition))
    if wildcards > WILDCARDS_PER_RULE:
        raise ValidationError(f"A rule can only have '{WILDCARDS_PER_RULE}' condition wildcards")
    return kept


def normal_transforms(transforms: Sequence[Mapping[str, Any]]) -> list[Shape]:
    """The transforms as they are kept. Raises ValidationError."""
    types = [transform["Type"] for transform in transforms]
    if len(set(types)) != len(types):
        raise ValidationError("A rule can only have one transform of each type")
    for transform in transforms:
        rewrites = transform.get(TRANSFORM_CONFIGS[transform["Type"]], {}).get("Rewrites") or []
        if len(rewrites) != 1:
            raise ValidationError(f"A transform of type '{transform['Type']}' must have exactly one rewrite")
        _check_regex(rewrites[0]["Regex"])
    return [dict(transform) for transform in transforms]


def _normal(condition: Mapping[str, Any]) -> Shape:
    field = condition["Field"]
    member = CONFIGS[field]
    config = dict(condition.get(member) or {})
    if field in _WITH_VALUES and not config:
        config = {name: condition[name] for name in ("Values", "RegexValues") if condition.get(name)}
    values, regexes = config.get("Values") or [], config.get("RegexValues") or []
    if not values and not regexes:
        raise ValidationError("A condition value must be specified")
    if values and regexes:
        raise ValidationError("A condition cannot have both values and regular expressions")
    for value in values:
        _CHECKS[field](value)
    for regex in regexes:
        _check_regex(regex)
    if field == "http-header" and not _HEADER_NAME.fullmatch(config.get("HttpHeaderName", "")):
        raise ValidationError(f"The HTTP header name '{config.get('HttpHeaderName', '')}' is not valid")
    kept: Shape = {"Field": field, member: config}
    if field in _WITH_VALUES and values:
        kept["Values"] = values
    if field in _WITH_VALUES and regexes:
        kept["RegexValues"] = regexes
    return kept


def _texts(condition: Shape) -> list[Any]:
    config = condition[CONFIGS[condition["Field"]]]
    return [*config.get("Values", ()), *config.get("RegexValues", ())]


def _wildcard_texts(condition: Shape) -> list[str]:
    values = condition[CONFIGS[condition["Field"]]].get("Values", ())
    if condition["Field"] == "query-string":
        return [text for value in values for text in (value.get("Key", ""), value["Value"])]
    return list(values)


def _check_length(value: str) -> None:
    if not 1 <= len(value) <= _MAX_VALUE_LENGTH:
        raise ValidationError(f"A condition value must be between 1 and {_MAX_VALUE_LENGTH} characters long")


def _check_host(value: str) -> None:
    _check_length(value)
    if not _HOST.fullmatch(value):
        raise ValidationError(f"The host name '{value}' contains characters that are not allowed")


def _check_path(value: str) -> None:
    _check_length(value)
    if not value.isprintable() or " " in value or not value.startswith(("/", "*", "?")):
        raise ValidationError(f"The path pattern '{value}' is not valid")


def _check_header(value: str) -> None:
    _check_length(value)
    if not value.isprintable():
        raise ValidationError(f"The header value '{value}' contains characters that are not allowed")


def _check_query(value: Mapping[str, str]) -> None:
    if not value.get("Value"):
        raise ValidationError("A query string value must be specified")
    for text in value.values():
        _check_length(text)
        if not text.isprintable():
            raise ValidationError(f"The query string '{text}' contains characters that are not allowed")


def _check_method(value: str) -> None:
    if not _METHOD.fullmatch(value):
        raise ValidationError(f"The HTTP request method '{value}' is not valid")


def _check_source(value: str) -> None:
    try:
        IPv6Network(value) if ":" in value else IPv4Network(value)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise ValidationError(f"The source IP '{value}' must be a valid CIDR block") from error
    if "/" not in value:
        raise ValidationError(f"The source IP '{value}' must be in CIDR format")


def _check_regex(regex: str) -> None:
    _check_length(regex)
    if not regex.isprintable():
        raise ValidationError(f"The regular expression '{regex}' contains characters that are not allowed")
    try:
        re.compile(regex)
    except re.error as error:
        raise ValidationError(f"The regular expression '{regex}' is not valid") from error


_CHECKS: Mapping[str, Any] = {
    "host-header": _check_host,
    "http-header": _check_header,
    "http-request-method": _check_method,
    "path-pattern": _check_path,
    "query-string": _check_query,
    "source-ip": _check_source,
}
