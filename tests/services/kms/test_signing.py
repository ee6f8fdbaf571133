"""Sign, Verify, GetPublicKey, MACs and shared secrets, checked against the cryptography library."""

import hashlib
import hmac

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.services.kms.test_encryption import code_of

MESSAGE = b"pay 10 to bob"

ALGORITHMS = [
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
    ("RSA_2048", "RSASSA_PSS_SHA_512"),
    ("RSA_3072", "RSASSA_PSS_SHA_384"),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
]


@pytest.mark.parametrize(("spec", "algorithm"), ALGORITHMS)
def test_a_signature_verifies_and_another_messages_does_not(kms, spec, algorithm):
    metadata = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    assert algorithm in metadata["SigningAlgorithms"]
    members = {"KeyId": metadata["KeyId"], "SigningAlgorithm": algorithm}
    signature = kms.sign(Message=MESSAGE, **members)["Signature"]
    assert kms.verify(Message=MESSAGE, Signature=signature, **members)["SignatureValid"] is True
    with pytest.raises(ClientError) as error:
        kms.verify(Message=b"pay 99 to bob", Signature=signature, **members)
    assert code_of(error) == "KMSInvalidSignatureException"


def test_others_verify_with_the_public_key(kms):
    rsa_id = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    answer = kms.get_public_key(KeyId=rsa_id)
    assert answer["KeyUsage"] == "SIGN_VERIFY"
    assert "RSASSA_PSS_SHA_256" in answer["SigningAlgorithms"]
    signature = kms.sign(KeyId=rsa_id, Message=MESSAGE, SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    public = serialization.load_der_public_key(answer["PublicKey"])
    public.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    curve_id = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    digest = hashlib.sha256(MESSAGE).digest()
    signature = kms.sign(KeyId=curve_id, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")[
        "Signature"
    ]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=curve_id)["PublicKey"])
    public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))


def test_a_digest_is_as_long_as_its_algorithm_says(kms):
    key_id = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="Digest is invalid length for algorithm ECDSA_SHA_256") as error:
        kms.sign(KeyId=key_id, Message=b"short", MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
    assert code_of(error) == "ValidationException"


def test_keys_are_used_for_what_they_are_for_alone(kms, key_id):
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="key usage is SIGN_VERIFY which is not valid for Encrypt") as error:
        kms.encrypt(KeyId=signing, Plaintext=b"x")
    assert code_of(error) == "InvalidKeyUsageException"
    with pytest.raises(ClientError, match="key usage is ENCRYPT_DECRYPT which is not valid for Sign") as error:
        kms.sign(KeyId=key_id, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
    assert code_of(error) == "InvalidKeyUsageException"
    with pytest.raises(ClientError, match="incompatible with key spec ECC_NIST_P256") as error:
        kms.sign(KeyId=signing, Message=b"x", SigningAlgorithm="ECDSA_SHA_512")
    assert code_of(error) == "InvalidKeyUsageException"
    with pytest.raises(ClientError) as error:
        kms.get_public_key(KeyId=key_id)
    assert code_of(error) == "UnsupportedOperationException"


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_a_mac_verifies_and_another_messages_does_not(kms, bits):
    metadata = kms.create_key(KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
    members = {"KeyId": metadata["KeyId"], "MacAlgorithm": f"HMAC_SHA_{bits}"}
    mac = kms.generate_mac(Message=MESSAGE, **members)["Mac"]
    assert len(mac) == bits // 8
    assert mac != hmac.digest(b"", MESSAGE, f"sha{bits}")
    assert kms.verify_mac(Message=MESSAGE, Mac=mac, **members)["MacValid"] is True
    with pytest.raises(ClientError) as error:
        kms.verify_mac(Message=b"other", Mac=mac, **members)
    assert code_of(error) == "KMSInvalidMacException"


def test_two_sides_derive_the_same_secret(kms):
    key_id = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["KeyId"]
    mine = ec.generate_private_key(ec.SECP256R1())
    theirs = serialization.load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    my_public = mine.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    derived = kms.derive_shared_secret(KeyId=key_id, KeyAgreementAlgorithm="ECDH", PublicKey=my_public)
    assert derived["SharedSecret"] == mine.exchange(ec.ECDH(), theirs)
    with pytest.raises(ClientError) as error:
        kms.derive_shared_secret(KeyId=key_id, KeyAgreementAlgorithm="ECDH", PublicKey=b"nonsense")
    assert code_of(error) == "ValidationException"
