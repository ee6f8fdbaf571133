"""Encryption of a session's data with a key of KMS, as the client and AWS's agent agree on it in their handshake.

The client has KMS make a data key and sends it encrypted; the agent has it decrypted, as the task's role. The first
half encrypts what the agent says, the second what the client says, each message by AES-GCM with a nonce before it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-logging
"""

import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.services.ecs.exec.agents import agent_context
from aws_api.services.ecs.exec.sessions import Session

KEY_BYTES = 64
CHALLENGE_BYTES = 64
_NONCE_BYTES = 12
#: What the client's user reads when the handshake is done.
ENCRYPTED = "This session is encrypted using AWS KMS."


class CannotEncrypt(Exception):
    """The session's key cannot be had, or something was not encrypted with it; the message is for its user."""


class Cipher:
    """Both directions of a session, from the side of who made it: the agent's with the key as it is."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise CannotEncrypt(f"The data key has {len(key)} bytes instead of {KEY_BYTES}.")
        half = KEY_BYTES // 2
        self._sending, self._receiving = AESGCM(key[:half]), AESGCM(key[half:])

    def encrypt(self, data: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._sending.encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes:
        """What the other side said. Raises CannotEncrypt."""
        try:
            return self._receiving.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError) as error:
            raise CannotEncrypt("Error decrypting encrypted text: it was not encrypted for this session.") from error


def encryption_context(session: Session) -> dict[str, str]:
    """What the data key is bound to."""
    return {"aws:ssm:SessionId": session.session_id, "aws:ssm:TargetId": session.target_id}


async def agreed_cipher(session: Session, encrypted_key: bytes) -> Cipher:
    """The cipher of the data key that the client had made. Raises CannotEncrypt."""
    context = await agent_context(session)
    request = {"CiphertextBlob": encrypted_key, "EncryptionContext": encryption_context(session)}
    try:
        return Cipher(await _decrypted(context, request))
    except AwsError as error:
        raise CannotEncrypt(f"Unable to retrieve data key: {error.code}: {error.message}") from error


async def _decrypted(context: Context, request: Mapping[str, Any]) -> bytes:
    return bytes((await invoke_async(context, find_operation("kms", "Decrypt"), request))["Plaintext"])
