"""A pytest plugin (``-p tests.servers``): Postgres and Valkey of the run's own, up before Django reads its settings."""

import os
import tempfile
from pathlib import Path

from simfra.stack.private_files import kept_secret
from simfra.stack.servers import EmbeddedServers

_data_dir = tempfile.TemporaryDirectory(prefix="simfra-tests-", ignore_cleanup_errors=True)
_servers = EmbeddedServers(Path(_data_dir.name), durability="process")
_encryption_key_file = Path(_data_dir.name) / "encryption-key"
kept_secret(_encryption_key_file)


def pytest_unconfigure() -> None:
    _servers.remove()
    _data_dir.cleanup()


# At import: pytest-django sets Django up before any hook of a later plugin or conftest runs.
_servers.__enter__()
os.environ.update(
    DATABASE_URL=_servers.database_url,
    REDIS_URL=_servers.redis_url,
    SIMFRA_DATA_DIR=_data_dir.name,
    SIMFRA_INSTANCE=f"test-{os.getpid()}",
    SIMFRA_DURABILITY="process",
    # What is made ahead of tasks would only cost tests time; those of it ask for it.
    SIMFRA_SPARE_NAMESPACES="0",
    SIMFRA_ENCRYPTION_KEY_FILE=str(_encryption_key_file),
)
