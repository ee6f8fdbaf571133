from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running instance on the default ports, removed with all that it made."""
    data_dir: Path = tmp_path_factory.mktemp("stack")
    instance = Stack(data_dir)
    try:
        instance.up()
        yield instance
    finally:
        instance.down()
