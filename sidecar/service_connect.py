"""The proxy of a task that has Service Connect: HAProxy, told by Simfra where the services of a namespace are.

It shares the task's network, where EMULATOR_PORT of the loopback leads to Simfra. Environment: EMULATOR_PORT,
CONFIGURATION_PATH, CONTROL_TOKEN. Needs no capability.

It asks over and over; an answer comes when something is new. Whatever fails is asked again, and what was told last
holds.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

from sidecar.load_balancer.figures import Figures
from sidecar.load_balancer.proxy import Proxy, ProxyError
from sidecar.load_balancer.servers import Server

#: Longer than Simfra lets a question wait.
_TIMEOUT_S = 40.0
_AGAIN_AFTER_S = 0.5
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_KEPT_FIGURES = ("RequestCount", "ProcessedBytes")


class ServiceConnect:
    """HAProxy as it was last told."""

    def __init__(self, *, port: int, path: str, token: str) -> None:
        self._port = port
        self._path = path
        self._token = token
        self._proxy = Proxy()
        self._figures = Figures()
        self._digest = ""

    async def run(self) -> None:
        """Follow what Simfra tells, for ever. Raises ProxyError when HAProxy ends."""
        ended = asyncio.create_task(self._proxy.ended())
        following = asyncio.create_task(self._follow())
        await asyncio.wait((ended, following), return_when=asyncio.FIRST_COMPLETED)
        raise ProxyError("HAProxy ended" if ended.done() else "nothing is followed any more")

    async def _follow(self) -> None:
        figures: dict[str, Any] = {}
        while True:
            try:
                figures = figures or await self._count()
                told = await asyncio.to_thread(self._ask, figures)
                figures = {}
                if told is not None:
                    await self._apply(told)
            except (OSError, HTTPException, ValueError, ProxyError, TimeoutError) as error:
                print(f"could not follow: {error}", flush=True)
                await asyncio.sleep(_AGAIN_AFTER_S)

    async def _apply(self, told: dict[str, Any]) -> None:
        servers = {
            key: {
                each["address"]: Server(name=each["address"], options=each["options"], is_ready=True) for each in many
            }
            for key, many in told["servers"].items()
        }
        await self._proxy.configure(told["haproxy"], {}, servers)
        self._figures.forget()
        if not self._digest:
            print("READY", flush=True)
        self._digest = told["digest"]

    async def _count(self) -> dict[str, Any]:
        """What was carried since the last time, by backend."""
        with suppress(OSError, ProxyError, TimeoutError):
            counted = self._figures.read(await self._proxy.statistics())
            return {
                key: {
                    name: value
                    for name, value in added.items()
                    if name in _KEPT_FIGURES or name.startswith("HTTPCode_Target")
                }
                for key, added in counted.items()
                if key
            }
        return {}

    def _ask(self, figures: dict[str, Any]) -> dict[str, Any] | None:
        """What is new; None where nothing is."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)
        try:
            body = json.dumps({"digest": self._digest, "figures": figures})
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
            connection.request("POST", self._path, body, headers)
            answer = connection.getresponse()
            text = answer.read(_MAX_ANSWER_BYTES)
            if answer.status == 204:
                return None
            if answer.status != 200:
                raise HTTPException(f"Simfra answered {answer.status}")
            told: dict[str, Any] = json.loads(text)
            return told
        finally:
            connection.close()


def main() -> None:
    """End at once on SIGTERM: what the task still sends is over when its containers are."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    proxy = ServiceConnect(
        port=int(os.environ["EMULATOR_PORT"]),
        path=os.environ["CONFIGURATION_PATH"],
        token=os.environ["CONTROL_TOKEN"],
    )
    try:
        asyncio.run(proxy.run())
    except ProxyError as error:
        sys.exit(f"the proxy cannot go on: {error}")


if __name__ == "__main__":
    main()
