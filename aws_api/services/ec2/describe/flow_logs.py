"""Flow logs as AWS's shapes."""

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import FlowLog


def describe_flow_log(row: FlowLog) -> shapes.FlowLog:
    kept: shapes.FlowLog = row.document
    return {
        **kept,
        "FlowLogId": row.resource_id,
        "ResourceId": row.target_id,
        "CreationTime": row.created_at,
        "Tags": describe_tags(row.tags),
    }
