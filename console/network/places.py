"""What is in a scope's VPCs, with the names that people know: tasks, load balancers, gateways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_api.core.host_ports import published_by
from aws_api.services.ec2.filtering.loading import load_policies
from aws_api.services.ec2.filtering.policies import Interface, Policies
from aws_api.services.ec2.models import NetworkInterface, SecurityGroup, Vpc
from aws_api.services.ecs.models import Task
from console.scope import Scope

#: A page shows so many; the lists of EC2 have all.
MAX_VPCS = 20
MAX_INTERFACES = 400


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A network interface by what it belongs to. ``kind`` is task, load-balancer, nat, endpoint or interface.

    ``host_ports`` are the ports of this host that lead to it, as people write them. ``cluster`` and ``task_id`` are a
    task's.
    """

    interface: Interface
    kind: str
    name: str
    detail: str
    group_names: Sequence[str]
    host_ports: Sequence[str] = ()
    cluster: str = ""
    task_id: str = ""

    @property
    def end(self) -> str:
        return self.interface.interface_id


@dataclass(frozen=True, kw_only=True)
class Network:
    """A scope's VPCs: their policies, and the things in them by their interface's id."""

    policies: Policies
    names: Mapping[str, str]
    things: Mapping[str, Thing]
    is_cut: bool

    def things_of(self, subnet_id: str) -> list[Thing]:
        """The things in a subnet, by name."""
        found = (thing for thing in self.things.values() if thing.interface.subnet_id == subnet_id)
        return sorted(found, key=lambda thing: (thing.kind, thing.name, thing.end))


def network_of(scope: Scope) -> Network:
    """Everything in a scope's VPCs and those that they are peered with: a fixed number of queries."""
    where = {"account_id": scope.account_id, "region": scope.region}
    vpcs = Vpc.objects.filter(**where).order_by("-is_default", "created_at", "pk")
    policies = load_policies(vpcs.values_list("pk", flat=True)[:MAX_VPCS])
    rows = NetworkInterface.objects.filter(**where, resource_id__in=policies.interfaces).order_by("created_at", "pk")
    tasks = {
        task.network["interface_id"]: task
        for task in Task.objects.filter(**where)
        .exclude(network={})
        .exclude(last_status="STOPPED")
        .select_related("cluster", "task_definition")
    }
    groups = SecurityGroup.objects.filter(**where, resource_id__in=policies.groups).values_list(
        "resource_id", "group_name"
    )
    names = dict(groups) | {vpc.resource_id: vpc.tags.get("Name", "") for vpc in vpcs[:MAX_VPCS]}
    ports = published_by(task.arn for task in tasks.values())
    things = {}
    for row in rows[:MAX_INTERFACES]:
        interface, task = policies.interfaces[row.resource_id], tasks.get(row.resource_id)
        kind, name, detail = _described(row, task)
        things[row.resource_id] = Thing(
            interface=interface,
            kind=kind,
            name=name,
            detail=detail,
            group_names=[names.get(group_id, group_id) for group_id in interface.group_ids],
            host_ports=[
                f"{port.local_address}:{port.local_port}"
                for port in ports.get(task.arn if task else "", ())
                if port.local_port
            ],
            cluster=task.cluster.name if task else "",
            task_id=task.task_id if task else "",
        )
    is_cut = len(policies.interfaces) > MAX_INTERFACES or vpcs.count() > MAX_VPCS
    return Network(policies=policies, names=names, things=things, is_cut=is_cut)


def _described(row: NetworkInterface, task: Task | None) -> tuple[str, str, str]:
    """What an interface belongs to: the kind, the name and what else is worth a line."""
    if task is not None:
        return "task", task.service_name or str(task.task_definition), task.last_status
    if row.description.startswith("ELB "):
        kind, name, _ = row.description.removeprefix("ELB ").split("/", 2)
        return "load-balancer", name, {"app": "Application", "net": "Network"}.get(kind, kind) + " Load Balancer"
    if row.interface_type == "nat_gateway":
        return "nat", row.tags.get("Name") or "NAT gateway", row.description
    if row.vpc_endpoint_id is not None:
        return "endpoint", row.tags.get("Name") or "VPC endpoint", row.description
    return "interface", row.tags.get("Name") or row.resource_id, row.description
