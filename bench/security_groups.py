"""From a change of a security group to its being in force in every task that it concerns.

    python -m bench.security_groups [--tasks 50] [--rounds 10] [--image simfra-test-busybox:1]

Needs a running instance (`manage.py up`) and its Docker engine. The tasks are all in one group that names itself; in
each one's network namespace `nft monitor` tells when the filter changed. Measured from the moment before the API is
called until the last of the tasks has the change. Goal: 300 ms.
"""

import argparse
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from bench.vpcs import Instance

MAX_WAIT_S = 30
#: What follows the last line of a change, if it follows at all.
_QUIET_S = 0.4
#: Until the last of the watches listens.
_SETTLED_S = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--image", default="simfra-test-busybox:1")
    options = parser.parse_args()
    with Instance(options.image) as instance:
        vpc = instance.vpc("10.80.0.0/16", "10.80.0.0/20")
        instance.run(vpc, options.tasks)
        with ExitStack() as stack:
            watches = [stack.enter_context(Watch(name)) for name in instance.namespaces(vpc)]
            time.sleep(_SETTLED_S)
            for what, there, back in changes(instance, vpc.subnet_id, vpc.group_id):
                took = [
                    seconds for _ in range(options.rounds) for seconds in (timed(there, watches), timed(back, watches))
                ]
                print(
                    f"{what}, {len(watches)} tasks: median {statistics.median(took) * 1000:.0f} ms, "
                    f"fastest {min(took) * 1000:.0f} ms, slowest {max(took) * 1000:.0f} ms",
                    flush=True,
                )


def changes(
    instance: Instance, subnet_id: str, group_id: str
) -> Iterable[tuple[str, Callable[[], object], Callable[[], object]]]:
    """What changes, how, and how back."""
    ec2 = instance.ec2
    rule = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}
    made: list[str] = []

    def join() -> None:
        interface = ec2.create_network_interface(SubnetId=subnet_id, Groups=[group_id])["NetworkInterface"]
        made.append(interface["NetworkInterfaceId"])

    yield (
        "a rule comes and goes",
        lambda: ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule]),
        lambda: ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[rule]),
    )
    yield (
        "a member comes and goes",
        join,
        lambda: ec2.delete_network_interface(NetworkInterfaceId=made.pop()),
    )


def timed(change: Callable[[], object], watches: list["Watch"]) -> float:
    """Seconds from before a change until the last has it."""
    for watch in watches:
        watch.changed_at = None
    began = time.monotonic()
    change()
    while any(watch.changed_at is None for watch in watches):
        if time.monotonic() - began > MAX_WAIT_S:
            raise TimeoutError(f"a task has no change after {MAX_WAIT_S} s")
        time.sleep(0.005)
    ended = max(watch.changed_at or 0 for watch in watches)
    time.sleep(_QUIET_S)
    return ended - began


class Watch:
    """Notes when the filter of a namespace changed for the first time since ``changed_at`` was reset."""

    def __init__(self, container: str) -> None:
        # On a busy machine it takes seconds until this runs, and what was before is not told.
        command = ["docker", "exec", container, "sh", "-c", "echo READY; exec stdbuf -oL nft monitor"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.changed_at: float | None = None
        assert self._process.stdout is not None
        self._process.stdout.readline()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("# new generation") and self.changed_at is None:
                self.changed_at = time.monotonic()


if __name__ == "__main__":
    main()
