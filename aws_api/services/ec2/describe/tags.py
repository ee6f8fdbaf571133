"""Tags as AWS's shapes."""

from collections.abc import Mapping

from aws_api.services.ec2 import shapes


def describe_tags(tags: Mapping[str, str]) -> list[shapes.Tag]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
