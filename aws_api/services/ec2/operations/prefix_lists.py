"""Managed prefix lists. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateManagedPrefixList.html"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_managed_prefix_list
from aws_api.services.ec2.errors import (
    DependencyViolation,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidPrefixListModification,
    OperationNotPermitted,
    PrefixListMaxEntriesExceeded,
    PrefixListVersionMismatch,
    PrefixListVersionNotFound,
    UnsupportedOperation,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed, listed_shapes
from aws_api.services.ec2.models import ManagedPrefixList, PrefixListEntry, RouteTable, SecurityGroup
from aws_api.services.ec2.prefix_lists import (
    canonical_block,
    current_entries,
    find_prefix_list,
    prefix_list_rows,
)
from aws_api.services.ec2.quotas import PREFIX_LISTS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake_users

FILTERS = FilterTable(
    {
        "owner-id": "OwnerId",
        "prefix-list-id": "PrefixListId",
        "prefix-list-name": "PrefixListName",
    }
)
MAX_ENTRIES = 1000
_NO_FILTERS = FilterTable({})
_MAX_NAME_LENGTH = 255


@operation
def create_managed_prefix_list(
    context: Context, request: shapes.CreateManagedPrefixListRequest
) -> shapes.CreateManagedPrefixListResult:
    """Make a list with its first entries."""
    family = request["AddressFamily"]
    if family not in ("IPv4", "IPv6"):
        raise InvalidParameterValue(f"Value ({family}) for parameter AddressFamily is invalid.")
    check_quota(PREFIX_LISTS, rows_of(ManagedPrefixList, context).filter(is_aws_managed=False))
    entries = _checked_entries(request.get("Entries") or [], family)
    maximum = _checked_maximum(request["MaxEntries"], len(entries))
    row = ManagedPrefixList.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.PREFIX_LIST, ManagedPrefixList, "PrefixListId"),
        tags=tags_for(kinds.PREFIX_LIST, request),
        prefix_list_name=_checked_name(request["PrefixListName"]),
        address_family=family,
        max_entries=maximum,
    )
    _add(row, entries, version=1)
    return {"PrefixList": {**describe_managed_prefix_list(row), "State": "create-in-progress"}}


@operation
def modify_managed_prefix_list(
    context: Context, request: shapes.ModifyManagedPrefixListRequest
) -> shapes.ModifyManagedPrefixListResult:
    """Change a list's name or size, or make its next version with other entries."""
    row = _find_own(context, request["PrefixListId"])
    if request.get("IpamPrefixListResolverSyncEnabled"):
        raise UnsupportedOperation("Simfra's prefix lists are not of an IPAM.")
    changes = bool(request.get("AddEntries") or request.get("RemoveEntries"))
    if changes and request.get("MaxEntries") is not None:
        raise InvalidParameterCombination("You cannot change the entries and MaxEntries in the same request.")
    if "PrefixListName" in request:
        row.prefix_list_name = _checked_name(request["PrefixListName"])
    if (maximum := request.get("MaxEntries")) is not None:
        row.max_entries = _checked_maximum(maximum, current_entries(row).count())
    if changes:
        if request.get("CurrentVersion") is None:
            raise InvalidParameterCombination("CurrentVersion is required when entries are added or removed.")
        _check_version(row, request["CurrentVersion"])
        _change_entries(row, request.get("AddEntries") or [], request.get("RemoveEntries") or [])
    row.state = "modify-complete"
    row.save(update_fields=["prefix_list_name", "max_entries", "version", "state"])
    wake_users(row)
    return {"PrefixList": {**describe_managed_prefix_list(row), "State": "modify-in-progress"}}


@operation
def restore_managed_prefix_list_version(
    context: Context, request: shapes.RestoreManagedPrefixListVersionRequest
) -> shapes.RestoreManagedPrefixListVersionResult:
    """Make a next version that holds what an earlier one held."""
    row = _find_own(context, request["PrefixListId"])
    _check_version(row, request["CurrentVersion"])
    earlier = {entry.cidr: entry.description for entry in _entries_at(row, request["PreviousVersion"])}
    row.version += 1
    current_entries(row).update(removed_in=row.version)
    _add(row, earlier, version=row.version)
    row.state = "restore-complete"
    row.save(update_fields=["version", "state"])
    wake_users(row)
    return {"PrefixList": {**describe_managed_prefix_list(row), "State": "restore-in-progress"}}


@operation
def delete_managed_prefix_list(
    context: Context, request: shapes.DeleteManagedPrefixListRequest
) -> shapes.DeleteManagedPrefixListResult:
    """Delete a list that no route and no rule names."""
    row = _find_own(context, request["PrefixListId"])
    find_to_delete(ManagedPrefixList, context, row.resource_id)
    if row.security_group_rules.exists() or row.routes.exists():
        raise DependencyViolation(f"The prefix list '{row.resource_id}' is in use and cannot be deleted.")
    answer = describe_managed_prefix_list(row)
    row.delete()
    return {"PrefixList": {**answer, "State": "delete-in-progress"}}


@operation
def describe_managed_prefix_lists(
    context: Context, request: shapes.DescribeManagedPrefixListsRequest
) -> shapes.DescribeManagedPrefixListsResult:
    """List the account's lists and AWS's own."""
    lists, next_token = listed(
        request,
        prefix_list_rows(context),
        ids_member="PrefixListIds",
        filters=FILTERS,
        describe=describe_managed_prefix_list,
    )
    return {"PrefixLists": lists, **next_token}


@operation
def describe_prefix_lists(
    context: Context, request: shapes.DescribePrefixListsRequest
) -> shapes.DescribePrefixListsResult:
    """List AWS's own lists with their blocks."""
    lists, next_token = listed(
        request,
        prefix_list_rows(context).filter(is_aws_managed=True).prefetch_related("entries"),
        ids_member="PrefixListIds",
        filters=FILTERS,
        describe=_describe_prefix_list,
    )
    return {"PrefixLists": lists, **next_token}


@operation
def get_managed_prefix_list_entries(
    context: Context, request: shapes.GetManagedPrefixListEntriesRequest
) -> shapes.GetManagedPrefixListEntriesResult:
    """List the entries of a version, of the current one where none is named."""
    row = find_prefix_list(context, request["PrefixListId"])
    entries = _entries_at(row, request.get("TargetVersion") or row.version)
    described, next_token = listed_shapes(request, map(_describe_entry, entries), filters=_NO_FILTERS, minimum=1)
    return {"Entries": described, **next_token}


@operation
def get_managed_prefix_list_associations(
    context: Context, request: shapes.GetManagedPrefixListAssociationsRequest
) -> shapes.GetManagedPrefixListAssociationsResult:
    """List the security groups and route tables that name a list."""
    row = find_prefix_list(context, request["PrefixListId"])
    groups = SecurityGroup.objects.filter(rules__prefix_list=row).distinct().order_by("pk")
    tables = RouteTable.objects.filter(routes__prefix_list=row).distinct().order_by("pk")
    associations: list[shapes.PrefixListAssociation] = [
        {"ResourceId": each.resource_id, "ResourceOwner": each.account_id} for each in (*groups, *tables)
    ]
    page, next_token = listed_shapes(request, associations, filters=_NO_FILTERS)
    return {"PrefixListAssociations": page, **next_token}


def _find_own(context: Context, prefix_list_id: str) -> ManagedPrefixList:
    row = find_prefix_list(context, prefix_list_id, locked=True)
    if row.is_aws_managed:
        raise OperationNotPermitted(f"The prefix list '{prefix_list_id}' is managed by AWS and cannot be changed.")
    return row


def _checked_name(name: str) -> str:
    if not name or len(name) > _MAX_NAME_LENGTH:
        raise InvalidParameterValue(f"A prefix list's name has 1 to {_MAX_NAME_LENGTH} characters.")
    if name.startswith("com.amazonaws"):
        raise InvalidParameterValue("A prefix list's name cannot start with com.amazonaws.")
    return name


def _checked_maximum(maximum: int, count: int) -> int:
    if not 1 <= maximum <= MAX_ENTRIES:
        raise InvalidParameterValue(f"Value ({maximum}) for parameter MaxEntries is invalid: 1 to {MAX_ENTRIES}.")
    if maximum < count:
        raise PrefixListMaxEntriesExceeded("The number of entries exceeds the maximum number of entries.")
    return maximum


def _checked_entries(given: Iterable[Mapping[str, Any]], family: str) -> dict[str, str]:
    """Blocks with their descriptions."""
    entries: dict[str, str] = {}
    for entry in given:
        cidr = canonical_block(entry.get("Cidr", ""), family)
        if cidr is None:
            raise InvalidParameterValue(f"The CIDR ({entry.get('Cidr')}) is not a valid {family} CIDR block.")
        if cidr in entries:
            raise InvalidParameterValue(f"The CIDR ({cidr}) is given more than once.")
        description = entry.get("Description") or ""
        if len(description) > _MAX_NAME_LENGTH:
            raise InvalidParameterValue(f"The description exceeds {_MAX_NAME_LENGTH} characters.")
        entries[cidr] = description
    return entries


def _check_version(row: ManagedPrefixList, version: int) -> None:
    if version != row.version:
        raise PrefixListVersionMismatch(
            f"The prefix list has the incorrect version number. Current version is {row.version}."
        )


def _change_entries(
    row: ManagedPrefixList, given: Sequence[Mapping[str, Any]], removed: Sequence[Mapping[str, Any]]
) -> None:
    added = _checked_entries(given, row.address_family)
    held = set(current_entries(row).values_list("cidr", flat=True))
    gone = set(_checked_entries(removed, row.address_family))
    if both := gone & set(added):
        raise InvalidPrefixListModification(f"The CIDR ({min(both)}) is both added and removed.")
    if absent := gone - held:
        raise InvalidPrefixListModification(f"The prefix list does not contain the CIDR ({min(absent)}).")
    # AWS sets the description of an entry that is added again.
    if len((held - gone) | set(added)) > row.max_entries:
        raise PrefixListMaxEntriesExceeded("The number of entries exceeds the maximum number of entries.")
    row.version += 1
    current_entries(row).filter(cidr__in=[*gone, *added]).update(removed_in=row.version)
    _add(row, added, version=row.version)


def _add(row: ManagedPrefixList, entries: Mapping[str, str], *, version: int) -> None:
    PrefixListEntry.objects.bulk_create(
        PrefixListEntry(prefix_list=row, cidr=cidr, description=description, added_in=version)
        for cidr, description in entries.items()
    )


def _entries_at(row: ManagedPrefixList, version: int) -> list[PrefixListEntry]:
    if not 1 <= version <= row.version:
        raise PrefixListVersionNotFound(f"The prefix list '{row.resource_id}' has no version {version}.")
    rows = row.entries.filter(Q(removed_in=None) | Q(removed_in__gt=version), added_in__lte=version)
    return list(rows.order_by("pk"))


def _describe_entry(entry: PrefixListEntry) -> shapes.PrefixListEntry:
    shape: shapes.PrefixListEntry = {"Cidr": entry.cidr}
    if entry.description:
        shape["Description"] = entry.description
    return shape


def _describe_prefix_list(row: ManagedPrefixList) -> shapes.PrefixList:
    return {
        "PrefixListId": row.resource_id,
        "PrefixListName": row.prefix_list_name,
        "Cidrs": [entry.cidr for entry in row.entries.all() if entry.removed_in is None],
    }
