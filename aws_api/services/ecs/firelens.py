"""FireLens: containers' output goes to the task's log router, a container whose image its user gives. Pure.

The engine's own fluentd driver hands the output over, through a socket in a volume that the router shares with nobody
else. The router finds its configuration where its image looks for one, as ECS's agent writes it there.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html
https://github.com/aws-samples/amazon-ecs-firelens-under-the-hood
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.containers import LogForwarding, Mount, VolumeSpec
from aws_api.services.ecs.shapes import ClientException
from aws_api.services.ecs.specification import TaskVolume

Shape = Mapping[str, Any]

DRIVER = "awsfirelens"
FORWARD_PORT = 24224
_SOCKET = "fluent.sock"
_SOCKET_FOLDER = "/var/run"
_CONFIGURATION = {"fluentbit": "/fluent-bit/etc/fluent-bit.conf", "fluentd": "/fluentd/etc/fluent.conf"}
_EXTERNAL = {"fluentbit": "/fluent-bit/etc/external.conf", "fluentd": "/fluentd/etc/external.conf"}
#: Options that are not the output plugin's.
_OWN_OPTIONS = ("include-pattern", "exclude-pattern", "log-driver-buffer-limit")


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Where a task's output goes through its router: ``options`` by container, with secrets among them."""

    router: Shape
    network_mode: str
    cluster: str
    task_arn: str
    task_definition: str
    options: Mapping[str, Mapping[str, str]]


def check_firelens(containers: Iterable[Shape]) -> None:
    """Raise ClientException where a router has nothing to route, or output has no router."""
    containers = list(containers)
    routers = [container for container in containers if container.get("firelensConfiguration")]
    users = [container for container in containers if uses_firelens(container)]
    if len(routers) > 1:
        raise ClientException("At most one container in a task definition can have a firelensConfiguration.")
    if routers and not users:
        raise ClientException(
            "When a firelensConfiguration object is specified, at least one container has to be configured with the "
            "awsfirelens log driver."
        )
    if users and not routers:
        raise ClientException(
            "When the awsfirelens log driver is specified for a container, a container has to be configured with a "
            "firelensConfiguration object."
        )
    for router in routers:
        options = router["firelensConfiguration"].get("options", {})
        if uses_firelens(router):
            raise ClientException("The container with the firelensConfiguration cannot use the awsfirelens log driver.")
        if options.get("config-file-type", "file") not in ("file", "s3"):
            raise ClientException("The config-file-type of a firelensConfiguration must be file or s3.")
        if options.get("config-file-value") in _CONFIGURATION.values():
            raise ClientException("The config-file-value cannot be the file that FireLens writes.")


def uses_firelens(container: Shape) -> bool:
    return bool(container.get("logConfiguration", {}).get("logDriver") == DRIVER)


def log_router(containers: Iterable[Shape]) -> Shape | None:
    """The container that routes the others' output."""
    return next((container for container in containers if container.get("firelensConfiguration")), None)


def with_router_first(containers: Mapping[str, Shape]) -> dict[str, Shape]:
    """The containers, those whose output is routed waiting for the router's start; in bridge mode they find it too."""
    router = log_router(containers.values())
    if router is None:
        return dict(containers)
    return {name: _behind(container, router["name"]) for name, container in containers.items()}


def _behind(container: Shape, router: str) -> Shape:
    if not uses_firelens(container):
        return container
    depends_on = list(container.get("dependsOn", ()))
    if router not in {dependency["containerName"] for dependency in depends_on}:
        depends_on.append({"containerName": router, "condition": "START"})
    return {**container, "dependsOn": depends_on}


def environment(container: Shape, router: Shape, network_mode: str) -> dict[str, str]:
    """How a program whose container uses FireLens reaches the router by itself."""
    if not uses_firelens(container) or network_mode not in ("awsvpc", "bridge"):
        return {}
    # On the bridge by a name that a link gives.
    host = "127.0.0.1" if network_mode == "awsvpc" else router["name"]
    return {"FLUENT_HOST": host, "FLUENT_PORT": str(FORWARD_PORT)}


def forwarding(container: Shape, volume: str, task_id: str) -> LogForwarding | None:
    """How the engine hands over a container's output; None where it does not."""
    if not uses_firelens(container):
        return None
    limit = container["logConfiguration"].get("options", {}).get("log-driver-buffer-limit", "")
    return LogForwarding(
        volume=volume,
        socket=_SOCKET,
        tag=f"{container['name']}-firelens-{task_id}",
        buffer_events=int(limit) if limit.isdigit() else None,
    )


def socket_mount(volume: str) -> Mount:
    """The router's place for the socket."""
    return Mount(source=volume, target=_SOCKET_FOLDER)


def socket_volumes(containers: Iterable[Shape], volume: str, labels: Mapping[str, str]) -> tuple[TaskVolume, ...]:
    """The volume of the socket, where the task has a router."""
    if log_router(containers) is None:
        return ()
    return (TaskVolume(name="firelens", spec=VolumeSpec(name=volume, labels=labels), own=True),)


# The router's configuration -------------------------------------------------------------------------------------------


def external_object(router: Shape) -> str:
    """The ARN of the S3 object that is the router's further configuration; empty where none is."""
    options = router["firelensConfiguration"].get("options", {})
    return options.get("config-file-value", "") if options.get("config-file-type") == "s3" else ""


def router_files(routing: Routing, external: bytes | None = None) -> dict[str, bytes]:
    """The files that the router's container needs, by path. ``external`` is the content of the S3 object."""
    kind = routing.router["firelensConfiguration"]["type"]
    write = _fluent_bit if kind == "fluentbit" else _fluentd
    files = {_CONFIGURATION[kind]: write(routing).encode()}
    if external is not None:
        files[_EXTERNAL[kind]] = external
    return files


def _included(routing: Routing) -> str:
    """The path of the router's further configuration."""
    firelens = routing.router["firelensConfiguration"]
    if external_object(routing.router):
        return _EXTERNAL[firelens["type"]]
    return str(firelens.get("options", {}).get("config-file-value", ""))


def _metadata(routing: Routing) -> dict[str, str]:
    """What is added to each record."""
    options = routing.router["firelensConfiguration"].get("options", {})
    if options.get("enable-ecs-log-metadata", "true").lower() == "false":
        return {}
    return {
        "ecs_cluster": routing.cluster,
        "ecs_task_arn": routing.task_arn,
        "ecs_task_definition": routing.task_definition,
    }


def _listens_on(routing: Routing) -> str:
    return "0.0.0.0" if routing.network_mode == "bridge" else "127.0.0.1"


def _plugin_options(options: Mapping[str, str]) -> dict[str, str]:
    """What the output plugin is told; the match is FireLens's."""
    return {name: value for name, value in options.items() if name not in (*_OWN_OPTIONS, "Match")}


def _fluent_bit(routing: Routing) -> str:
    inputs = [
        _section("INPUT", Name="forward", unix_path=f"{_SOCKET_FOLDER}/{_SOCKET}"),
        _section("INPUT", Name="forward", Listen=_listens_on(routing), Port=str(FORWARD_PORT)),
        _section("INPUT", Name="tcp", Tag="firelens-healthcheck", Listen="127.0.0.1", Port="8877"),
    ]
    filters = []
    for container, options in routing.options.items():
        match = f"{container}-firelens*"
        if pattern := options.get("include-pattern"):
            filters.append(_section("FILTER", Name="grep", Match=match, Regex=f"log {pattern}"))
        if pattern := options.get("exclude-pattern"):
            filters.append(_section("FILTER", Name="grep", Match=match, Exclude=f"log {pattern}"))
    if metadata := _metadata(routing):
        records = "".join(f"    Record {name} {value}\n" for name, value in metadata.items())
        filters.append(_section("FILTER", Name="record_modifier", Match="*") + records)
    included = [f"@INCLUDE {path}\n"] if (path := _included(routing)) else []
    outputs = [_section("OUTPUT", Name="null", Match="firelens-healthcheck")]
    for container, options in routing.options.items():
        # Without a plugin its user routes the output in the further configuration.
        if "Name" in options:
            plugin = _plugin_options(options)
            outputs.append(_section("OUTPUT", Name=plugin.pop("Name"), Match=f"{container}-firelens*", **plugin))
    return "\n".join([*inputs, *filters, *included, *outputs])


def _section(kind: str, **members: str) -> str:
    return f"[{kind}]\n" + "".join(f"    {name} {value}\n" for name, value in members.items())


def _fluentd(routing: Routing) -> str:
    inputs = [
        _block("source", {"@type": "unix", "path": f"{_SOCKET_FOLDER}/{_SOCKET}"}),
        _block("source", {"@type": "forward", "bind": _listens_on(routing), "port": str(FORWARD_PORT)}),
    ]
    filters = []
    for container, options in routing.options.items():
        match = f"filter {container}-firelens**"
        for option, kind in (("include-pattern", "regexp"), ("exclude-pattern", "exclude")):
            if pattern := options.get(option):
                inner = _block(kind, {"key": "log", "pattern": pattern})
                filters.append(_block(match, {"@type": "grep"}, inner))
    if metadata := _metadata(routing):
        filters.append(_block("filter **", {"@type": "record_transformer"}, _block("record", metadata)))
    included = [f"@include {path}\n"] if (path := _included(routing)) else []
    outputs = [
        _block(f"match {container}-firelens**", _plugin_options(options))
        for container, options in routing.options.items()
        if "@type" in options
    ]
    return "\n".join([*inputs, *filters, *included, *outputs])


def _block(head: str, members: Mapping[str, str], inner: str = "") -> str:
    lines = [f"{name} {value}" for name, value in members.items()] + inner.splitlines()
    return f"<{head}>\n" + "".join(f"    {line}\n" for line in lines) + f"</{head.split(maxsplit=1)[0]}>\n"
