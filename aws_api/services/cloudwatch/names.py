"""ARNs of alarms."""

from aws_api.core.arns import Arn


def alarm_arn(account_id: str, region: str, name: str) -> str:
    """The ARN of an alarm."""
    return str(Arn(service="cloudwatch", region=region, account_id=account_id, resource=f"alarm:{name}"))
