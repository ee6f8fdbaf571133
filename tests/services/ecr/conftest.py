"""A repository ``app`` of the test's account, and a registry client that spells it by path."""

import pytest

from tests.services.ecr.registry import Client


@pytest.fixture
def registry(gateway):
    return Client(gateway)


@pytest.fixture
def repository(aws):
    return aws("ecr").create_repository(repositoryName="app")["repository"]


@pytest.fixture
def name(account, repository):
    """The repository as the path spells it."""
    return f"{account.account_id}/app"
