"""Waiting for something to hold, without looking again and again: Simfra answers when it does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simfra.testing.http import AdminApi, SimfraError

#: What the way there and back may take besides.
_MARGIN_S = 15.0
DEFAULT_TIMEOUT_S = 30.0


class NotYet(AssertionError):
    """Time was up, or it cannot hold any more; the message says what was seen last. ``found`` has the details."""

    def __init__(self, reason: str, found: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.found = found


class Wait:
    """Waits for things in an account and region. Each method answers what was found, or raises NotYet."""

    def __init__(self, api: AdminApi, account_id: str = "", region: str = "") -> None:
        self._api = api
        self._scope = {name: value for name, value in (("accountId", account_id), ("region", region)) if value}

    def task(
        self, task: str, status: str = "STOPPED", *, cluster: str = "", timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Mapping[str, Any]:
        """A task has a status."""
        return self._until("task", timeout_s, task=task, status=status, cluster=cluster or None)

    def service(
        self, service: str, *, cluster: str = "default", timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Mapping[str, Any]:
        """A service is steady: one deployment, as many tasks running as desired."""
        return self._until("service", timeout_s, service=service, cluster=cluster)

    def queue(
        self, queue: str, messages: int = 0, *, at_least: bool = False, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Mapping[str, Any]:
        """A queue, by URL or name, holds so many messages; 0: it is empty, and nothing is in flight."""
        return self._until("queue", timeout_s, queue=queue, messages=messages, atLeast=at_least)

    def item(
        self,
        table: str,
        key: Mapping[str, Any],
        attributes: Mapping[str, Any] | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Mapping[str, Any]:
        """A table has an item of a key, with these attributes."""
        return self._until("item", timeout_s, table=table, key=key, attributes=attributes or {})

    def log_line(
        self, group: str, pattern: str, *, since: datetime | None = None, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Mapping[str, Any]:
        """A log group has an event that matches a filter pattern of CloudWatch's."""
        return self._until("log", timeout_s, group=group, pattern=pattern, since=since and since.isoformat())

    def target(
        self, target_group_arn: str, target: str = "", *, count: int = 1, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Mapping[str, Any]:
        """So many targets of a load balancer are healthy, or a certain one is."""
        return self._until("target", timeout_s, targetGroupArn=target_group_arn, target=target or None, count=count)

    def request(
        self,
        service: str,
        operation: str = "",
        *,
        count: int = 1,
        since: datetime | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Mapping[str, Any]:
        """So many requests were answered."""
        asked = {"service": service, "operation": operation or None, "count": count}
        return self._until("request", timeout_s, **asked, since=since and since.isoformat())

    def resource(self, arn: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Mapping[str, Any]:
        """A resource exists."""
        return self._until("resource", timeout_s, arn=arn)

    def _until(self, condition: str, timeout_s: float, **asked: Any) -> Mapping[str, Any]:
        given = {name: value for name, value in asked.items() if value is not None}
        body = {**self._scope, condition: given, "timeout_s": timeout_s}
        try:
            answer = self._api.call("POST", "wait", body, timeout_s=timeout_s + _MARGIN_S)
        except SimfraError as error:
            if "met" in error.answer:
                raise NotYet(str(error), error.answer["found"]) from None
            raise
        found: Mapping[str, Any] = answer["found"]
        return found
