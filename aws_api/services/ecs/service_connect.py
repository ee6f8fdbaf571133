"""Service Connect: what a service offers under which names in a namespace, and what it may ask for there.

What a deployment settled on is in its document: ``serviceConnectResources`` as AWS describes them, and ``connect`` with
the endpoints that its tasks are. TLS and VPC Lattice are refused.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from aws_api.core import bus
from aws_api.core.context import Context, internal_context
from aws_api.core.invoke import invoke
from aws_api.services.ecs.models import Deployment, DeploymentStatus, Service, TaskDefinition
from aws_api.services.ecs.shapes import InvalidParameterException, NamespaceNotFoundException

MAX_NAMESPACES = 1000
MAX_ALIASES = 1
MAX_ENDPOINTS = 500
_DNS_NAME = re.compile(r"[A-Za-z0-9._-]{1,127}")
_HTTP_PROTOCOLS = ("http", "http2", "grpc")
#: How long the proxy waits where nothing is said: for an answer, and while nothing happens.
DEFAULT_REQUEST_S = 15
DEFAULT_IDLE_S = 300
DEFAULT_TCP_IDLE_S = 3600

Shape = Mapping[str, Any]


def check(context: Context, service: Service, definition: TaskDefinition, revision: Shape) -> None:
    """Raise the AWS error where a revision's Service Connect configuration cannot be had."""
    configuration = enabled(revision)
    if configuration is None:
        return
    if definition.document.get("networkMode") != "awsvpc":
        raise InvalidParameterException("Simfra has Service Connect for tasks with the networkMode awsvpc only.")
    namespace = str(find_namespace(context, namespace_of(service, configuration))["Name"])
    names: list[str] = []
    for offered in configuration.get("services", ()):
        if "tls" in offered:
            raise InvalidParameterException("Simfra does not have TLS for Service Connect.")
        if _mapping(definition, offered["portName"]) is None:
            raise InvalidParameterException(
                f"The portName '{offered['portName']}' in serviceConnectConfiguration is not the name of a port "
                f"mapping in the task definition {definition.arn}."
            )
        if len(offered.get("clientAliases", ())) > MAX_ALIASES:
            raise InvalidParameterException("Each service in serviceConnectConfiguration can have 1 clientAlias.")
        for alias in _aliases(offered, namespace):
            # They are written into the configurations of other tasks' proxies.
            if _DNS_NAME.fullmatch(alias["dnsName"]) is None:
                raise InvalidParameterException(
                    f"The dnsName '{alias['dnsName']}' in serviceConnectConfiguration may have up to 127 letters, "
                    "digits, underscores, hyphens and periods."
                )
        names.append(_discovery_name(offered))
    if len(set(names)) != len(names):
        raise InvalidParameterException("The discoveryName of each service in serviceConnectConfiguration is unique.")


def enabled(revision: Shape) -> Shape | None:
    """The Service Connect configuration of a revision that is switched on."""
    configuration: Shape = revision.get("serviceConnectConfiguration") or {}
    return configuration if configuration.get("enabled") else None


def settle(service: Service, definition: TaskDefinition, revision: Shape) -> dict[str, Any]:
    """What the deployment of a revision has in Cloud Map: made where it is not there. Empty without Service Connect."""
    configuration = enabled(revision)
    if configuration is None:
        return {}
    context = internal_context(service.account_id, service.region)
    namespace = find_namespace(context, namespace_of(service, configuration))
    endpoints, resources = [], []
    for offered in configuration.get("services", ()):
        name = _discovery_name(offered)
        arn = _discovery_service(context, namespace, name)
        resources.append({"discoveryName": name, "discoveryArn": arn})
        endpoints.append(_endpoint(definition, offered, name, arn, str(namespace["Name"])))
    return {
        "serviceConnectResources": resources,
        "connect": {"namespaceArn": namespace["Arn"], "endpoints": endpoints},
    }


def find_namespace(context: Context, wanted: str) -> Shape:
    """The Cloud Map namespace of a name, an id or an ARN. Raises NamespaceNotFoundException."""
    own = internal_context(context.account_id, context.region)
    token: str | None = None
    for _ in range(MAX_NAMESPACES // 100):
        asked = {"MaxResults": 100, **({"NextToken": token} if token else {})}
        answer = invoke(own, "servicediscovery", "ListNamespaces", asked)
        for namespace in answer["Namespaces"]:
            if wanted in (namespace["Name"], namespace["Id"], namespace["Arn"]):
                found: Shape = namespace
                return found
        token = answer.get("NextToken")
        if not token:
            break
    raise NamespaceNotFoundException("The specified namespace wasn't found.")


def ensure_namespace(context: Context, name: str) -> None:
    """Make the HTTP namespace of a name that a cluster has by default, where there is none."""
    try:
        find_namespace(context, name)
    except NamespaceNotFoundException:
        if name.startswith("arn:"):
            raise
        own = internal_context(context.account_id, context.region)
        invoke(own, "servicediscovery", "CreateHttpNamespace", {"Name": name})


def namespace_of(service: Service, configuration: Shape) -> str:
    """The namespace of a configuration: its own, or its cluster's."""
    default = service.cluster.document.get("serviceConnectDefaults", {}).get("namespace", "")
    wanted = str(configuration.get("namespace") or default)
    if not wanted:
        raise InvalidParameterException(
            "A namespace must be specified in serviceConnectConfiguration, or as a default of the cluster."
        )
    return wanted


def endpoints_in(namespace_arn: str, account_id: str, region: str) -> list[Shape]:
    """What the services of a namespace offer, each name and port once: the newest deployment's word counts."""
    rows = Deployment.objects.filter(
        account_id=account_id, region=region, document__connect__namespaceArn=namespace_arn
    ).exclude(last_status=DeploymentStatus.INACTIVE)
    found: dict[tuple[str, int], Shape] = {}
    for deployment in rows.order_by("-created_at", "-pk")[:MAX_ENDPOINTS]:
        for endpoint in deployment.document["connect"]["endpoints"]:
            for alias in endpoint["aliases"]:
                found.setdefault((alias["dnsName"], alias["port"]), {**endpoint, **alias})
    return [found[key] for key in sorted(found)]


def registries_of(deployment: Deployment) -> Iterable[Shape]:
    """What tasks of a deployment are registered in for Service Connect, as ``serviceRegistries`` would name it."""
    for endpoint in deployment.document.get("connect", {}).get("endpoints", ()):
        if endpoint["ingressPort"]:
            yield {"registryArn": endpoint["discoveryArn"], "port": endpoint["ingressPort"]}
        else:
            place = {name: endpoint[name] for name in ("containerName", "containerPort")}
            yield {"registryArn": endpoint["discoveryArn"], **place}


def changes_topic(account_id: str, region: str) -> str:
    """The topic on which proxies hear that endpoints changed."""
    return f"service-connect.{account_id}.{region}"


def endpoints_changed(account_id: str, region: str) -> None:
    """Let proxies of an account and region ask again, once the transaction is committed."""
    transaction.on_commit(lambda: bus.publish(changes_topic(account_id, region), b"changed"), robust=True)


def _endpoint(definition: TaskDefinition, offered: Shape, name: str, arn: str, namespace: str) -> dict[str, Any]:
    mapped = _mapping(definition, offered["portName"])
    assert mapped is not None, "checked before"
    container, mapping = mapped
    protocol = mapping.get("appProtocol", "tcp")
    timeout = offered.get("timeout", {})
    is_http = protocol in _HTTP_PROTOCOLS
    return {
        "discoveryName": name,
        "discoveryArn": arn,
        "containerName": container,
        "containerPort": mapping["containerPort"],
        "ingressPort": offered.get("ingressPortOverride", 0),
        "protocol": protocol,
        "idleS": timeout.get("idleTimeoutSeconds", DEFAULT_IDLE_S if is_http else DEFAULT_TCP_IDLE_S),
        "requestS": timeout.get("perRequestTimeoutSeconds", DEFAULT_REQUEST_S) if is_http else 0,
        "aliases": _aliases(offered, namespace),
    }


def _mapping(definition: TaskDefinition, port_name: str) -> tuple[str, Shape] | None:
    """The container and the port mapping of a name."""
    for container in definition.document["containerDefinitions"]:
        for mapping in container.get("portMappings", ()):
            if mapping.get("name") == port_name:
                return container["name"], mapping
    return None


def _aliases(offered: Shape, namespace: str) -> list[dict[str, Any]]:
    """The names and ports that clients use; without a name of its own, one within the namespace."""
    default = f"{_discovery_name(offered)}.{namespace}"
    return [
        {"dnsName": alias.get("dnsName") or default, "port": alias["port"]}
        for alias in offered.get("clientAliases", ())
    ]


def _discovery_name(offered: Shape) -> str:
    return str(offered.get("discoveryName") or offered["portName"])


def _discovery_service(context: Context, namespace: Shape, name: str) -> str:
    """The Cloud Map service of a name, made where it is not there: found by API alone, as Service Connect has them."""
    asked = {"Filters": [{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}], "MaxResults": 100}
    token: str | None = None
    for _ in range(MAX_NAMESPACES // 100):
        page = {"NextToken": token} if token else {}
        answer = invoke(context, "servicediscovery", "ListServices", {**asked, **page})
        for found in answer["Services"]:
            if found["Name"] == name:
                return str(found["Arn"])
        token = answer.get("NextToken")
        if not token:
            break
    request = {
        "Name": name,
        "NamespaceId": namespace["Id"],
        "Type": "HTTP",
        "Tags": [{"Key": "AmazonECSManaged", "Value": "true"}],
    }
    return str(invoke(context, "servicediscovery", "CreateService", request)["Service"]["Arn"])
