"""Encrypt, Decrypt, ReEncrypt, data keys, and what lies in the rows."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_api.services.kms.models import Key, KeyMaterial

SECRET = b"correct horse battery staple"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def message_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"].get("Message", ""))


def test_what_is_encrypted_is_decrypted_without_naming_the_key(kms, key_id, account):
    encrypted = kms.encrypt(KeyId=key_id, Plaintext=SECRET)
    assert encrypted["KeyId"] == f"arn:aws:kms:us-east-1:{account.account_id}:key/{key_id}"
    assert SECRET not in encrypted["CiphertextBlob"]
    decrypted = kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"])
    assert decrypted["Plaintext"] == SECRET
    assert decrypted["KeyId"] == encrypted["KeyId"]
    assert decrypted["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"


def test_the_same_plaintext_never_makes_the_same_ciphertext(kms, key_id):
    blobs = {kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"] for _ in range(3)}
    assert len(blobs) == 3


@pytest.mark.parametrize("form", ["{id}", "{arn}", "alias/orders", "{alias_arn}"])
def test_a_key_is_named_in_each_of_the_four_ways(kms, key_id, account, form):
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key_id)
    prefix = f"arn:aws:kms:us-east-1:{account.account_id}"
    name = form.format(id=key_id, arn=f"{prefix}:key/{key_id}", alias_arn=f"{prefix}:alias/orders")
    blob = kms.encrypt(KeyId=name, Plaintext=SECRET)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, KeyId=name)["Plaintext"] == SECRET
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == key_id


@pytest.mark.parametrize("context", [None, {"tenant": "b"}, {"tenant": "a", "more": "x"}])
def test_another_encryption_context_does_not_open_a_ciphertext(kms, key_id, context):
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext={"tenant": "a"})["CiphertextBlob"]
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=blob, **({"EncryptionContext": context} if context else {}))
    assert code_of(error) == "InvalidCiphertextException"


def test_the_order_of_an_encryption_context_does_not_matter(kms, key_id):
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext={"a": "1", "b": "2"})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"b": "2", "a": "1"})["Plaintext"] == SECRET


def test_every_bit_of_a_ciphertext_is_guarded(kms, key_id):
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    for position in range(0, len(blob), 7):
        damaged = bytearray(blob)
        damaged[position] ^= 1
        with pytest.raises(ClientError) as error:
            kms.decrypt(CiphertextBlob=bytes(damaged))
        # A damaged header may name a key that is not there.
        assert code_of(error) in {
            "InvalidCiphertextException",
            "NotFoundException",
            "InvalidArnException",
            "AccessDeniedException",
        }
    for nonsense in (b"x", b"\x01\xff", b"nonsense" * 20):
        with pytest.raises(ClientError) as error:
            kms.decrypt(CiphertextBlob=nonsense)
        assert code_of(error) == "InvalidCiphertextException"


def test_decrypt_refuses_a_key_that_did_not_encrypt(kms, key_id):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"]
    with pytest.raises(ClientError, match="does not identify a CMK that can perform this operation") as error:
        kms.decrypt(CiphertextBlob=blob, KeyId=other)
    assert code_of(error) == "IncorrectKeyException"


def test_another_accounts_ciphertext_is_denied(kms, key_id, gateway):
    from aws_api.core.ids import new_account_id
    from aws_api.core.models import Account
    from tests.support.in_process import client

    other = Account.objects.create(account_id=new_account_id())
    stranger = client(gateway, "kms", key=other.root_access_key_id, secret=other.root_secret_access_key)
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"]
    with pytest.raises(ClientError) as error:
        stranger.decrypt(CiphertextBlob=blob)
    assert code_of(error) == "AccessDeniedException"
    with pytest.raises(ClientError, match="does not exist") as error:
        stranger.encrypt(KeyId=key_id, Plaintext=SECRET)
    assert code_of(error) == "NotFoundException"


def test_re_encrypt_moves_a_ciphertext_to_another_key_and_context(kms, key_id):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionContext={"at": "one"})["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"at": "one"},
        DestinationKeyId=other,
        DestinationEncryptionContext={"at": "two"},
    )
    assert moved["SourceKeyId"].endswith(key_id)
    assert moved["KeyId"].endswith(other)
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"at": "two"}, KeyId=other)
    assert opened["Plaintext"] == SECRET


def test_a_data_key_encrypts_and_comes_back_from_its_ciphertext(kms, key_id):
    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256", EncryptionContext={"for": "files"})
    assert len(made["Plaintext"]) == 32
    sealed = AESGCM(made["Plaintext"]).encrypt(b"0" * 12, SECRET, None)
    data_key = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"for": "files"})["Plaintext"]
    assert AESGCM(data_key).decrypt(b"0" * 12, sealed, None) == SECRET
    assert len(kms.generate_data_key(KeyId=key_id, NumberOfBytes=17)["Plaintext"]) == 17
    without = kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_128")
    assert "Plaintext" not in without
    assert len(kms.decrypt(CiphertextBlob=without["CiphertextBlob"])["Plaintext"]) == 16


@pytest.mark.parametrize("sizes", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_a_data_keys_size_is_said_in_exactly_one_way(kms, key_id, sizes):
    with pytest.raises(ClientError, match="Please specify either number of bytes or key spec") as error:
        kms.generate_data_key(KeyId=key_id, **sizes)
    assert code_of(error) == "ValidationException"


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1"])
def test_a_data_key_pairs_halves_belong_together(kms, key_id, spec):
    made = kms.generate_data_key_pair(KeyId=key_id, KeyPairSpec=spec)
    private = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    assert private == made["PrivateKeyPlaintext"]
    public = serialization.load_der_private_key(private, None).public_key()
    assert (
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        == made["PublicKey"]
    )
    without = kms.generate_data_key_pair_without_plaintext(KeyId=key_id, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in without


def test_what_is_encrypted_with_the_public_half_of_a_key_is_decrypted_with_it(kms):
    key_id = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    theirs = public.encrypt(SECRET, oaep)
    ours = kms.encrypt(KeyId=key_id, Plaintext=SECRET, EncryptionAlgorithm="RSAES_OAEP_SHA_1")["CiphertextBlob"]
    for algorithm, blob in (("RSAES_OAEP_SHA_256", theirs), ("RSAES_OAEP_SHA_1", ours)):
        opened = kms.decrypt(KeyId=key_id, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
        assert opened["Plaintext"] == SECRET
    with pytest.raises(ClientError) as error:
        kms.decrypt(KeyId=key_id, CiphertextBlob=theirs, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    assert code_of(error) == "InvalidCiphertextException"
    with pytest.raises(ClientError, match="cannot encrypt data larger than 190 bytes") as error:
        kms.encrypt(KeyId=key_id, Plaintext=b"x" * 191, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert code_of(error) == "ValidationException"
    with pytest.raises(ClientError, match="incompatible with key spec RSA_2048") as error:
        kms.encrypt(KeyId=key_id, Plaintext=SECRET)
    assert code_of(error) == "InvalidKeyUsageException"


def test_a_rotated_key_still_opens_what_its_older_material_encrypted(kms, key_id):
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"]
    first = kms.describe_key(KeyId=key_id)["KeyMetadata"]["CurrentKeyMaterialId"]
    kms.rotate_key_on_demand(KeyId=key_id)
    second = kms.describe_key(KeyId=key_id)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert first != second
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == first
    newer = kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=newer)["KeyMaterialId"] == second
    rotations = kms.list_key_rotations(KeyId=key_id)["Rotations"]
    assert [rotation["RotationType"] for rotation in rotations] == ["ON_DEMAND"]
    assert len(kms.list_key_rotations(KeyId=key_id, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]) == 2


def test_a_dry_run_does_nothing_but_says_that_it_would(kms, key_id):
    for call in (
        lambda: kms.encrypt(KeyId=key_id, Plaintext=SECRET, DryRun=True),
        lambda: kms.generate_data_key(KeyId=key_id, KeySpec="AES_256", DryRun=True),
    ):
        with pytest.raises(ClientError, match="would have succeeded") as error:
            call()
        assert code_of(error) == "DryRunOperationException"


def test_random_bytes_are_as_many_as_asked_for(kms):
    first, second = (kms.generate_random(NumberOfBytes=1024)["Plaintext"] for _ in range(2))
    assert len(first) == 1024
    assert first != second


def test_the_rows_hold_no_key_material_in_plain(kms, key_id):
    from aws_api.services.kms import materials

    row = KeyMaterial.objects.get(key__key_id=key_id)
    stored = bytes(row.encrypted)
    material = materials.opened(key_id, 1, stored)
    assert len(material) == 32
    assert material not in stored
    # The blob opens with this very material, so it is what encrypts.
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRET)["CiphertextBlob"]
    from aws_api.services.kms import ciphertexts

    assert ciphertexts.decrypt(ciphertexts.parse(blob), material, None) == SECRET
    assert material.hex() not in str(Key.objects.filter(key_id=key_id).values().get())


def test_material_does_not_open_in_another_keys_row(kms, key_id):
    from aws_api.core.encryption import WrongKey
    from aws_api.services.kms import materials

    other = kms.create_key()["KeyMetadata"]["KeyId"]
    stored = bytes(KeyMaterial.objects.get(key__key_id=key_id).encrypted)
    with pytest.raises(WrongKey):
        materials.opened(other, 1, stored)


def test_two_requests_at_once_make_one_managed_key(aws: Any, kms):
    from concurrent.futures import ThreadPoolExecutor

    clients = [aws("kms") for _ in range(6)]
    with ThreadPoolExecutor(6) as executor:
        arns = set(executor.map(lambda each: each.encrypt(KeyId="alias/aws/ssm", Plaintext=SECRET)["KeyId"], clients))
    assert len(arns) == 1
    assert [entry["AliasName"] for entry in kms.list_aliases()["Aliases"]] == ["alias/aws/ssm"]
