"""Lifecycle policies: read, checked, and what they would do to a repository's images. Pure.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

import orjson

MAX_RULES = 50
MAX_WILDCARDS = 4
_COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled")
_TAG_STATUSES = ("tagged", "untagged", "any")


class BadPolicy(ValueError):
    """It is no lifecycle policy; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. ``patterns`` have ``*`` for any text; an image is selected when each of them fits one of its tags."""

    priority: int
    tag_status: str
    patterns: tuple[str, ...]
    count_type: str
    count_number: int

    def selects(self, image: "Candidate") -> bool:
        """Whether the rule is about an image, by its tags alone."""
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not image.tags
        return bool(image.tags) and all(
            any(fnmatchcase(tag, pattern) for tag in image.tags) for pattern in self.patterns
        )

    def excess(self, images: Sequence["Candidate"], now: datetime) -> list["Candidate"]:
        """Those of the selected images that are too many or too old."""
        newest_first = sorted(images, key=lambda image: (image.pushed_at, image.digest), reverse=True)
        if self.count_type == "imageCountMoreThan":
            return newest_first[self.count_number :]
        oldest = now - timedelta(days=self.count_number)
        by_pull = self.count_type == "sinceImagePulled"
        return [image for image in newest_first if ((by_pull and image.pulled_at) or image.pushed_at) < oldest]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An image as rules see it. ``is_listed``: a manifest list has it, so it goes with that alone."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None = None
    is_listed: bool = False


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """An image that a rule expires."""

    digest: str
    priority: int


def read_policy(text: str) -> tuple[Rule, ...]:
    """The rules of a policy, the first to apply first. Raises BadPolicy."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadPolicy("the policy is not JSON") from None
    members = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(members, list) or not 0 < len(members) <= MAX_RULES:
        raise BadPolicy(f"a policy has from 1 to {MAX_RULES} rules")
    rules = sorted((_rule(member) for member in members), key=lambda rule: rule.priority)
    _check_together(rules)
    return tuple(rules)


def expiries(rules: Iterable[Rule], images: Iterable[Candidate], now: datetime) -> list[Expiry]:
    """What a policy expires, in the order of the rules.

    Every rule counts all the images that it selects; of these it may expire only those that no rule before it selects.
    """
    left = [image for image in images if not image.is_listed]
    claimed: set[str] = set()
    found: list[Expiry] = []
    for rule in rules:
        selected = [image for image in left if rule.selects(image)]
        excess = [image.digest for image in rule.excess(selected, now) if image.digest not in claimed]
        found += [Expiry(digest=digest, priority=rule.priority) for digest in excess]
        claimed |= {image.digest for image in selected}
    return found


def _rule(member: Any) -> Rule:
    priority = member.get("rulePriority") if isinstance(member, dict) else None
    if not _is_count(priority):
        raise BadPolicy("rulePriority must be a whole number of at least 1")
    selection, action = member.get("selection"), member.get("action")
    if not isinstance(selection, dict) or not isinstance(action, dict):
        raise BadPolicy(f"the rule {priority} needs a selection and an action")
    if action.get("type") == "transition":
        raise BadPolicy(f"the rule {priority} transitions images: there is no other storage class here")
    if action.get("type") != "expire":
        raise BadPolicy(f"the action of the rule {priority} must be expire")
    status, count_type = selection.get("tagStatus"), selection.get("countType")
    if status not in _TAG_STATUSES:
        raise BadPolicy(f"the tagStatus of the rule {priority} must be one of {', '.join(_TAG_STATUSES)}")
    if count_type not in _COUNT_TYPES:
        raise BadPolicy(f"the countType of the rule {priority} must be one of {', '.join(_COUNT_TYPES)}")
    if not _is_count(selection.get("countNumber")):
        raise BadPolicy(f"the countNumber of the rule {priority} must be a whole number of at least 1")
    if (count_type == "imageCountMoreThan") == (selection.get("countUnit") is not None):
        raise BadPolicy(f"countUnit goes with the ages of images alone, and ages need it (rule {priority})")
    if selection.get("countUnit", "days") != "days":
        raise BadPolicy(f"the countUnit of the rule {priority} must be days")
    return Rule(
        priority=priority,
        tag_status=status,
        patterns=_patterns(priority, status, selection),
        count_type=count_type,
        count_number=selection["countNumber"],
    )


def _patterns(priority: int, status: str, selection: dict[str, Any]) -> tuple[str, ...]:
    prefixes, patterns = selection.get("tagPrefixList"), selection.get("tagPatternList")
    given = prefixes if prefixes is not None else patterns
    if status != "tagged":
        if given:
            raise BadPolicy(f"the rule {priority} is not about tagged images and can name no tags")
        return ()
    if (prefixes is None) == (patterns is None) or not _is_texts(given):
        raise BadPolicy(f"the rule {priority} needs either tagPrefixList or tagPatternList")
    if patterns is None:
        # A prefix is taken literally: in fnmatch only these three mean more.
        return tuple(f"{_escaped(prefix)}*" for prefix in given)
    if any(pattern.count("*") > MAX_WILDCARDS for pattern in given):
        raise BadPolicy(f"a tag pattern has at most {MAX_WILDCARDS} wildcards (rule {priority})")
    return tuple("*".join(map(_escaped, pattern.split("*"))) for pattern in given)


def _escaped(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _check_together(rules: Sequence[Rule]) -> None:
    if len({rule.priority for rule in rules}) != len(rules):
        raise BadPolicy("two rules have the same rulePriority")
    if any(rule.tag_status == "any" for rule in rules[:-1]):
        raise BadPolicy("a rule with the tagStatus any must be the only one, and have the highest rulePriority")
    patterns = [pattern for rule in rules for pattern in rule.patterns]
    if len(set(patterns)) != len(patterns):
        raise BadPolicy("two rules name the same tags")


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) and text for text in value)
