"""The proxy in a task that has Service Connect: its container, the names that lead to it, and what it is told.

Aliases are names of addresses of the task's own loopback, as on AWS; a task knows those that there are when it starts,
while the proxy follows the endpoints behind them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any

import orjson
from django.conf import settings

from aws_api.core.containers import LABEL_KEY, LABEL_KIND, LABEL_ROLE, ContainerSpec
from aws_api.core.sidecars import CONTROL_TOKEN_VARIABLE, control_token
from aws_api.services.ecs.models import Deployment, Registration, Task
from aws_api.services.ecs.scheduler.specification import RegistrationState
from aws_api.services.ecs.service_connect import endpoints_in

CONTAINER = "ecs-service-connect"
ROLE = "service-connect"
#: What the proxy asks, followed by the account, the region and the task's id.
PATH_PREFIX = "/_service-connect/"
#: Of the loopback, far from where programs listen.
_FIRST_ADDRESS = int(IPv4Address("127.128.0.0"))
_ADDRESSES = 1 << 23
#: Until it was told where everything is; a loaded machine takes its time.
READY_WITHIN_S = 30
_MEMORY_BYTES = 128 * 1024 * 1024
_RUN = "/run/simfra"
_HTTP = ("http", "http2", "grpc")
#: Five failures in a row, and a server gets nothing until two checks have passed: 15 to 30 seconds.
_EJECTION = "check inter 15s fall 100 rise 2 error-limit 5 on-error mark-down"

Shape = Mapping[str, Any]


def deployment_of(task: Task) -> Deployment | None:
    """The deployment of a task that has Service Connect."""
    if not task.service_name or not task.network:
        return None
    rows = Deployment.objects.filter(deployment_id=task.started_by.partition("/")[2], document__has_key="connect")
    return rows.first()


def proxy_container(task: Task, *, name: str, network_of: str) -> ContainerSpec:
    """The proxy in the task's network namespace."""
    return ContainerSpec(
        name=name,
        image=settings.SIMFRA_SIDECAR_IMAGE,
        labels={LABEL_KIND: "ecs.task", LABEL_KEY: task.arn, LABEL_ROLE: ROLE},
        entry_point=("python3", "-m", "sidecar.service_connect"),
        environment={
            "EMULATOR_PORT": str(settings.SIMFRA_ENDPOINT_PORT),
            "CONFIGURATION_PATH": f"{PATH_PREFIX}{task.account_id}/{task.region}/{task.task_id}",
            CONTROL_TOKEN_VARIABLE: control_token(settings.SECRET_KEY, name),
        },
        network_of=network_of,
        memory_bytes=_MEMORY_BYTES,
        ready_within_s=READY_WITHIN_S,
    )


def hosts_of(deployment: Deployment) -> str:
    """Lines of /etc/hosts: the names that a task knows that starts now, with addresses of its own."""
    names = sorted({endpoint["dnsName"] for endpoint in _endpoints(deployment)})
    return "\n".join(f"{alias_address(name)} {name}" for name in names)


def alias_address(dns_name: str) -> str:
    """The loopback address of an alias: the same in every task, and hardly ever another alias's."""
    number = int.from_bytes(hashlib.sha256(dns_name.encode()).digest()[:4])
    return str(IPv4Address(_FIRST_ADDRESS + number % (_ADDRESSES - 2) + 1))


def proxy_configuration(deployment: Deployment) -> dict[str, Any]:
    """What the proxy of a task of this deployment is told."""
    endpoints = _endpoints(deployment)
    own = [each for each in deployment.document["connect"]["endpoints"] if each["ingressPort"]]
    servers = {
        _key(each): [{"address": address, "options": _server_options(each["protocol"])} for address in _addresses(each)]
        for each in endpoints
    }
    for each in own:
        servers[f"ingress-{each['ingressPort']}"] = [
            {"address": f"127.0.0.1:{each['containerPort']}", "options": _protocol_options(each["protocol"])}
        ]
    told = {
        "haproxy": "\n".join(_lines(endpoints, own)) + "\n",
        "servers": servers,
        "names": {_key(each): each["discoveryName"] for each in endpoints},
    }
    return {**told, "digest": hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()}


def _endpoints(deployment: Deployment) -> list[Shape]:
    namespace = deployment.document["connect"]["namespaceArn"]
    return endpoints_in(namespace, deployment.account_id, deployment.region)


def _addresses(endpoint: Shape) -> list[str]:
    """Where tasks of a service are reached that are registered, in a lasting order."""
    rows = Registration.objects.filter(
        resource_arn=endpoint["discoveryArn"], last_state=RegistrationState.REGISTERED
    ).order_by("pk")
    arns = {row.task_arn: row for row in rows}
    addresses = {task.arn: _address(task) for task in Task.objects.filter(arn__in=arns)}
    return [f"{addresses[arn]}:{row.port}" for arn, row in arns.items() if addresses.get(arn) and row.port]


def _address(task: Task) -> str:
    details: Iterable[Shape] = (task.network or {}).get("details", ())
    return next((str(each["value"]) for each in details if each["name"] == "privateIPv4Address"), "")


def _lines(endpoints: Iterable[Shape], own: Iterable[Shape]) -> Iterator[str]:
    yield "global"
    yield f"  stats socket {_RUN}/haproxy.sock mode 600 level admin expose-fd listeners"
    # Two for each connection; more than an engine may let a container have would keep HAProxy from starting.
    yield "  fd-hard-limit 16384"
    yield "  hard-stop-after 10m"
    yield "defaults"
    yield "  timeout connect 2s"
    yield "  timeout client 300s"
    yield "  timeout server 300s"
    # HAProxy is started before there is anything to listen for.
    yield "frontend alive"
    yield "  mode http"
    yield "  bind 127.128.0.0:65001"
    yield "  http-request return status 200"
    for each in endpoints:
        bind = f"{alias_address(each['dnsName'])}:{each['port']}"
        yield from _proxied(_key(each), bind, each)
    for each in own:
        yield from _proxied(f"ingress-{each['ingressPort']}", f"0.0.0.0:{each['ingressPort']}", each)


def _proxied(key: str, bind: str, endpoint: Shape) -> Iterator[str]:
    is_http = endpoint["protocol"] in _HTTP
    idle_s = endpoint["idleS"] or 86_400
    yield f"frontend listener-{key}"
    yield f"  mode {'http' if is_http else 'tcp'}"
    yield f"  bind {bind}"
    yield f"  timeout client {idle_s}s"
    if is_http:
        yield "  option idle-close-on-response"
    yield f"  default_backend {key}"
    yield f"backend {key}"
    yield f"  mode {'http' if is_http else 'tcp'}"
    yield "  balance roundrobin"
    yield "  retries 2"
    yield "  option redispatch 1"
    yield f"  timeout server {endpoint['requestS'] or idle_s}s"
    if is_http:
        yield "  retry-on conn-failure empty-response 503"
    yield f"  # servers {key}"


def _key(endpoint: Shape) -> str:
    return f"{endpoint['dnsName']}-{endpoint['port']}"


def _server_options(protocol: str) -> str:
    observed = "observe layer7" if protocol in _HTTP else "observe layer4"
    return " ".join(filter(None, (_EJECTION, observed, _protocol_options(protocol))))


def _protocol_options(protocol: str) -> str:
    return "proto h2" if protocol in ("http2", "grpc") else ""
