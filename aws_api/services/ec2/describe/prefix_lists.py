"""Prefix lists as AWS's shapes."""

from typing import cast

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import ManagedPrefixList


def describe_managed_prefix_list(row: ManagedPrefixList) -> shapes.ManagedPrefixList:
    shape: shapes.ManagedPrefixList = {
        "PrefixListId": row.resource_id,
        "PrefixListName": row.prefix_list_name,
        "PrefixListArn": row.arn,
        "AddressFamily": row.address_family,
        "State": cast(shapes.PrefixListState, row.state),
        "OwnerId": "AWS" if row.is_aws_managed else row.account_id,
        "Tags": describe_tags(row.tags),
    }
    if not row.is_aws_managed:
        shape |= {"MaxEntries": row.max_entries, "Version": row.version}
    return shape
