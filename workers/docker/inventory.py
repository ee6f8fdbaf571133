"""What the instance has on the engine, as the engine lists it: four calls however much there is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from aws_api.core.containers import LABEL_INSTANCE
from aws_api.core.inventory import EngineContainer, EngineNetwork, Inventory
from workers.docker import engine
from workers.docker.failures import engine_failures


def take_inventory() -> Inventory:
    """The instance's containers and networks, and how many images and volumes there are. Raises RuntimeFailure."""
    own = {"label": [f"{LABEL_INSTANCE}={settings.SIMFRA_INSTANCE}"]}
    with engine_failures():
        client = engine.client()
        containers = sorted(map(_container, client.containers(all=True, filters=own)), key=lambda one: one.name)
        networks = sorted(map(_network, client.networks(filters=own)), key=lambda one: one.name)
        volumes = len(client.volumes(filters=own).get("Volumes") or ())
        return Inventory(containers=containers, networks=networks, images=len(client.images()), volumes=volumes)


def _container(listed: Mapping[str, Any]) -> EngineContainer:
    return EngineContainer(
        id=listed["Id"],
        name=(listed.get("Names") or ["/"])[0].lstrip("/"),
        image=listed["Image"],
        state=listed["State"],
        status=listed["Status"],
        created=datetime.fromtimestamp(listed["Created"], UTC),
        labels=listed.get("Labels") or {},
        ports=[
            {
                "containerPort": port["PrivatePort"],
                "hostPort": port.get("PublicPort"),
                "hostIp": port.get("IP", ""),
                "protocol": port["Type"],
            }
            for port in listed.get("Ports") or ()
        ],
    )


def _network(listed: Mapping[str, Any]) -> EngineNetwork:
    return EngineNetwork(
        id=listed["Id"],
        name=listed["Name"],
        driver=listed["Driver"],
        scope=listed["Scope"],
        labels=listed.get("Labels") or {},
    )
