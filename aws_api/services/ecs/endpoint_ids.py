"""The ids by which containers call the task metadata endpoint: unguessable, and no key to the task's credentials.

An id is the task's secret id, encrypted as one block, and the container's place: ``<32 hex digits>-<10 digits>``, the
form that ECS's own have. It needs no column, and tells who sees it nothing of the id that credentials are served under.
"""

import hashlib
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from django.conf import settings

#: What an id looks like in a path.
PATTERN = r"[0-9a-f]{32}-\d{10}"


def endpoint_id(credentials_id: UUID, container_index: int) -> str:
    """The id of a container, by its task's credentials id and its place in the definition."""
    encryptor = _cipher().encryptor()
    block = encryptor.update(credentials_id.bytes) + encryptor.finalize()
    return f"{block.hex()}-{container_index:010d}"


def read_endpoint_id(text: str) -> tuple[UUID, int]:
    """The credentials id and the place in an id that matches PATTERN; of one that was made up, a UUID of no task."""
    block, _, index = text.partition("-")
    decryptor = _cipher().decryptor()
    return UUID(bytes=decryptor.update(bytes.fromhex(block)) + decryptor.finalize()), int(index)


@cache
def _cipher() -> Cipher[ECB]:
    # One block, random and never seen in the clear: there is no pattern that ECB could show.
    key = hashlib.sha256(f"task metadata endpoint {settings.SECRET_KEY}".encode()).digest()
    return Cipher(AES(key), ECB())
