"""Faults that a test puts into Simfra: made, listed, and taken away."""

from collections.abc import Mapping
from typing import Any

from simfra.testing.http import AdminApi


class Fault:
    """A rule that makes what matches fail. As a context manager it is taken away when the block ends."""

    def __init__(self, api: AdminApi, made: Mapping[str, Any]) -> None:
        self._api = api
        self.id: str = made["id"]

    @property
    def hits(self) -> int:
        """How often it has hit."""
        return int(self._api.call("GET", f"faults/{self.id}")["hits"])

    def remove(self) -> None:
        """Take it away."""
        self._api.call("DELETE", f"faults/{self.id}")

    def __enter__(self) -> "Fault":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults:
    """The faults of a Simfra; with an account, those of that account."""

    def __init__(self, api: AdminApi, account_id: str = "") -> None:
        self._api = api
        self._account_id = account_id
        self._made: list[str] = []

    def add(
        self,
        effect: Mapping[str, Any],
        *,
        probability: float = 1,
        times: int | None = None,
        expires_in_s: float | None = None,
        **scope: str,
    ) -> Fault:
        """Let what matches fail: ``add({"type": "throttle"}, service="sqs", operation="SendMessage", times=1)``.

        Of calls the scope is ``region``, ``service``, ``operation``, ``resource``; of tasks ``region``, ``cluster``,
        ``service``, ``task``, ``container``, ``image``.
        """
        account = {"accountId": self._account_id} if self._account_id else {}
        body = {"scope": {**account, **scope}, "effect": dict(effect), "probability": probability, "times": times}
        if expires_in_s is not None:
            body["expiresIn_s"] = expires_in_s
        fault = Fault(self._api, self._api.call("POST", "faults", body))
        self._made.append(fault.id)
        return fault

    def list(self) -> list[Mapping[str, Any]]:
        """The faults that there are, whoever made them."""
        query = {"accountId": self._account_id or None}
        answer: list[Mapping[str, Any]] = self._api.call("GET", "faults", query=query)
        return answer

    def clear(self) -> None:
        """Take away those that were made here and are there still."""
        there = {fault["id"] for fault in self.list()} if self._made else set()
        for fault_id in self._made:
            if fault_id in there:
                self._api.call("DELETE", f"faults/{fault_id}")
        self._made.clear()
