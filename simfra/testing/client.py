"""A running Simfra, as a test suite talks to it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from simfra.testing.accounts import Account
from simfra.testing.faults import Faults
from simfra.testing.http import AdminApi
from simfra.testing.waiting import Wait

DEFAULT_URL = "http://localhost:4599"


class Simfra:
    """``Simfra()`` is the one of SIMFRA_URL with SIMFRA_ADMIN_TOKEN, else the one on this machine."""

    def __init__(self, url: str = "", token: str = "") -> None:
        self.url = url or os.environ.get("SIMFRA_URL", DEFAULT_URL)
        self.api = AdminApi(self.url, token or os.environ.get("SIMFRA_ADMIN_TOKEN", ""))
        self.faults = Faults(self.api)

    def health(self) -> Mapping[str, Any]:
        """What runs."""
        answer: Mapping[str, Any] = self.api.call("GET", "health")
        return answer

    def create_account(self, account_id: str = "", *, alias: str = "", seed: str = "", **options: Any) -> Account:
        """A new account with keys of its own. ``seed`` makes its ids the same each time (with the same account id)."""
        named = {"accountId": account_id, "alias": alias}
        wanted = {**{name: value for name, value in named.items() if value}, **options}
        account = Account(self.api, self.api.call("POST", "accounts", wanted))
        if seed:
            account.set_seed(seed)
        return account

    def account(self, account_id: str) -> Account:
        """An account that exists."""
        return Account(self.api, self.api.call("GET", f"accounts/{account_id}"))

    @contextmanager
    def temporary_account(self, **options: Any) -> Iterator[Account]:
        """An account that is deleted, with all that it has, when the block ends."""
        account = self.create_account(**options)
        try:
            yield account
        finally:
            account.delete()

    def wait(self, account: Account | None = None, *, region: str = "") -> Wait:
        """What waits for things in an account, the default one where none is given."""
        return Wait(self.api, account.id if account else "", region)

    def requests(self, **wanted: Any) -> list[Mapping[str, Any]]:
        """Requests to the AWS endpoint, newest first: service, operation, account_id, region, status, since, limit."""
        answer: list[Mapping[str, Any]] = self.api.call("GET", "debug/requests", query=wanted)
        return answer

    def count_requests(self, **wanted: Any) -> int:
        """How many requests were answered."""
        return int(self.api.call("GET", "debug/requests/counts", query=wanted)["total"])

    def move_clock(self, **how: Any) -> Mapping[str, Any]:
        """``freeze=True``, ``advance_s=600``, ``speed=60``: the clock of all accounts."""
        answer: Mapping[str, Any] = self.api.call("POST", "clock", how)
        return answer

    def reset_clock(self) -> None:
        """Let the clock be the machine's again."""
        self.api.call("DELETE", "clock")
