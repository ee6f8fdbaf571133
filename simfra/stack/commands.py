"""The commands of manage.py that start, stop and examine a stack."""

import argparse
from collections.abc import Sequence

from simfra.stack.running import AlreadyRunning
from simfra.stack.servers import ServerError


def run(command: str, arguments: Sequence[str]) -> int:
    """Run one of manage.py's commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"manage.py {command}")
    if command in ("up", "test"):
        parser.add_argument(
            "--provision",
            action="store_true",
            help="install what the operating system lacks (Debian and Ubuntu, as root)",
        )
    if command == "up":
        parser.add_argument("--detach", action="store_true", help="return when ready; `down` stops it")
    if command == "reset":
        parser.add_argument("--yes", action="store_true", help="do not ask")
    # What `test` does not know is pytest's.
    given, rest = parser.parse_known_args(arguments) if command == "test" else (parser.parse_args(arguments), [])
    try:
        return _dispatch(command, given, rest)
    except (AlreadyRunning, ServerError, TimeoutError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(command: str, given: argparse.Namespace, rest: Sequence[str]) -> int:
    # Each is imported when it is asked for: `up` starts the quicker.
    match command:
        case "up":
            from simfra.stack.up import up, up_detached

            return up_detached(given.provision) if given.detach else up(given.provision)
        case "down":
            from simfra.stack.down import down

            return down()
        case "reset":
            from simfra.stack.down import reset

            return reset(ask=not given.yes)
        case "doctor":
            from simfra.stack.doctor import doctor

            return doctor()
        case _:
            from simfra.stack.testing import test

            return test(given.provision, rest)
