"""RSA and elliptic curves, by KMS's names of specs and algorithms. Pure.

Keys are DER: PKCS #8 where private, X.509 where public.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

RSA_PUBLIC_EXPONENT = 65537

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA_1": hashes.SHA1,
    "SHA_256": hashes.SHA256,
    "SHA_384": hashes.SHA384,
    "SHA_512": hashes.SHA512,
}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Unusable(ValueError):
    """The input does not fit the key or the algorithm; the message is for the caller."""


def generate(spec: str) -> bytes:
    """A new private key of a spec. RSA takes up to seconds."""
    key: PrivateKey
    if spec.startswith("RSA_"):
        key = rsa.generate_private_key(RSA_PUBLIC_EXPONENT, int(spec.removeprefix("RSA_")))
    elif spec in _CURVES:
        key = ec.generate_private_key(_CURVES[spec]())
    else:
        assert spec == "ECC_NIST_EDWARDS25519", spec
        key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_key(private: bytes) -> bytes:
    """The public half."""
    return (
        _load(private)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def encrypt(private: bytes, algorithm: str, plaintext: bytes) -> bytes:
    """Encrypt under the public half. Raises Unusable where the plaintext is too long."""
    key = _load(private)
    assert isinstance(key, rsa.RSAPrivateKey)
    try:
        return key.public_key().encrypt(plaintext, _oaep(algorithm))
    except ValueError as error:
        most = key.key_size // 8 - 2 * _oaep_hash(algorithm).digest_size - 2
        raise Unusable(
            f"Algorithm {algorithm} and key spec RSA_{key.key_size} cannot encrypt data larger than {most} bytes."
        ) from error


def decrypt(private: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """Decrypt. Raises Unusable where it is not a ciphertext of the key and algorithm."""
    key = _load(private)
    assert isinstance(key, rsa.RSAPrivateKey)
    try:
        return key.decrypt(ciphertext, _oaep(algorithm))
    except ValueError as error:
        raise Unusable from error


def sign(private: bytes, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    """Sign a message or its digest. Raises Unusable where the digest is not of the algorithm's length."""
    key = _load(private)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        _refuse_digest(algorithm, is_digest)
        return key.sign(message)
    digest = _hash_of(algorithm, message, is_digest=is_digest)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, _signature_padding(algorithm), digest)
    return key.sign(message, ec.ECDSA(digest))


def verify(private: bytes, algorithm: str, message: bytes, signature: bytes, *, is_digest: bool) -> bool:
    """Whether a signature is of the message or digest. Raises Unusable as ``sign`` does."""
    key = _load(private).public_key()
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            _refuse_digest(algorithm, is_digest)
            key.verify(signature, message)
        elif isinstance(key, rsa.RSAPublicKey):
            digest = _hash_of(algorithm, message, is_digest=is_digest)
            key.verify(signature, message, _signature_padding(algorithm), digest)
        else:
            key.verify(signature, message, ec.ECDSA(_hash_of(algorithm, message, is_digest=is_digest)))
    except InvalidSignature:
        return False
    return True


def derive_shared_secret(private: bytes, peer_public: bytes) -> bytes:
    """Elliptic curve Diffie-Hellman. Raises Unusable where the peer's key is not on the same curve."""
    key = _load(private)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    try:
        peer = serialization.load_der_public_key(peer_public)
    except ValueError as error:
        raise Unusable("The public key is not a valid DER-encoded X.509 public key.") from error
    if not isinstance(peer, ec.EllipticCurvePublicKey) or peer.curve.name != key.curve.name:
        raise Unusable("The public key must be on the same curve as the KMS key.")
    return key.exchange(ec.ECDH(), peer)


def _load(private: bytes) -> PrivateKey:
    # Our own row's: its primality need not be tested again at each use.
    key = serialization.load_der_private_key(private, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, PrivateKey)
    return key


def _oaep(algorithm: str) -> padding.OAEP:
    digest = _oaep_hash(algorithm)
    return padding.OAEP(mgf=padding.MGF1(algorithm=digest), algorithm=digest, label=None)


def _oaep_hash(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES[algorithm.removeprefix("RSAES_OAEP_")]()


def _signature_padding(algorithm: str) -> padding.PSS | padding.PKCS1v15:
    if algorithm.startswith("RSASSA_PKCS1_V1_5"):
        return padding.PKCS1v15()
    digest = _signature_hash(algorithm)
    return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)


def _signature_hash(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES[algorithm[-len("SHA_256") :]]()


def _hash_of(algorithm: str, message: bytes, *, is_digest: bool) -> utils.Prehashed | hashes.HashAlgorithm:
    digest = _signature_hash(algorithm)
    if not is_digest:
        return digest
    if len(message) != digest.digest_size:
        raise Unusable(f"Digest is invalid length for algorithm {algorithm}.")
    return utils.Prehashed(digest)


def _refuse_digest(algorithm: str, is_digest: bool) -> None:
    if is_digest:
        raise Unusable(f"Algorithm {algorithm} requires message type RAW.")
