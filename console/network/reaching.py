"""Whether one thing reaches another: ends as people name them, and the answer of the rules in force."""

from aws_api.services.ec2.filtering.loading import INTERNET, answer_reachability
from aws_api.services.ec2.filtering.reachability import Answer
from aws_api.services.ec2.models import NetworkInterface
from aws_api.services.ecs.models import Task

PROTOCOLS = ("tcp", "udp", "icmp")


class CannotAnswer(Exception):
    """The question makes no sense; the message says why."""


def find_end(account_id: str, region: str, name: str) -> str:
    """The interface's id, address or ``internet`` that a name stands for. Raises CannotAnswer.

    Tasks may be named by id or ARN, load balancers by ARN.
    """
    if not name:
        raise CannotAnswer("Say both ends: from and to.")
    where = {"account_id": account_id, "region": region}
    if name.startswith("arn:aws:elasticloadbalancing:"):
        path = name.rpartition(":loadbalancer/")[2]
        row = NetworkInterface.objects.filter(**where, description=f"ELB {path}").order_by("pk").first()
        if row is None:
            raise CannotAnswer(f"There is no load balancer {name}.")
        return row.resource_id
    if name.startswith("arn:aws:ecs:") or (len(name) == 32 and name.isalnum()):
        task = Task.objects.filter(**where, task_id=name.rpartition("/")[2]).exclude(network={}).first()
        if task is None:
            raise CannotAnswer(f"There is no task {name} that has an address of its own.")
        return str(task.network["interface_id"])
    return name


def reaches(account_id: str, region: str, source: str, target: str, *, protocol: str, port: str) -> Answer:
    """What the rules say of traffic between two ends. Raises CannotAnswer."""
    if protocol not in PROTOCOLS:
        raise CannotAnswer(f"protocol is one of {', '.join(PROTOCOLS)}.")
    if source == target:
        raise CannotAnswer("Both ends are the same: nothing filters what stays inside.")
    number = None
    if protocol != "icmp":
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise CannotAnswer("port is a number from 1 to 65535.")
        number = int(port)
    try:
        return answer_reachability(account_id, region, source=source, target=target, protocol=protocol, port=number)
    except ValueError as problem:
        raise CannotAnswer(str(problem)) from problem


__all__ = ["INTERNET", "PROTOCOLS", "Answer", "CannotAnswer", "find_end", "reaches"]
