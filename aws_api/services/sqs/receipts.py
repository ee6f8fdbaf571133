"""Receipt handles: which receive of which message. Opaque to clients, readable by every gateway process."""

import base64
import binascii
import struct
from dataclasses import dataclass

from aws_api.services.sqs.errors import ReceiptHandleIsInvalid

# Ends the first four characters as AWS's handles begin: "AQEB".
_MARK = b"\x01\x01\x01"
_LAYOUT = struct.Struct(">3sqqqq")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receive of a message: ``id`` is its row, ``number`` the receive's, ``received_at_ms`` its time."""

    queue_id: int
    id: int
    number: int
    received_at_ms: int

    def handle(self) -> str:
        """The handle that a client gets."""
        packed = _LAYOUT.pack(_MARK, self.queue_id, self.id, self.number, self.received_at_ms)
        return base64.urlsafe_b64encode(packed).decode("ascii")


def parse_handle(handle: str, queue_id: int) -> Receipt:
    """The receive that a handle of this queue names. Raises ReceiptHandleIsInvalid for what is not one of ours."""
    try:
        mark, owner, message, number, received_at_ms = _LAYOUT.unpack(base64.urlsafe_b64decode(handle.encode("ascii")))
    except (ValueError, binascii.Error, struct.error):
        mark = b""
        owner = message = number = received_at_ms = 0
    if mark != _MARK or owner != queue_id:
        raise ReceiptHandleIsInvalid(f'The input receipt handle "{handle}" is not a valid receipt handle.')
    return Receipt(queue_id=owner, id=message, number=number, received_at_ms=received_at_ms)
