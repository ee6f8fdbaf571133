"""The services of AWS's that VPC endpoints lead to, and the names by which they are reached. Pure.

https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

GATEWAY, INTERFACE = "Gateway", "Interface"
#: The hosted zone that AWS answers for an endpoint's own names in us-east-1.
PUBLIC_ZONE_ID = "Z7HUB22UULQXV"
#: The ends of service names, and the private names that an interface endpoint answers instead of the public ones.
#: ``{region}`` is the endpoint's.
_INTERFACE_SERVICES: Mapping[str, tuple[str, ...]] = {
    "application-autoscaling": ("application-autoscaling.{region}.amazonaws.com",),
    "autoscaling": ("autoscaling.{region}.amazonaws.com",),
    "cloudformation": ("cloudformation.{region}.amazonaws.com",),
    "dynamodb": (),
    "ec2": ("ec2.{region}.amazonaws.com",),
    "ec2messages": ("ec2messages.{region}.amazonaws.com",),
    "ecr.api": ("api.ecr.{region}.amazonaws.com",),
    "ecr.dkr": ("dkr.ecr.{region}.amazonaws.com", "*.dkr.ecr.{region}.amazonaws.com"),
    "ecs": ("ecs.{region}.amazonaws.com",),
    "ecs-agent": ("ecs-a.{region}.amazonaws.com",),
    "ecs-telemetry": ("ecs-t.{region}.amazonaws.com",),
    "elasticloadbalancing": ("elasticloadbalancing.{region}.amazonaws.com",),
    "events": ("events.{region}.amazonaws.com",),
    "execute-api": ("execute-api.{region}.amazonaws.com", "*.execute-api.{region}.amazonaws.com"),
    "kinesis-streams": ("kinesis.{region}.amazonaws.com",),
    "kms": ("kms.{region}.amazonaws.com",),
    "lambda": ("lambda.{region}.amazonaws.com",),
    "logs": ("logs.{region}.amazonaws.com",),
    "monitoring": ("monitoring.{region}.amazonaws.com",),
    "s3": ("s3.{region}.amazonaws.com", "*.s3.{region}.amazonaws.com"),
    "secretsmanager": ("secretsmanager.{region}.amazonaws.com",),
    "servicediscovery": ("servicediscovery.{region}.amazonaws.com",),
    "sns": ("sns.{region}.amazonaws.com",),
    "sqs": ("sqs.{region}.amazonaws.com",),
    "ssm": ("ssm.{region}.amazonaws.com",),
    "ssmmessages": ("ssmmessages.{region}.amazonaws.com",),
    "states": ("states.{region}.amazonaws.com",),
    "sts": ("sts.{region}.amazonaws.com",),
    "xray": ("xray.{region}.amazonaws.com",),
}
_GATEWAY_SERVICES = ("dynamodb", "s3")


@dataclass(frozen=True, kw_only=True)
class EndpointService:
    """A service as endpoints of one type reach it. ``private_names`` are empty where private DNS is not offered."""

    name: str
    type: str
    private_names: tuple[str, ...]

    @property
    def service_id(self) -> str:
        return "vpce-svc-0" + hashlib.sha256(f"{self.name}/{self.type}".encode()).hexdigest()[:16]

    @property
    def base_name(self) -> str:
        """What the names of its endpoints end in."""
        _, _, region, short = self.name.split(".", 3)
        return f"{short}.{region}.amazonaws.com" if self.type == GATEWAY else _zone_of_names(self.name, region)


def endpoint_services(region: str) -> list[EndpointService]:
    """What a region offers, by name; S3 and DynamoDB in both types."""
    gateways = [
        EndpointService(name=f"com.amazonaws.{region}.{short}", type=GATEWAY, private_names=())
        for short in _GATEWAY_SERVICES
    ]
    interfaces = [
        EndpointService(
            name=f"com.amazonaws.{region}.{short}",
            type=INTERFACE,
            private_names=tuple(name.format(region=region) for name in names),
        )
        for short, names in _INTERFACE_SERVICES.items()
    ]
    return sorted([*gateways, *interfaces], key=lambda service: (service.name, service.type))


def find_endpoint_services(region: str, name: str) -> list[EndpointService]:
    """The types in which a service is offered; none for a name that is not known."""
    return [service for service in endpoint_services(region) if service.name == name]


def private_names(region: str, service_name: str) -> tuple[str, ...]:
    """The public names that resolve to an interface endpoint's addresses where its private DNS is on."""
    found = [service for service in find_endpoint_services(region, service_name) if service.type == INTERFACE]
    return found[0].private_names if found else ()


def regional_name(endpoint_id: str, service_name: str, region: str) -> str:
    """``vpce-1-ab12cd34.sqs.us-east-1.vpce.amazonaws.com``: all of an interface endpoint's addresses."""
    return f"{_first_label(endpoint_id)}.{_zone_of_names(service_name, region)}"


def zonal_name(endpoint_id: str, service_name: str, region: str, zone: str) -> str:
    """The same for its addresses in one availability zone."""
    return f"{_first_label(endpoint_id)}-{zone}.{_zone_of_names(service_name, region)}"


def private_zone_id(endpoint_id: str) -> str:
    """The hidden hosted zone in which an endpoint's private names are."""
    return f"Z0{hashlib.sha256(endpoint_id.encode()).hexdigest()[:18].upper()}"


def _first_label(endpoint_id: str) -> str:
    return f"{endpoint_id}-{hashlib.sha256(endpoint_id.encode()).hexdigest()[:8]}"


def _zone_of_names(service_name: str, region: str) -> str:
    short = service_name.removeprefix(f"com.amazonaws.{region}.")
    # AWS turns ecr.api around, as in its public name.
    return f"{'.'.join(reversed(short.split('.')))}.{region}.vpce.amazonaws.com"
