"""An account of a test: its keys, clients of AWS's services, its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simfra.testing.http import AdminApi

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Snapshot:
    """What an account was at a moment."""

    id: str
    name: str


class Account:
    """An account with the keys of its root user."""

    def __init__(self, api: AdminApi, made: Mapping[str, Any], region: str = DEFAULT_REGION) -> None:
        self._api = api
        self.id: str = made["accountId"]
        self.access_key_id: str = made["rootAccessKeyId"]
        self.secret_access_key: str = made["rootSecretAccessKey"]
        self.region = region

    def __repr__(self) -> str:
        return f"Account({self.id})"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which AWS's SDKs, the AWS CLI and Terraform use the account."""
        return {
            "AWS_ENDPOINT_URL": self._api.url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def client(self, service: str, **options: Any) -> Any:
        """boto3's client of a service, with the account's keys."""
        return self.session().client(service, **{"endpoint_url": self._api.url, **options})

    def session(self, **options: Any) -> Any:
        """boto3's session; its clients need ``endpoint_url=simfra.url``, or AWS_ENDPOINT_URL."""
        import boto3

        return boto3.session.Session(
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            **{"region_name": self.region, **options},
        )

    def bootstrap(self, calls: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Make AWS calls in their order: ``{"service", "operation", "parameters"}``; the answers."""
        answer = self._api.call("POST", f"accounts/{self.id}/bootstrap", list(calls))
        results: list[Mapping[str, Any]] = answer["results"]
        return results

    def set_seed(self, seed: str) -> None:
        """Make ids from a seed, beginning anew; empty: random ones."""
        self._api.call("PUT", f"accounts/{self.id}/seed", {"seed": seed})

    def snapshot(self, name: str = "") -> Snapshot:
        """Keep what the account is now."""
        made = self._api.call("POST", f"accounts/{self.id}/snapshots", {"name": name})
        return Snapshot(id=made["id"], name=made["name"])

    def restore(self, snapshot: Snapshot) -> None:
        """Make the account what it was."""
        self._api.call("POST", f"accounts/{self.id}/snapshots/{snapshot.id}/restore")

    def save(self) -> bytes:
        """The account's state as a file's bytes."""
        return self._api.send("GET", f"accounts/{self.id}/state")

    def load(self, state: bytes) -> None:
        """Put a saved state in the place of what the account has."""
        self._api.call("PUT", f"accounts/{self.id}/state", state)

    def reset(self) -> None:
        """Delete all that the account has; its keys stay."""
        self._api.call("POST", f"accounts/{self.id}/reset")

    def delete(self) -> None:
        """Delete the account and all that it has."""
        self._api.call("DELETE", f"accounts/{self.id}")
