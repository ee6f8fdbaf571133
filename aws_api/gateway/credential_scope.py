"""What a signed request says of its signature, taken apart but not yet believed."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from aws_api.protocol.wire import WireRequest

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class CredentialScope:
    """``access-key/20260131/us-east-1/sqs/aws4_request`` with the rest of the Authorization header."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    presigned: bool = False

    @property
    def text(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def claimed_scope(request: WireRequest) -> CredentialScope | None:
    """The scope that a request claims, or None where it is unsigned or its claim is not whole."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith(ALGORITHM):
        prefix, found, signature = authorization.rpartition("Signature=")
        claim = _parse_claim(prefix) if found else None
        return CredentialScope(*claim, signature=signature.strip()) if claim else None
    if "X-Amz-Signature=" in request.query:
        values = dict(parse_qsl(request.query, keep_blank_values=True))
        claim = _claim(values.get("X-Amz-Credential", ""), values.get("X-Amz-SignedHeaders", ""))
        return CredentialScope(*claim, signature=values["X-Amz-Signature"], presigned=True) if claim else None
    return None


#: A client's header is the same for every request of a day but for its signature.
@lru_cache(maxsize=4096)
def _parse_claim(prefix: str) -> tuple[str, str, str, str, tuple[str, ...]] | None:
    fields = dict(field.strip().split("=", 1) for field in prefix[len(ALGORITHM) :].strip().split(",") if "=" in field)
    return _claim(fields.get("Credential", ""), fields.get("SignedHeaders", ""))


def _claim(credential: str, signed_headers: str) -> tuple[str, str, str, str, tuple[str, ...]] | None:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts) or not signed_headers:
        return None
    return parts[0], parts[1], parts[2], parts[3], tuple(signed_headers.split(";"))
