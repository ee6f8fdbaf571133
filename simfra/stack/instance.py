"""One instance: a data directory, the name that marks its Docker objects, its addresses and its secrets."""

import hashlib
import ipaddress
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from simfra.stack.private_files import kept_secret, private_directory, write_private
from simfra.stack.servers import EmbeddedServers

DEFAULT_NAME = "default"
DEFAULT_UPLINK_SUBNET = "198.19.0.0/20"
#: Where the uplinks of further instances come from, each as large as a Linux bridge has ports. The first four blocks
#: are the default instance's, the last four Compose's (compose.yaml), the eight before those the test runs'.
_FURTHER_UPLINKS = list(ipaddress.IPv4Network("198.19.0.0/16").subnets(new_prefix=22))[4:52]
_IDENTITY_FILE = "instance.json"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What `up` and `down` agree on. The name and the uplink are chosen once and kept in the data directory."""

    data_dir: Path
    name: str
    uplink_subnet: str
    host: str
    port: int
    console_port: int
    durability: str
    #: Servers of the user's own, in place of the embedded ones; empty where there are none.
    external_database: str
    external_redis: str

    @property
    def endpoint(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def console_url(self) -> str:
        return f"http://localhost:{self.console_port}/"

    @property
    def uplink_gateway(self) -> str:
        """The host's address on the uplink network, where containers reach the gateway."""
        return str(next(ipaddress.ip_network(self.uplink_subnet).hosts()))

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    def servers(self) -> EmbeddedServers:
        """The servers of this data directory."""
        return EmbeddedServers(self.data_dir, self.durability)

    def environment(self) -> dict[str, str]:
        """The variables from which settings.py makes this instance, in every process of it."""
        secrets_dir = self.data_dir / "secrets"
        kept_secret(secrets_dir / "encryption-key")
        environment = {
            "SIMFRA_DATA_DIR": str(self.data_dir),
            "SIMFRA_INSTANCE": self.name,
            "SIMFRA_UPLINK_SUBNET": self.uplink_subnet,
            "SIMFRA_HOST": self.host,
            "SIMFRA_PORT": str(self.port),
            "SIMFRA_CONSOLE_PORT": str(self.console_port),
            "SIMFRA_DURABILITY": self.durability,
            "SIMFRA_SECRET_KEY": kept_secret(secrets_dir / "django-secret-key"),
            "SIMFRA_ENCRYPTION_KEY_FILE": str(secrets_dir / "encryption-key"),
        }
        urls = {"DATABASE_URL": self.external_database, "REDIS_URL": self.external_redis}
        if not all(urls.values()):
            servers = self.servers()
            if servers.was_started:
                urls["DATABASE_URL"] = self.external_database or servers.database_url
                urls["REDIS_URL"] = self.external_redis or servers.redis_url
        return environment | {name: url for name, url in urls.items() if url}

    def adopt(self) -> None:
        """Give this process the instance's variables, but for those that it was given already."""
        for name, value in self.environment().items():
            os.environ.setdefault(name, value)


def default_data_dir() -> Path:
    """Where state lies unless SIMFRA_DATA_DIR says otherwise."""
    return Path(platformdirs.user_data_dir("simfra", appauthor=False))


def this_instance() -> Instance:
    """The instance that the environment's variables describe."""
    data_dir = private_directory(Path(os.environ.get("SIMFRA_DATA_DIR") or default_data_dir()).absolute())
    name, uplink_subnet = _identity(data_dir)
    return Instance(
        data_dir=data_dir,
        name=os.environ.get("SIMFRA_INSTANCE") or name,
        uplink_subnet=os.environ.get("SIMFRA_UPLINK_SUBNET") or uplink_subnet,
        host=os.environ.get("SIMFRA_HOST", "127.0.0.1"),
        port=int(os.environ.get("SIMFRA_PORT", "4599")),
        console_port=int(os.environ.get("SIMFRA_CONSOLE_PORT", "4600")),
        durability=os.environ.get("SIMFRA_DURABILITY", "disk"),
        external_database=os.environ.get("DATABASE_URL", ""),
        external_redis=os.environ.get("REDIS_URL", ""),
    )


def with_free_uplink(instance: Instance, taken: Iterable[str]) -> Instance:
    """The instance with an uplink that overlaps none of the blocks, kept from then on; itself where it has one.

    Two data directories may have chosen the same block, and a network of somebody else may lie there. One that the
    environment names is left alone.
    """
    blocks = [ipaddress.ip_network(block) for block in taken]
    candidates = [ipaddress.IPv4Network(instance.uplink_subnet), *_FURTHER_UPLINKS]
    free = next((each for each in candidates if not any(each.overlaps(block) for block in blocks)), candidates[0])
    if free == candidates[0] or os.environ.get("SIMFRA_UPLINK_SUBNET"):
        return instance
    _keep(instance.data_dir, instance.name, str(free))
    return replace(instance, uplink_subnet=str(free))


def _identity(data_dir: Path) -> tuple[str, str]:
    """A data directory's name and uplink: kept once chosen, so that moving it orphans no container."""
    path = data_dir / _IDENTITY_FILE
    if path.exists():
        kept = json.loads(path.read_text())
        return kept["name"], kept["uplink_subnet"]
    if data_dir.resolve() == default_data_dir().resolve():
        identity = (DEFAULT_NAME, DEFAULT_UPLINK_SUBNET)
    else:
        digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()
        uplink = _FURTHER_UPLINKS[int(digest[:8], 16) % len(_FURTHER_UPLINKS)]
        identity = (digest[:8], str(uplink))
    _keep(data_dir, *identity)
    return identity


def _keep(data_dir: Path, name: str, uplink_subnet: str) -> None:
    write_private(data_dir / _IDENTITY_FILE, json.dumps({"name": name, "uplink_subnet": uplink_subnet}) + "\n")
