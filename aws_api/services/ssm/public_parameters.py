"""Public parameters: what AWS publishes for everybody under /aws/service. Values have AWS's form and name no image.

An image id depends on the region and the parameter alone, so that it is the same today and tomorrow.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from aws_api.services.ssm.store import FoundVersion

PREFIX = "/aws/service/"
_ECS = "/aws/service/ecs/optimized-ami"
_PUBLISHED_AT = datetime(2025, 1, 15, tzinfo=UTC)
_RELEASE = "20250115"
_AGENT_VERSION = "1.89.2"

#: Path below /aws/service/ecs/optimized-ami: (image name, operating system, Docker's version).
_ECS_IMAGES = {
    "amazon-linux-2023": (f"al2023-ami-ecs-hvm-2023.0.{_RELEASE}-kernel-6.1-x86_64", "Amazon Linux 2023", "25.0.6"),
    "amazon-linux-2023/arm64": (
        f"al2023-ami-ecs-hvm-2023.0.{_RELEASE}-kernel-6.1-arm64",
        "Amazon Linux 2023",
        "25.0.6",
    ),
    "amazon-linux-2023/gpu": (
        f"al2023-ami-ecs-gpu-hvm-2023.0.{_RELEASE}-kernel-6.1-x86_64-ebs",
        "Amazon Linux 2023",
        "25.0.6",
    ),
    "amazon-linux-2023/neuron": (
        f"al2023-ami-ecs-neuron-hvm-2023.0.{_RELEASE}-kernel-6.1-x86_64",
        "Amazon Linux 2023",
        "25.0.6",
    ),
    "amazon-linux-2": (f"amzn2-ami-ecs-hvm-2.0.{_RELEASE}-x86_64-ebs", "Amazon Linux 2", "20.10.25"),
    "amazon-linux-2/arm64": (f"amzn2-ami-ecs-hvm-2.0.{_RELEASE}-arm64-ebs", "Amazon Linux 2", "20.10.25"),
    "amazon-linux-2/gpu": (f"amzn2-ami-ecs-gpu-hvm-2.0.{_RELEASE}-x86_64-ebs", "Amazon Linux 2", "20.10.25"),
    "amazon-linux-2/inf": (f"amzn2-ami-ecs-inf-hvm-2.0.{_RELEASE}-x86_64-ebs", "Amazon Linux 2", "20.10.25"),
    "amazon-linux-2/kernel-5.10": (
        f"amzn2-ami-ecs-kernel-5.10-hvm-2.0.{_RELEASE}-x86_64-ebs",
        "Amazon Linux 2",
        "20.10.25",
    ),
    "amazon-linux-2/kernel-5.10/arm64": (
        f"amzn2-ami-ecs-kernel-5.10-hvm-2.0.{_RELEASE}-arm64-ebs",
        "Amazon Linux 2",
        "20.10.25",
    ),
}
#: Parameters whose value is an image id and nothing else.
_IMAGE_IDS = (
    *(
        f"/aws/service/ami-amazon-linux-latest/{name}"
        for name in (
            "al2023-ami-kernel-default-x86_64",
            "al2023-ami-kernel-default-arm64",
            "al2023-ami-minimal-kernel-default-x86_64",
            "al2023-ami-minimal-kernel-default-arm64",
            "amzn2-ami-hvm-x86_64-gp2",
            "amzn2-ami-hvm-arm64-gp2",
            "amzn2-ami-kernel-5.10-hvm-x86_64-gp2",
            "amzn2-ami-kernel-5.10-hvm-arm64-gp2",
        )
    ),
    *(
        f"/aws/service/ami-windows-latest/Windows_Server-{release}-English-{kind}-ECS_Optimized/image_id"
        for release in ("2019", "2022")
        for kind in ("Full", "Core")
    ),
    *(
        f"/aws/service/bottlerocket/aws-ecs-{generation}/{architecture}/latest/image_id"
        for generation in ("1", "2")
        for architecture in ("x86_64", "arm64")
    ),
)


def find_public(region: str, name: str) -> FoundVersion | None:
    """The public parameter of a name."""
    return public_parameters(region).get(name)


@lru_cache(maxsize=64)
def public_parameters(region: str) -> Mapping[str, FoundVersion]:
    """A region's public parameters by name."""
    values = {name: _image_id(region, name) for name in _IMAGE_IDS}
    for path, (image_name, operating_system, docker_version) in _ECS_IMAGES.items():
        recommended = {
            "ecs_agent_version": _AGENT_VERSION,
            "ecs_runtime_version": f"Docker version {docker_version}",
            "image_id": _image_id(region, path),
            "image_name": image_name,
            "image_version": f"2.0.{_RELEASE}" if "amzn2" in image_name else f"2023.0.{_RELEASE}",
            "os": operating_system,
            "schema_version": 1,
        }
        text = orjson.dumps(recommended).decode()
        values[f"{_ECS}/{path}/recommended"] = text
        values[f"{_ECS}/{path}/{image_name}"] = text
        for member, value in recommended.items():
            values[f"{_ECS}/{path}/recommended/{member}"] = str(value)
    return {name: _version(region, name, value) for name, value in values.items()}


def _version(region: str, name: str, value: str) -> FoundVersion:
    return FoundVersion(
        # No account: nobody's own.
        arn=f"arn:aws:ssm:{region}::parameter{name}",
        name=name,
        version=1,
        type="String",
        value=value,
        has_managed_key=False,
        tier="Standard",
        data_type="aws:ec2:image" if value.startswith("ami-") else "text",
        modified_at=_PUBLISHED_AT,
    )


def _image_id(region: str, name: str) -> str:
    return f"ami-0{hashlib.sha256(f'{region} {name}'.encode()).hexdigest()[:16]}"
