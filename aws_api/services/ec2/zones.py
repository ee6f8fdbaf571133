"""Regions and their availability zones, as AWS names them. Pure.

Regions come from botocore's partitions; which letters a region's zones have stands here.
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
"""

from dataclasses import dataclass
from functools import cache

from botocore.loaders import Loader

_LETTERS = {
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
    "ca-central-1": "abd",
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
}
#: Every account has these regions; the younger ones must be opted in to, which all of our accounts are.
_ALWAYS_ENABLED = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
_DIRECTIONS = {
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
}


@dataclass(frozen=True, kw_only=True)
class Zone:
    """An availability zone: ``us-east-1a`` is ``use1-az1``."""

    name: str
    zone_id: str
    region: str


@cache
def zones_of(region: str) -> tuple[Zone, ...]:
    """A region's zones; a region that AWS lacks has three."""
    return tuple(
        Zone(name=region + letter, zone_id=f"{_short_name(region)}-az{number}", region=region)
        for number, letter in enumerate(_LETTERS.get(region, "abc"), 1)
    )


def find_zone(region: str, *, name: str | None = None, zone_id: str | None = None) -> Zone | None:
    """The zone of a name or an id, in a region."""
    return next((zone for zone in zones_of(region) if zone.name == name or zone.zone_id == zone_id), None)


@cache
def regions() -> tuple[str, ...]:
    """The regions of the AWS partition, by name."""
    partitions = Loader().load_data("partitions")["partitions"]
    names = next(partition["regions"] for partition in partitions if partition["id"] == "aws")
    return tuple(sorted(name for name in names if name != "aws-global"))


def opt_in_status(region: str) -> str:
    """DescribeRegions' word for whether an account had to ask for the region."""
    return "opt-in-not-required" if region in _ALWAYS_ENABLED else "opted-in"


def public_domain(region: str) -> str:
    """The domain of public DNS names."""
    return "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"


def _short_name(region: str) -> str:
    continent, *rest = region.split("-")
    return continent + "".join(_DIRECTIONS.get(part, part) for part in rest)
