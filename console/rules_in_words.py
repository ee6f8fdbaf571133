"""A listener's rules as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

Shape = Mapping[str, Any]


def conditions_in_words(conditions: Sequence[Shape]) -> list[str]:
    """What a request must be like; the default rule's are none."""
    return [_condition(each) for each in conditions]


def actions_in_words(actions: Sequence[Shape], group_names: Mapping[str, str]) -> list[str]:
    """What happens to a request; ``group_names`` are target groups' names by their ARNs."""
    return [_action(each, group_names) for each in actions]


def _condition(condition: Shape) -> str:
    values = _any_of(_values(condition))
    match condition["Field"]:
        case "host-header":
            return f"the host is {values}"
        case "path-pattern":
            return f"the path is {values}"
        case "http-header":
            return f"the header {condition['HttpHeaderConfig'].get('HttpHeaderName', '')} is {values}"
        case "http-request-method":
            return f"the method is {values}"
        case "source-ip":
            return f"it comes from {values}"
        case "query-string":
            pairs = condition["QueryStringConfig"]["Values"]
            return f"the query has {_any_of([_pair(pair) for pair in pairs])}"
        case field:
            return f"{field} is {values}"


def _values(condition: Shape) -> list[str]:
    found = list(condition.get("Values", ())) + [f"like {each}" for each in condition.get("RegexValues", ())]
    for member, config in condition.items():
        if member.endswith("Config") and member != "QueryStringConfig":
            found += [value for value in config.get("Values", ()) if value not in found]
            found += [f"like {value}" for value in config.get("RegexValues", ())]
    return found


def _pair(pair: Shape) -> str:
    return f"{pair['Key']}={pair['Value']}" if pair.get("Key") else str(pair["Value"])


def _any_of(words: Sequence[str]) -> str:
    *first, last = words or ("anything",)
    return f"{', '.join(first)} or {last}" if first else str(last)


def _action(action: Shape, group_names: Mapping[str, str]) -> str:
    match action["Type"]:
        case "forward":
            return _forward(action, group_names)
        case "redirect":
            config = action["RedirectConfig"]
            defaults = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}"}
            parts = {name: config.get(name, default) for name, default in defaults.items()}
            where = f"{parts['Protocol'].lower()}://{parts['Host']}:{parts['Port']}{parts['Path']}"
            query = config.get("Query", "#{query}")
            where = f"{where}?{query}" if query else where
            return f"redirect to {where} ({config['StatusCode'].removeprefix('HTTP_')})"
        case "fixed-response":
            config = action["FixedResponseConfig"]
            body = f": {config['MessageBody']}" if config.get("MessageBody") else ""
            return f"answer {config['StatusCode']}{body}"
        case kind:
            return str(kind)


def _forward(action: Shape, group_names: Mapping[str, str]) -> str:
    config = action.get("ForwardConfig", {})
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action.get("TargetGroupArn", "")}]
    total = sum(group.get("Weight", 1) for group in groups)
    words = []
    for group in groups:
        name = group_names.get(group["TargetGroupArn"], group["TargetGroupArn"])
        share = f" ({100 * group.get('Weight', 1) / total:.0f} %)" if len(groups) > 1 and total else ""
        words.append(f"{name}{share}")
    sticky = config.get("TargetGroupStickinessConfig", {})
    kept = f", the same group for {sticky['DurationSeconds']} s" if sticky.get("Enabled") else ""
    return f"forward to {' and '.join(words)}{kept}"
