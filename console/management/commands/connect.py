"""`manage.py connect`: how programs on this machine reach what runs in VPCs; with a target, a way to it is made."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aws_api.core.context import internal_context
from aws_api.core.host_ports import HostPortStatus, published_by
from aws_api.core.models import PortForward
from aws_api.core.port_forwards import CannotForward, ForwardTarget, forward_targets, open_forward, published_port
from aws_api.services.ec2.models import VpcNetwork

_OPEN_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.05


class Command(BaseCommand):
    help = (
        "Without a target: what can be reached from this machine, and how. With one (an ARN, a task's id or a "
        "part of a name): make a port forward to it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", nargs="?", help="an ARN, a task's id, or a part of a name")
        parser.add_argument("port", nargs="?", type=int, help="the target's port; its first one by default")
        parser.add_argument("--local-port", type=int, help="the port of this machine that would be nicest")
        parser.add_argument("--account", default=settings.SIMFRA_DEFAULT_ACCOUNT_ID)
        parser.add_argument("--region", default=settings.SIMFRA_DEFAULT_REGION)

    def handle(self, **options: Any) -> None:
        targets = forward_targets(options["account"], options["region"])
        if options["target"] is None:
            self._list(targets, options["account"], options["region"])
            return
        target = _chosen(targets, options["target"])
        context = internal_context(options["account"], options["region"])
        try:
            forward = open_forward(context, target.arn, options["port"], options["local_port"])
        except CannotForward as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(_when_open(forward, target))

    def _list(self, targets: list[ForwardTarget], account_id: str, region: str) -> None:
        ports = published_by(target.arn for target in targets)
        for target in targets:
            self.stdout.write(f"{target.type:14} {target.name}")
            for port in ports.get(target.arn, ()):
                where = f"{port.local_address}:{port.local_port}" if port.local_port else port.failure or "in a moment"
                self.stdout.write(f"{'':14} {where} -> port {port.target.port}/{port.target.protocol}")
            if target.arn not in ports:
                self.stdout.write(f"{'':14} manage.py connect {target.arn}")
        if not targets:
            self.stdout.write(f"Nothing runs in {account_id}, {region}.")
        for forward in PortForward.objects.filter(account_id=account_id, region=region).order_by("pk"):
            found = published_port(forward)
            where = (
                f"{found.local_address}:{found.local_port}" if found and found.local_port else "waits for its target"
            )
            self.stdout.write(f"{'port forward':14} {where} -> {forward.target_arn}, port {forward.target_port}")
        rows = VpcNetwork.objects.filter(account_id=account_id, region=region).exclude(last_dns_port=0)
        for row in rows.order_by("pk"):
            vpc_id = row.key.rpartition("/")[2]
            self.stdout.write(f"{'names':14} dig @127.0.0.1 -p {row.last_dns_port} NAME   (as in {vpc_id})")


def _chosen(targets: list[ForwardTarget], text: str) -> ForwardTarget:
    exact = [target for target in targets if text in (target.arn, target.name)]
    found = exact or [target for target in targets if text in target.arn or text in target.name]
    if not found:
        raise CommandError(f"Nothing that runs is called {text}. `manage.py connect` lists what there is.")
    if len(found) > 1:
        names = "\n  ".join(target.arn for target in found)
        raise CommandError(f"{text} may be one of:\n  {names}")
    return found[0]


def _when_open(forward: PortForward, target: ForwardTarget) -> str:
    """What to say once the relay listens. Raises CommandError."""
    deadline = time.monotonic() + _OPEN_WITHIN_S
    while time.monotonic() < deadline:
        port = published_port(forward)
        if port is None:
            return f"{target.name} has no task that runs; {forward.forward_id} will lead there when it has."
        if port.status is HostPortStatus.FAILED:
            raise CommandError(port.failure)
        if port.local_port is not None:
            ends = f"curl -X DELETE {settings.SIMFRA_ENDPOINT}/_simfra/port-forwards/{forward.forward_id}"
            return (
                f"{port.local_address}:{port.local_port} leads to port {forward.target_port} of {target.name}, also "
                f"after a restart. End it with:\n  {ends}"
            )
        time.sleep(_LOOK_EVERY_S)
    raise CommandError("The relay does not answer. Does `manage.py up` run, and Docker?")
