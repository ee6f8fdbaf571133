"""Key specs: what a key of each may be used for, and with which algorithms. Pure.

https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
SIGN_VERIFY = "SIGN_VERIFY"
GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
KEY_AGREEMENT = "KEY_AGREEMENT"


@dataclass(frozen=True, kw_only=True)
class KeySpec:
    """The algorithms of a spec by key usage; a usage that is not there is not possible."""

    algorithms: Mapping[str, tuple[str, ...]]

    @property
    def usages(self) -> tuple[str, ...]:
        return tuple(self.algorithms)


_RSA = KeySpec(
    algorithms={
        ENCRYPT_DECRYPT: ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"),
        SIGN_VERIFY: tuple(
            f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)
        ),
    }
)


def _curve(digest_bits: int) -> KeySpec:
    return KeySpec(algorithms={SIGN_VERIFY: (f"ECDSA_SHA_{digest_bits}",), KEY_AGREEMENT: ("ECDH",)})


def _hmac(digest_bits: int) -> KeySpec:
    return KeySpec(algorithms={GENERATE_VERIFY_MAC: (f"HMAC_SHA_{digest_bits}",)})


KEY_SPECS: Mapping[str, KeySpec] = MappingProxyType(
    {
        SYMMETRIC: KeySpec(algorithms={ENCRYPT_DECRYPT: (SYMMETRIC,)}),
        "RSA_2048": _RSA,
        "RSA_3072": _RSA,
        "RSA_4096": _RSA,
        "ECC_NIST_P256": _curve(256),
        "ECC_NIST_P384": _curve(384),
        "ECC_NIST_P521": _curve(512),
        "ECC_SECG_P256K1": KeySpec(algorithms={SIGN_VERIFY: ("ECDSA_SHA_256",)}),
        "ECC_NIST_EDWARDS25519": KeySpec(algorithms={SIGN_VERIFY: ("ED25519_SHA_512",)}),
        "HMAC_224": _hmac(224),
        "HMAC_256": _hmac(256),
        "HMAC_384": _hmac(384),
        "HMAC_512": _hmac(512),
    }
)

#: The member of KeyMetadata and GetPublicKey that lists a usage's algorithms.
ALGORITHMS_MEMBER: Mapping[str, str] = MappingProxyType(
    {
        ENCRYPT_DECRYPT: "EncryptionAlgorithms",
        SIGN_VERIFY: "SigningAlgorithms",
        GENERATE_VERIFY_MAC: "MacAlgorithms",
        KEY_AGREEMENT: "KeyAgreementAlgorithms",
    }
)


def is_asymmetric(spec: str) -> bool:
    """Whether keys of a spec have a public half."""
    return spec.startswith(("RSA_", "ECC_"))
