"""The port through which faults make load balancers' health checks of an address fail; elbv2 implements it."""

from collections.abc import Callable

#: Told the account, the region, the address, and whether its checks fail from now on.
CheckFailer = Callable[[str, str, str, bool], None]

_failers: list[CheckFailer] = []


def register_check_failer(failer: CheckFailer) -> CheckFailer:
    """Have a function see to it. Usable as a decorator."""
    _failers.append(failer)
    return failer


def fail_checks(account_id: str, region: str, address: str, *, fails: bool) -> None:
    """Let the checks of whatever is registered at an address fail, or no longer. Saying it twice is harmless."""
    for failer in _failers:
        failer(account_id, region, address, fails)
