"""AWS Signature Version 4, checked with the stored secret: header-signed and presigned requests.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html (the wording of errors)
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from posixpath import normpath
from typing import ClassVar
from urllib.parse import quote, unquote

from django.conf import settings

from aws_api.core.authorization import find_credential
from aws_api.core.callers import is_local
from aws_api.core.context import Principal, root_of
from aws_api.core.errors import AwsError
from aws_api.gateway.credential_scope import ALGORITHM, CredentialScope
from aws_api.protocol.wire import WireRequest

CLOCK_SKEW = timedelta(minutes=15)
MAX_PRESIGNED_S = 7 * 24 * 3600
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_TIME_FORMAT = "%Y%m%dT%H%M%SZ"


class MissingAuthenticationToken(AwsError):
    """The request is not signed."""

    code = "MissingAuthenticationTokenException"
    query_code: ClassVar[str | None] = "MissingAuthenticationToken"
    status = 403


class IncompleteSignature(AwsError):
    """The Authorization header lacks a part."""

    code = "IncompleteSignatureException"
    query_code: ClassVar[str | None] = "IncompleteSignature"
    status = 400


class SignatureDoesNotMatch(AwsError):
    """The signature was made with another secret, of another request, or at another time."""

    code = "InvalidSignatureException"
    query_code: ClassVar[str | None] = "SignatureDoesNotMatch"
    status = 403


class InvalidClientTokenId(AwsError):
    """No such access key."""

    code = "UnrecognizedClientException"
    query_code: ClassVar[str | None] = "InvalidClientTokenId"
    status = 403


class RequestExpired(AwsError):
    """A presigned request came after its time."""

    code = "RequestExpired"
    status = 400


async def verify(request: WireRequest, scope: CredentialScope | None, now: datetime) -> Principal:
    """The principal that signed the request, by the scope that it claims.

    Raises one of the errors above, worded as AWS words them.
    """
    if scope is None:
        raise _why_unsigned(request)
    if not _REGION.fullmatch(scope.region):
        raise SignatureDoesNotMatch(f"Credential should be scoped to a valid region, not '{scope.region[:64]}'.")
    if relaxed := _relaxed_principal(request, scope):
        return relaxed
    query = _decoded_query(request.query) if scope.presigned else ()
    signed_at = _check_time(request, scope, query, now)
    token = request.headers.get("x-amz-security-token") or dict(query).get("X-Amz-Security-Token")
    credential = await find_credential(scope.access_key_id, token)
    if credential is None:
        raise InvalidClientTokenId("The security token included in the request is invalid.")
    expected = _signature(credential.secret_access_key, request, scope, signed_at)
    if not hmac.compare_digest(expected.encode(), scope.signature.encode()):
        raise SignatureDoesNotMatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
    return credential.principal


def _relaxed_principal(request: WireRequest, scope: CredentialScope) -> Principal | None:
    """Root, unchecked, for the key `test` or an account id, from loopback alone: tasks come from elsewhere."""
    key = scope.access_key_id
    if key == "test":
        account_id = settings.SIMFRA_DEFAULT_ACCOUNT_ID
    elif len(key) == 12 and key.isdigit():
        account_id = key
    else:
        return None
    if settings.SIMFRA_AUTH != "relaxed" or not is_local(request.client_host, request.headers.get("host", "")):
        return None
    return root_of(account_id, key)


def _why_unsigned(request: WireRequest) -> AwsError:
    authorization = request.headers.get("authorization")
    if authorization is None and "X-Amz-Algorithm=" not in request.query:
        return MissingAuthenticationToken("Request is missing Authentication Token")
    if authorization is None:
        return IncompleteSignature(
            "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', "
            "'X-Amz-SignedHeaders' and 'X-Amz-Date'. Re-examine the query-string parameters."
        )
    if not authorization.startswith(ALGORITHM):
        kind = authorization.split(" ", 1)[0]
        return IncompleteSignature(
            f"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
            f"parameter. Authorization header requires 'SignedHeaders' parameter. Authorization={kind}"
        )
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if f"{name}=" not in authorization]
    if missing:
        wants = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        return IncompleteSignature(f"{wants} Authorization={ALGORITHM}")
    return IncompleteSignature(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
        f"got '{authorization.partition('Credential=')[2].split(',')[0]}'"
    )


def _check_time(request: WireRequest, scope: CredentialScope, query: tuple[tuple[str, str], ...], now: datetime) -> str:
    values = dict(query)
    text = values.get("X-Amz-Date", "") if scope.presigned else request.headers.get("x-amz-date", "")
    try:
        signed_at = _parse_time(text)
    except ValueError:
        raise IncompleteSignature(
            f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None
    if text[:8] != scope.date:
        raise SignatureDoesNotMatch(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope.date}' != '{text[:8]}', from '{text}'."
        )
    if scope.presigned:
        try:
            lifetime = int(values.get("X-Amz-Expires", ""))
        except ValueError:
            raise IncompleteSignature("X-Amz-Expires must be a number of seconds") from None
        if not 0 < lifetime <= MAX_PRESIGNED_S:
            raise IncompleteSignature("X-Amz-Expires must be between 1 and 604800 seconds")
        if now > signed_at + timedelta(seconds=lifetime):
            raise RequestExpired("Request has expired.")
        earliest = signed_at - CLOCK_SKEW
        if now < earliest:
            raise SignatureDoesNotMatch(_not_yet(text, now))
        return text
    if signed_at < now - CLOCK_SKEW:
        raise SignatureDoesNotMatch(
            f"Signature expired: {text} is now earlier than {now - CLOCK_SKEW:{_TIME_FORMAT}} "
            f"({now:{_TIME_FORMAT}} - 15 min.)"
        )
    if signed_at > now + CLOCK_SKEW:
        raise SignatureDoesNotMatch(_not_yet(text, now))
    return text


def _not_yet(text: str, now: datetime) -> str:
    return (
        f"Signature not yet current: {text} is still later than {now + CLOCK_SKEW:{_TIME_FORMAT}} "
        f"({now:{_TIME_FORMAT}} + 15 min.)"
    )


#: Requests of one second share their date.
@lru_cache(maxsize=1024)
def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)


def _signature(secret: str, request: WireRequest, scope: CredentialScope, signed_at: str) -> str:
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.raw_path, scope.service),
            _canonical_query(request.query),
            *(f"{name}:{_header(request, name)}" for name in scope.signed_headers),
            "",
            ";".join(scope.signed_headers),
            _payload_hash(request, scope),
        )
    )
    text = f"{ALGORITHM}\n{signed_at}\n{scope.text}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(secret, scope.date, scope.region, scope.service)
    return hmac.digest(key, text.encode(), "sha256").hex()


def _header(request: WireRequest, name: str) -> str:
    return " ".join(request.headers.get(name, "").split())


def _payload_hash(request: WireRequest, scope: CredentialScope) -> str:
    if scope.presigned and scope.service == "s3":
        return "UNSIGNED-PAYLOAD"
    claimed = request.headers.get("x-amz-content-sha256")
    if claimed is not None and (claimed == "UNSIGNED-PAYLOAD" or claimed.startswith("STREAMING-")):
        return claimed
    actual = hashlib.sha256(request.body).hexdigest() if request.body else _EMPTY_SHA256
    if claimed is not None and claimed != actual:
        raise SignatureDoesNotMatch("The provided 'x-amz-content-sha256' header does not match what was computed.")
    return actual


@lru_cache(maxsize=4096)
def _canonical_path(raw_path: str, service: str) -> str:
    if raw_path in ("", "/"):
        return "/"
    if service == "s3":
        return raw_path
    # Every service but S3 signs the path encoded once more, without dot segments.
    path = normpath(raw_path).replace("//", "/", 1) if "/." in raw_path or "//" in raw_path else raw_path
    if raw_path.endswith("/") and not path.endswith("/"):
        path += "/"
    return quote(path, safe="/~-._")


def _decoded_query(query: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return tuple((unquote(name), unquote(value)) for name, _, value in pairs)


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in _decoded_query(query)
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


#: A key holds for a day, a region and a service: deriving it costs four rounds of HMAC.
@lru_cache(maxsize=4096)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
