"""The load balancer's security groups: the packet filter that the VPC's gateway hands over (see sidecar/filters.py).

The filter is for the load balancer's interfaces; what comes and goes by the uplink is Simfra's own and passes. What is
sent on by the kernel never comes in: so new datagrams are asked about before their addresses are translated.
"""

import asyncio
import os
from contextlib import suppress

from sidecar.load_balancer.configuration import FilterSource

#: The gateway says something every 10 seconds, or it is gone.
_SILENCE_S = 25.0
_READY_WITHIN_S = 15.0
_AGAIN_AFTER_S = 0.2
_MAX_LINE_BYTES = 1024 * 1024
_INPUT = "hook input priority 0; policy drop;"
_OUTPUT = "hook output priority 0; policy drop;"


class PacketFilter:
    """Keeps the filter of one source in force."""

    def __init__(self, source: FilterSource, uplink: str) -> None:
        self._source = source
        self._additions = {
            "chain ingress {": (
                "chain datagram { jump allowed_ingress; drop; }; "
                "chain datagrams { type filter hook prerouting priority -110; policy accept; "
                f'iifname != {{ "lo", "{uplink}" }} meta l4proto udp ct state new goto datagram; }}; chain ingress {{'
            ),
            _INPUT: f'{_INPUT} iifname "{uplink}" accept;',
            _OUTPUT: f'{_OUTPUT} oifname "{uplink}" accept;',
        }
        self._ready = asyncio.Event()
        self._following = asyncio.create_task(self._keep(), name="packet filter")

    async def ready(self) -> None:
        """Wait for the filter. Raises TimeoutError."""
        async with asyncio.timeout(_READY_WITHIN_S):
            await self._ready.wait()

    def stop(self) -> None:
        self._following.cancel()

    async def _keep(self) -> None:
        while True:
            with suppress(OSError, TimeoutError, ValueError):
                await self._follow()
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _follow(self) -> None:
        """One call of the gateway: commands of nftables come in, what it prints goes back."""
        reader, writer = await asyncio.open_connection(
            str(self._source.gateway), self._source.port, limit=_MAX_LINE_BYTES
        )
        nft = await asyncio.create_subprocess_exec(
            "stdbuf",
            "-oL",
            "nft",
            "-i",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "HOME": "/dev/null"},
        )
        assert nft.stdin is not None
        assert nft.stdout is not None
        answering = asyncio.create_task(_pass_on(nft.stdout, writer))
        try:
            writer.write(f"{self._source.interface} {self._source.token}\n".encode())
            while line := await asyncio.wait_for(reader.readline(), _SILENCE_S):
                if line == b"READY\n":
                    self._ready.set()
                else:
                    nft.stdin.write(self._with_uplink(line.decode()).encode())
                    await nft.stdin.drain()
        finally:
            answering.cancel()
            writer.close()
            nft.kill()
            await nft.wait()

    def _with_uplink(self, command: str) -> str:
        for told, meant in self._additions.items():
            command = command.replace(told, meant)
        return command


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
