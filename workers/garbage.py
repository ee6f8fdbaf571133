"""What is left over: containers, networks and volumes whose resource is gone, and records that nobody looks at."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

from aws_api.core.containers import LABEL_KEY, LABEL_KIND, ContainerRuntime, RuntimeFailure, RuntimeUnreachable
from aws_api.core.models import PlanRecord, Transition
from aws_api.core.reconcile import Collector, all_controllers
from workers.leases import claim
from workers.models import Lease, LogCursor, Pull

#: How long timelines and plans are kept, at least.
_HISTORY = timedelta(days=1)
_LAPSED_LEASES = timedelta(minutes=10)
_PULLS = timedelta(days=30)
_CURSORS = timedelta(days=1)

_log = logging.getLogger(__name__)


@dataclass
class _Left:
    """What a resource has on the engine."""

    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)


def collect(runtime: ContainerRuntime, now: datetime) -> None:
    """One collection. Raises RuntimeUnreachable."""
    forget(now)
    for controller in all_controllers():
        if isinstance(controller, Collector):
            controller.collect(now)
        labels = {LABEL_KIND: controller.kind}
        left: dict[str, _Left] = {}
        for container in runtime.find_containers(labels):
            left.setdefault(container.labels.get(LABEL_KEY, ""), _Left()).containers.append(container.name)
        for network in runtime.find_networks(labels):
            left.setdefault(network.labels.get(LABEL_KEY, ""), _Left()).networks.append(network.name)
        for volume in runtime.find_volumes(labels):
            left.setdefault(volume.labels.get(LABEL_KEY, ""), _Left()).volumes.append(volume.name)
        for key, objects in left.items():
            if controller.load(key) is None:
                _remove(runtime, controller.kind, key, objects)


def forget(now: datetime) -> None:
    """Delete old rows. Rows of the workers' own that are lost cost a repetition, at most."""
    history = max(_HISTORY, timedelta(seconds=settings.SIMFRA_STOPPED_TASK_RETENTION_S))
    PlanRecord.objects.filter(at__lt=now - history).delete()
    Transition.objects.filter(at__lt=now - history).delete()
    Lease.objects.filter(until__lt=now - _LAPSED_LEASES).delete()
    Pull.objects.filter(finished_at__lt=now - _PULLS).delete()
    LogCursor.objects.filter(finished=True, updated_at__lt=now - _CURSORS).delete()


def _remove(runtime: ContainerRuntime, kind: str, key: str, objects: _Left) -> None:
    lease = claim(kind, key)
    if lease is None:
        return
    try:
        for name in objects.containers:
            _log.info("removing the container %s: its %s is gone", name, kind)
            runtime.remove_container(name)
        for name in objects.networks:
            _log.info("removing the network %s: its %s is gone", name, kind)
            runtime.remove_network(name)
        for name in objects.volumes:
            _log.info("removing the volume %s: its %s is gone", name, kind)
            runtime.remove_volume(name)
    except RuntimeUnreachable:
        raise
    except RuntimeFailure as failure:
        _log.warning("%s", failure)
    finally:
        lease.abandon()
