"""What the instance has on the engine, for whoever asks core's port."""

from django.conf import settings

from aws_api.core.containers import RuntimeUnreachable
from aws_api.core.inventory import Inventory


def take_inventory() -> Inventory:
    """What is there now. Raises RuntimeFailure."""
    if not settings.SIMFRA_DOCKER:
        raise RuntimeUnreachable(settings.SIMFRA_DOCKER_PROBLEM or "No Docker engine was found when Simfra started.")
    # Not before somebody asks: web processes have no other use for the SDK.
    from workers.docker.inventory import take_inventory

    return take_inventory()
