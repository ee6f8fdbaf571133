"""Making and reading certificates. Pure: no rows."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: Thirteen months, as Certificate Manager's.
LIFETIME = timedelta(days=395)
AUTHORITY_LIFETIME = timedelta(days=3650)
_ISSUER = "Simfra certificate authority"
_RSA_BITS = {"RSA_1024": 1024, "RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "EC_prime256v1": ec.SECP256R1,
    "EC_secp384r1": ec.SECP384R1,
    "EC_secp521r1": ec.SECP521R1,
}
#: As AWS names key usages, by cryptography's attributes.
_KEY_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
}
_EXTENDED_KEY_USAGES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP_SIGNING",
}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Unreadable(ValueError):
    """What was given is not what it should be; the message says so as Certificate Manager does."""


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and its key, as PEM text."""

    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """What a certificate says. ``document`` has the members of DescribeCertificate that need no row."""

    domain_name: str
    names: tuple[str, ...]
    key_algorithm: str
    not_before: datetime.datetime
    not_after: datetime.datetime
    document: Mapping[str, Any]


def make_authority(account_id: str, now: datetime.datetime) -> Issued:
    """An authority that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{_ISSUER} {account_id}")
    builder = _builder(name, name, key, now, AUTHORITY_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return Issued(certificate=_pem(builder.sign(key, hashes.SHA256())), private_key=_key_pem(key))


def issue(authority: Issued, names: Sequence[str], key_algorithm: str, now: datetime.datetime) -> Issued:
    """A certificate for domains, the first of which is its subject."""
    above = x509.load_pem_x509_certificate(authority.certificate.encode())
    authority_key = serialization.load_pem_private_key(authority.private_key.encode(), None)
    assert isinstance(authority_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    key = _new_key(key_algorithm)
    # A common name has 64 characters at most; the names that count are the alternative ones.
    builder = _builder(_name(names[0][:64]), above.subject, key, now, LIFETIME)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(digital_signature=True, key_encipherment=True), critical=True)
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = builder.add_extension(usages, critical=False)
    issuer_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = builder.add_extension(issuer_key_id, critical=False)
    return Issued(certificate=_pem(builder.sign(authority_key, hashes.SHA256())), private_key=_key_pem(key))


def check_pair(certificate: bytes, private_key: bytes, chain: bytes) -> Issued:
    """An imported certificate with its key, and a readable chain. Raises Unreadable."""
    parsed = _load(certificate)
    try:
        key = serialization.load_pem_private_key(private_key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unreadable("The private key is not in PEM format, or it is encrypted.") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Unreadable("The private key is not supported.")
    if key.public_key() != parsed.public_key():
        raise Unreadable("The private key does not match the public key of the certificate.")
    if chain:
        try:
            x509.load_pem_x509_certificates(chain)
        except ValueError as error:
            raise Unreadable("The certificate chain is not in PEM format.") from error
    return Issued(certificate=_pem(parsed), private_key=_key_pem(key))


def read(certificate: str) -> CertificateFacts:
    """What a certificate says. Raises Unreadable."""
    parsed = _load(certificate.encode())
    names = _alternative_names(parsed)
    common = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    domain_name = str(common[0].value) if common else (names[0] if names else "")
    return CertificateFacts(
        domain_name=domain_name,
        names=names or ((domain_name,) if domain_name else ()),
        key_algorithm=_algorithm(parsed),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        document={
            "Serial": ":".join(f"{byte:02x}" for byte in _serial_bytes(parsed.serial_number)),
            "Subject": parsed.subject.rfc4514_string(),
            "Issuer": _issuer(parsed),
            "SignatureAlgorithm": _signature_algorithm(parsed),
            "KeyUsages": [{"Name": name} for name in _usages(parsed)],
            "ExtendedKeyUsages": _extended_usages(parsed),
        },
    )


def encrypted_key(private_key: str, passphrase: bytes) -> str:
    """A private key under a passphrase, as exports carry it."""
    key = serialization.load_pem_private_key(private_key.encode(), None)
    encryption = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


# The parts ------------------------------------------------------------------------------------------------------------


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime.datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    # A minute back: clients whose clocks are a little slow.
    began = now.replace(microsecond=0) - timedelta(minutes=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _new_key(algorithm: str) -> PrivateKey:
    if bits := _RSA_BITS.get(algorithm):
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return ec.generate_private_key(_CURVES[algorithm]())


def _key_usage(**granted: bool) -> x509.KeyUsage:
    usages = dict.fromkeys((*_KEY_USAGES, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**{**usages, **granted})


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _load(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise Unreadable("The certificate is not in PEM format.") from error


def _alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def _algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        curve = type(key.curve)
        for name, known in _CURVES.items():
            if known is curve:
                return name
    raise Unreadable("The key algorithm of the certificate is not supported.")


def _signature_algorithm(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    # An authority's key may be of another kind than the certificate's own.
    family = "ECDSA" if "ecdsa" in certificate.signature_algorithm_oid._name.lower() else "RSA"
    return f"{digest.name.upper()}WITH{family}" if digest else family


def _issuer(certificate: x509.Certificate) -> str:
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in certificate.issuer.get_attributes_for_oid(oid):
            return str(attribute.value)
    return certificate.issuer.rfc4514_string()


def _serial_bytes(serial: int) -> bytes:
    return serial.to_bytes(max(1, (serial.bit_length() + 7) // 8), "big")


def _usages(certificate: x509.Certificate) -> list[str]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ["ANY"]
    return [name for attribute, name in _KEY_USAGES.items() if getattr(usage, attribute)]


def _extended_usages(certificate: x509.Certificate) -> list[dict[str, str]]:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return []
    return [{"Name": _EXTENDED_KEY_USAGES.get(oid, "CUSTOM"), "OID": oid.dotted_string} for oid in usages]
