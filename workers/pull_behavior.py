"""When an image that the engine has will do, and how patient a pull is: SIMFRA_IMAGE_PULL_BEHAVIOR.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html (ECS_IMAGE_PULL_BEHAVIOR)
"""

import re

from django.conf import settings

#: Pulls of one image while its registry says 429, and the longest wait before one.
MAX_ATTEMPTS = 5
FIRST_WAIT_S = 2.0
MAX_WAIT_S = 30.0
_TOO_MANY_REQUESTS = re.compile(r"toomanyrequests|too many requests|\b429\b", re.IGNORECASE)


def may_use_cached(*, is_own: bool, was_pulled: bool) -> bool:
    """Whether the engine's image is taken without asking its registry.

    ``is_own``: it is of our own registry, which is asked in no time; ``was_pulled``: an earlier task brought it.
    """
    match settings.SIMFRA_IMAGE_PULL_BEHAVIOR:
        case "default" | "always":
            return False
        case "once":
            return was_pulled
        case "prefer-cached":
            return True
        case _:
            return not is_own


def cached_stands_in() -> bool:
    """Whether the engine's image is taken where its registry cannot give one."""
    return bool(settings.SIMFRA_IMAGE_PULL_BEHAVIOR == "default")


def is_too_many_requests(reason: str) -> bool:
    """Whether a registry refused for now alone."""
    return _TOO_MANY_REQUESTS.search(reason) is not None


def patience_s(attempt: int) -> float:
    """How long to wait after that many refusals: twice as long each time."""
    return float(min(FIRST_WAIT_S * 2**attempt, MAX_WAIT_S))
