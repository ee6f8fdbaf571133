"""JSON over HTTP to the admin API, by the standard library."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

#: Longest that an answer takes which does not wait for anything: restoring a large snapshot.
TIMEOUT_S = 120.0


class SimfraError(Exception):
    """Simfra refused; the message says why. ``status`` is HTTP's, ``answer`` the whole body."""

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(answer.get("error", f"HTTP {status}"))
        self.status = status
        self.answer = answer


class AdminApi:
    """The admin API of one Simfra. Any number of threads may use it."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._token = token

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        """The JSON of an answer; None where it has none. Raises SimfraError, or URLError where nobody listens."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.send(method, path, data, query, timeout_s)
        return json.loads(answer) if answer else None

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """The bytes of an answer."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        address = f"{self.url}/_simfra/{path}" + (f"?{urlencode(asked)}" if asked else "")
        request = urllib.request.Request(address, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            try:
                told = json.loads(text)
            except ValueError:
                told = {"error": text.decode(errors="replace")[:1000]}
            raise SimfraError(error.code, told if isinstance(told, dict) else {"error": str(told)}) from None
