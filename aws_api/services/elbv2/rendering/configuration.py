"""What a load balancer's container is told: all of it, each time (see sidecar/load_balancer/configuration.py)."""

from collections.abc import Iterator, Sequence
from typing import Any

from aws_api.core.network import NetworkAttachment
from aws_api.core.sidecars import FILTER_PORT
from aws_api.services.elbv2.rendering.backends import BAD_GATEWAY_FILE, cookie_key, server_options
from aws_api.services.elbv2.rendering.document import bad_gateway, render
from aws_api.services.elbv2.rendering.frontends import FILES, certificate_list
from aws_api.services.elbv2.specification import ListenerSpec, LoadBalancerSpec, TargetGroupSpec


def load_balancer_configuration(
    load_balancer: LoadBalancerSpec, attachments: Sequence[NetworkAttachment]
) -> dict[str, Any]:
    """The configuration of a load balancer with these interfaces."""
    return {
        "interfaces": [
            {
                "address": f"{attachment.private_address}/{attachment.prefix_length}",
                "gateway": attachment.gateway_address,
            }
            for attachment in attachments
        ],
        "mac_address": attachments[0].mac_address,
        "filter": _filter(attachments[0]) if load_balancer.has_security_groups else None,
        "haproxy": render(load_balancer),
        "files": dict(_files(load_balancer)),
        "groups": {group.key: _group(load_balancer, group) for group in load_balancer.target_groups},
        "udp": [
            {"port": listener.port, "groups": _weights(load_balancer, listener)}
            for listener in load_balancer.listeners
            if listener.protocol in ("UDP", "TCP_UDP")
        ],
        "access_log": load_balancer.attributes["access_logs.s3.enabled"] == "true",
    }


def _filter(attachment: NetworkAttachment) -> dict[str, Any]:
    """All interfaces have the same security groups, so that the first one's filter is every one's."""
    return {
        "gateway": attachment.gateway_address,
        "port": FILTER_PORT,
        "interface": attachment.network_interface_id,
        "token": attachment.filter_token,
    }


def _files(load_balancer: LoadBalancerSpec) -> Iterator[tuple[str, str]]:
    yield BAD_GATEWAY_FILE, bad_gateway()
    for listener in load_balancer.listeners:
        if not listener.certificates:
            continue
        names = []
        for certificate in listener.certificates:
            name = f"{certificate.arn.rpartition('/')[2]}.pem"
            names.append(f"{FILES}/{name}")
            parts = (certificate.certificate, certificate.chain, certificate.private_key)
            yield name, "".join(part.rstrip("\n") + "\n" for part in parts if part)
        yield certificate_list(listener).rpartition("/")[2], "".join(f"{name}\n" for name in names)


def _group(load_balancer: LoadBalancerSpec, group: TargetGroupSpec) -> dict[str, Any]:
    check = group.health_check
    return {
        "version": group.version,
        "targets": list(group.targets),
        "options": server_options(load_balancer, group),
        "cookie_key": cookie_key(group),
        "slow_start_s": int(group.attributes.get("slow_start.duration_seconds", 0)),
        "has_servers": group.protocol != "UDP",
        "check": {
            "protocol": check["HealthCheckProtocol"],
            "version": group.protocol_version or "HTTP1",
            "port": check["HealthCheckPort"],
            "path": check.get("HealthCheckPath", ""),
            "codes": check.get("Matcher", {}).get("HttpCode") or check.get("Matcher", {}).get("GrpcCode", ""),
            "interval_s": check["HealthCheckIntervalSeconds"],
            "timeout_s": check["HealthCheckTimeoutSeconds"],
            "healthy": check["HealthyThresholdCount"],
            "unhealthy": check["UnhealthyThresholdCount"],
        },
    }


def _weights(load_balancer: LoadBalancerSpec, listener: ListenerSpec) -> dict[str, int]:
    entries = listener.rules[-1].action["ForwardConfig"]["TargetGroups"]
    return {load_balancer.group(entry["TargetGroupArn"]).key: entry["Weight"] for entry in entries}
