"""The Cloud Map service."""

from aws_api.core.service import AwsService

servicediscovery = AwsService("servicediscovery", description="Cloud Map: service discovery by API call and DNS")
