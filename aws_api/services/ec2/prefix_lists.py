"""Prefix lists by their ids and names; AWS's own are rows of an account from their first use on."""

import hashlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from django.db import transaction
from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.services.ec2.models import ManagedPrefixList, PrefixListEntry
from aws_api.services.ec2.store import find, rows_of

#: The ids that AWS's own lists have in the region that most examples are written for.
_KNOWN_IDS: Mapping[tuple[str, str], str] = {
    ("us-east-1", "dynamodb"): "pl-02cd2c6b",
    ("us-east-1", "s3"): "pl-63a5400a",
}
#: Addresses as those of the real lists; Simfra's gateways lead them to Simfra.
_BLOCKS: Mapping[str, Sequence[str]] = {
    "dynamodb": ("3.218.180.0/22", "52.94.0.0/22", "52.119.224.0/20"),
    "s3": ("3.5.0.0/19", "16.182.0.0/16", "18.34.0.0/19", "52.216.0.0/15", "54.231.0.0/16"),
}


def prefix_list_rows(context: Context) -> "QuerySet[ManagedPrefixList]":
    """The lists that the caller can see, AWS's own among them."""
    rows = rows_of(ManagedPrefixList, context)
    if rows.filter(is_aws_managed=True).count() < len(_BLOCKS):
        _make_aws_lists(context)
    return rows


def find_prefix_list(context: Context, prefix_list_id: str, *, locked: bool = False) -> ManagedPrefixList:
    """The list of an id. Raises EC2's error for an id that is malformed or does not exist."""
    prefix_list_rows(context)
    return find(ManagedPrefixList, context, prefix_list_id, locked=locked)


def aws_prefix_list(context: Context, service_name: str) -> ManagedPrefixList:
    """AWS's own list of a gateway endpoint's service (``com.amazonaws.us-east-1.s3``)."""
    return prefix_list_rows(context).get(is_aws_managed=True, prefix_list_name=service_name)


def current_entries(prefix_list: ManagedPrefixList) -> "QuerySet[PrefixListEntry]":
    """What a list holds now, in the order of its blocks' making."""
    return prefix_list.entries.filter(removed_in=None).order_by("pk")


def canonical_block(text: str, address_family: str) -> str | None:
    """A block of a family in its one spelling; None where it is none, or has host bits as AWS forbids."""
    try:
        block = ip_network(text, strict=True)
    except ValueError:
        return None
    is_of_family = block.version == (6 if address_family == "IPv6" else 4)
    return str(block) if "/" in text and is_of_family else None


def _make_aws_lists(context: Context) -> None:
    with transaction.atomic():
        for short, blocks in _BLOCKS.items():
            row, is_new = ManagedPrefixList.objects.get_or_create(
                account_id=context.account_id,
                region=context.region,
                prefix_list_name=f"com.amazonaws.{context.region}.{short}",
                is_aws_managed=True,
                defaults={
                    "created_at": context.clock.now(),
                    "resource_id": _KNOWN_IDS.get((context.region, short)) or _id_of(context.region, short),
                    "max_entries": len(blocks),
                },
            )
            if is_new:
                PrefixListEntry.objects.bulk_create(
                    PrefixListEntry(prefix_list=row, cidr=block, added_in=1) for block in blocks
                )


def _id_of(region: str, short: str) -> str:
    return f"pl-{hashlib.sha256(f'{region}/{short}'.encode()).hexdigest()[:8]}"
