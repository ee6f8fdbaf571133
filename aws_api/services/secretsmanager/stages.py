"""Staging labels: no two versions of a secret share one, and AWSPREVIOUS follows AWSCURRENT. Pure.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version
"""

from collections.abc import Iterable, Mapping

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"

#: Version id to its labels.
Stages = Mapping[str, tuple[str, ...]]


def put_stages(stages: Stages, version_id: str, labels: Iterable[str]) -> Stages:
    """The labels of all versions once a version has some more; each is taken off the version that had it."""
    after = dict(stages)
    for label in labels:
        holder = holder_of(after, label)
        if holder == version_id:
            continue
        if holder is not None:
            after[holder] = _without(after[holder], label)
        after[version_id] = (*after.get(version_id, ()), label)
        if label == CURRENT and holder is not None:
            after = dict(_move_previous(after, holder))
    return after


def take_stage(stages: Stages, version_id: str, label: str) -> Stages:
    """The labels of all versions once a version has one less."""
    return {**stages, version_id: _without(stages[version_id], label)}


def holder_of(stages: Stages, label: str) -> str | None:
    """The version that a label is on."""
    return next((version_id for version_id, labels in stages.items() if label in labels), None)


def _move_previous(stages: Stages, version_id: str) -> Stages:
    after = {each: _without(labels, PREVIOUS) for each, labels in stages.items()}
    after[version_id] = (*after[version_id], PREVIOUS)
    return after


def _without(labels: Iterable[str], label: str) -> tuple[str, ...]:
    return tuple(each for each in labels if each != label)
