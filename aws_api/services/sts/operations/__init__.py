"""The operations of STS. https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html"""

from aws_api.services.sts.operations import federation, identity, messages, roles, web_identity

__all__ = ["federation", "identity", "messages", "roles", "web_identity"]
