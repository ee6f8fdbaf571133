"""JSON Web Tokens of OpenID Connect providers, checked against the keys that the provider publishes.

https://datatracker.ietf.org/doc/html/rfc7519
https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import base64
import binascii
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.error import URLError

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from aws_api.services.sts.errors import ExpiredWebToken
from aws_api.services.sts.shapes import IDPCommunicationErrorException, InvalidIdentityTokenException

FETCH_TIMEOUT_S = 5
MAX_KEY_SET_BYTES = 1 << 20
KEPT_KEY_SETS = 100
#: A provider's keys are asked for anew after this time, and when a token names a key that is not among them.
KEY_SET_LIFETIME_S = 300.0
_CURVES: dict[str, tuple[type[ec.EllipticCurve], int]] = {
    "P-256": (ec.SECP256R1, 32),
    "P-384": (ec.SECP384R1, 48),
    "P-521": (ec.SECP521R1, 66),
}
_HASHES: dict[str, type[HashAlgorithm]] = {"256": SHA256, "384": SHA384, "512": SHA512}


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token taken apart; nothing of it is proven."""

    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def issuer(self) -> str:
        return str(self.payload.get("iss", ""))


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a valid token says; ``texts`` are the claims that conditions can ask for."""

    subject: str
    audience: str
    texts: Mapping[str, str]


def read_token(text: str) -> Token:
    """Take a token apart. Raises InvalidIdentityToken where it is none."""
    try:
        header, payload, signature = text.split(".")
        token = Token(
            header=_object(_decode(header)),
            payload=_object(_decode(payload)),
            signed=f"{header}.{payload}".encode(),
            signature=_decode(signature),
        )
    except ValueError:
        raise InvalidIdentityTokenException("The ID Token provided is not a valid JWT. (You may see this error if you "
                                            "sent an Access Token)") from None  # fmt: skip
    if not token.issuer or "sub" not in token.payload:
        raise InvalidIdentityTokenException("Missing a required claim: iss, sub")
    return token


def verify_token(token: Token, provider: Mapping[str, Any], now: datetime) -> Claims:
    """Check audience, time and signature. Raises InvalidIdentityToken, ExpiredToken, IDPCommunicationError."""
    audiences = token.payload.get("aud", [])
    audiences = [audiences] if isinstance(audiences, str) else [str(one) for one in audiences]
    # Google's tokens name the application that asked beside the one they are for.
    audience = str(token.payload.get("azp") or (audiences[0] if audiences else ""))
    accepted = provider.get("ClientIDList") or []
    if audience not in accepted and not any(one in accepted for one in audiences):
        raise InvalidIdentityTokenException("Incorrect token audience")
    expires = token.payload.get("exp")
    if not isinstance(expires, (int, float)):
        raise InvalidIdentityTokenException("Missing a required claim: exp")
    if now.timestamp() >= expires:
        raise ExpiredWebToken(
            f"Token expired: current date/time {int(now.timestamp())} must be before the expiration date/time "
            f"{int(expires)}"
        )
    _check_signature(token)
    texts = {name: str(value) for name, value in token.payload.items() if isinstance(value, (str, int, bool))}
    return Claims(subject=str(token.payload["sub"]), audience=audience, texts={**texts, "aud": audience})


def _check_signature(token: Token) -> None:
    unproven = InvalidIdentityTokenException(
        "Couldn't retrieve verification key from your identity provider, please reference "
        "AssumeRoleWithWebIdentity documentation for requirements"
    )
    key = _find_key(token)
    if key is None:
        raise unproven
    try:
        _verify(key, str(token.header.get("alg", "")), token)
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise InvalidIdentityTokenException("The ID Token provided is not a valid JWT. Signature is invalid") from None


def _verify(key: Mapping[str, Any], algorithm: str, token: Token) -> None:
    """Raise InvalidSignature; ValueError, KeyError or TypeError where key and algorithm do not go together."""
    family, digest = algorithm[:2], _HASHES[algorithm[2:]]()
    if family == "ES" and key["kty"] == "EC":
        curve, size = _CURVES[key["crv"]]
        numbers = ec.EllipticCurvePublicNumbers(_integer(key["x"]), _integer(key["y"]), curve())
        first, second = token.signature[:size], token.signature[size:]
        if len(second) != size:
            raise ValueError("the signature has the wrong size")
        signature = encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))
        numbers.public_key().verify(signature, token.signed, ec.ECDSA(digest))
    elif family in ("RS", "PS") and key["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(_integer(key["e"]), _integer(key["n"])).public_key()
        scheme: padding.PKCS1v15 | padding.PSS = padding.PKCS1v15()
        if family == "PS":
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
        public.verify(token.signature, token.signed, scheme, digest)
    else:
        raise ValueError(f"{algorithm} does not go with {key['kty']}")


class KeySets:
    """The key sets of issuers, fetched when needed and kept for a while."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, list[Mapping[str, Any]]]] = {}
        self._lock = Lock()

    def find(self, issuer: str, key_id: str | None) -> Mapping[str, Any] | None:
        """The issuer's key of an id; the only key where the token names none. Raises IDPCommunicationError."""
        with self._lock:
            fetched_at, keys = self._kept.get(issuer, (0.0, []))
        found = _choose(keys, key_id)
        if found is None or time.monotonic() - fetched_at > KEY_SET_LIFETIME_S:
            keys = _fetch_keys(issuer)
            with self._lock:
                if len(self._kept) >= KEPT_KEY_SETS:
                    self._kept.clear()
                self._kept[issuer] = (time.monotonic(), keys)
            found = _choose(keys, key_id)
        return found


_key_sets = KeySets()


def _find_key(token: Token) -> Mapping[str, Any] | None:
    return _key_sets.find(token.issuer.rstrip("/"), token.header.get("kid"))


def _choose(keys: list[Mapping[str, Any]], key_id: str | None) -> Mapping[str, Any] | None:
    if key_id is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.get("kid") == key_id), None)


def _fetch_keys(issuer: str) -> list[Mapping[str, Any]]:
    configuration = _fetch(f"{issuer}/.well-known/openid-configuration")
    keys = _fetch(str(configuration.get("jwks_uri", ""))).get("keys", [])
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _fetch(url: str) -> Mapping[str, Any]:
    if not url.startswith(("https://", "http://")):
        raise IDPCommunicationErrorException("The identity provider names no key set that can be fetched.")
    try:
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as response:
            return _object(response.read(MAX_KEY_SET_BYTES))
    except (URLError, OSError, ValueError) as error:
        raise IDPCommunicationErrorException(
            f"Couldn't retrieve verification key from your identity provider: {url} did not answer with JSON."
        ) from error


def _object(text: bytes) -> Mapping[str, Any]:
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _integer(text: str) -> int:
    return int.from_bytes(_decode(text), "big")
