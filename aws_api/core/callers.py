"""Which callers are people on this machine: the only ones whom a relaxed instance lets pass unverified."""

from ipaddress import ip_address

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OWN_SUFFIXES = (".localhost", ".amazonaws.com", ".simfra.dev", ".simfra.local")
_OWN_NAMES = frozenset({"localhost", "simfra.local", "data-localhost", ""})


def is_local(client_host: str, host: str) -> bool:
    """Whether a request comes from this machine and was meant for it.

    ``host`` is the Host header. A page whose own name was pointed at 127.0.0.1 (DNS rebinding) arrives from loopback as
    well, but under its own name.
    """
    return client_host in LOOPBACK and _is_own_name(_without_port(host))


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).strip("[]").lower()


def _is_own_name(name: str) -> bool:
    if name in _OWN_NAMES or name.endswith(_OWN_SUFFIXES):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
