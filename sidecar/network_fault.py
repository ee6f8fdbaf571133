"""Disturbs a task's network from within its namespace, as long as this runs: cut off, losing packets, or slow.

Environment: CUT (1), LOSS (a share of the packets), LATENCY_MS and JITTER_MS (of each packet that leaves), GATEWAY and
FILTER_PORT. Needs NET_ADMIN and NET_RAW. What Simfra and the task's metadata need goes on as before. Prints READY when
it is in force.

The rules belong to the nftables process that made them: the kernel takes them away with it, however this ends. Delayed
packets are led to an interface of ours, wait here, and leave by the one that they came from; no queueing discipline of
the kernel is needed for that (sch_netem is missing in many).
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from random import uniform

_TABLE = "simfra_faults"
_INTERFACE = "eth0"
_ENTRY, _EXIT = "fault0", "fault1"
#: Packets that are let pass: those that were delayed, and those of the task's metadata.
_DELAYED, _SPARED = 0x5F, 0x5E
_METADATA = "169.254.170.2"
#: Packets on their way at once; of more, the newest are lost, as on any line.
_MAX_WAITING = 10_000
_MAX_PACKET_BYTES = 1 << 17
_SHARE = 10_000
_SOL_PACKET, _PACKET_VNET_HDR, _SO_MARK, _ETH_P_IP = 263, 15, 36, 0x0800


def rules(*, cut: bool, loss: float, is_slow: bool, gateway: str, filter_port: int) -> str:
    """The command for nftables."""
    lost = "drop" if cut else f"numgen random mod {_SHARE} < {round(loss * _SHARE)} drop"
    disturbed = [f"{lost};"] if cut or loss else []
    leaving = [*disturbed, *([f'fwd to "{_ENTRY}";'] if is_slow else [])]
    return (
        f"table inet {_TABLE} {{ flags owner; "
        "chain marks { type filter hook output priority -50; policy accept; "
        f"ct original ip daddr {_METADATA} meta mark set {_SPARED}; }}; "
        "chain arriving { type filter hook input priority -50; policy accept; "
        f"iif lo accept; ct original ip daddr {_METADATA} accept; "
        f"ip saddr {gateway} tcp sport {filter_port} accept; {' '.join(disturbed)} }}; }}; "
        f"table netdev {_TABLE} {{ flags owner; "
        f'chain leaving {{ type filter hook egress device "{_INTERFACE}" priority 0; policy accept; '
        f"meta protocol != ip accept; meta mark {{ {_SPARED}, {_DELAYED} }} accept; "
        f"ip daddr {gateway} tcp dport {filter_port} accept; {' '.join(leaving)} }}; }}"
    )


class DelayLine:
    """Takes packets at one interface and lets them leave by another, some time later and in their order."""

    def __init__(self, latency_ms: float, jitter_ms: float) -> None:
        self._latency_s, self._jitter_s = latency_ms / 1000, jitter_ms / 1000
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._last_due = 0.0
        self._arriving = _packets(_EXIT, _ETH_P_IP)
        self._leaving = _packets(_INTERFACE, 0)
        self._leaving.setsockopt(socket.SOL_SOCKET, _SO_MARK, _DELAYED)

    def run(self) -> None:
        """Until the process ends."""
        self._arriving.setblocking(False)
        while True:
            wait_s = max(self._waiting[0][0] - time.monotonic(), 0) if self._waiting else None
            if select.select([self._arriving], [], [], wait_s)[0]:
                self._take()
            self._let_go(time.monotonic())

    def _take(self) -> None:
        with suppress(BlockingIOError):
            while len(self._waiting) < _MAX_WAITING:
                packet = self._arriving.recv(_MAX_PACKET_BYTES)
                delay_s = max(self._latency_s + uniform(-self._jitter_s, self._jitter_s), 0)
                self._last_due = max(self._last_due, time.monotonic() + delay_s)
                self._waiting.append((self._last_due, packet))

    def _let_go(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            # An interface that is full or gone loses packets, as any does.
            with suppress(OSError):
                self._leaving.send(self._waiting.popleft()[1])


def _packets(interface: str, protocol: int) -> socket.socket:
    """Whole frames of an interface, with what was left to its hardware: checksums, and cutting to size."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    opened.bind((interface, protocol))
    return opened


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cut, loss = os.environ.get("CUT") == "1", float(os.environ.get("LOSS", "0"))
    latency_ms, jitter_ms = float(os.environ.get("LATENCY_MS", "0")), float(os.environ.get("JITTER_MS", "0"))
    is_slow = latency_ms > 0 and not cut
    if is_slow:
        # Left over by one that was killed.
        subprocess.run(["ip", "link", "delete", _ENTRY], capture_output=True, check=False)
        subprocess.run(["ip", "link", "add", _ENTRY, "type", "veth", "peer", "name", _EXIT], check=True)
        for interface in (_ENTRY, _EXIT):
            subprocess.run(["ip", "link", "set", interface, "up"], check=True)
    command = rules(
        cut=cut,
        loss=loss,
        is_slow=is_slow,
        gateway=os.environ["GATEWAY"],
        filter_port=int(os.environ["FILTER_PORT"]),
    )
    line = DelayLine(latency_ms, jitter_ms) if is_slow else None
    keeper = subprocess.Popen(
        ["stdbuf", "-oL", "nft", "-i"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HOME": "/dev/null"},
        text=True,
        bufsize=1,
    )
    assert keeper.stdin is not None
    keeper.stdin.write(f"{command}\nlist tables netdev\n")
    keeper.stdin.flush()
    _await_rules(keeper)
    print("READY", flush=True)
    if line is not None:
        line.run()
    while True:
        signal.pause()


def _await_rules(keeper: "subprocess.Popen[str]") -> None:
    """Wait until nftables says that the rules are there. Exits with what it says else."""
    assert keeper.stdout is not None
    said: list[str] = []
    for text in keeper.stdout:
        if text.strip() == f"table netdev {_TABLE}":
            return
        said.append(text.strip())
        if "rror" in text or len(said) > 20:
            break
    print(f"this engine's kernel cannot disturb a network (nftables, Linux 5.16 or later): {' / '.join(said)}")
    sys.exit(1)


if __name__ == "__main__":
    main()
