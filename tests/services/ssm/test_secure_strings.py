"""SecureStrings: encrypted through KMS, bound to their parameter, nowhere in plain."""

import base64
import logging

import pytest
from botocore.exceptions import ClientError
from django.db import connection

from tests.services.ssm.test_parameters import code_of

SECRET = "correct horse battery staple"


@pytest.mark.parametrize("tier", ["Standard", "Advanced"])
def test_a_secure_string_is_decrypted_on_demand_alone(ssm, tier):
    ssm.put_parameter(Name="/db/password", Value=SECRET, Type="SecureString", Tier=tier)
    closed = ssm.get_parameter(Name="/db/password")["Parameter"]
    assert closed["Type"] == "SecureString"
    assert SECRET.encode() not in base64.b64decode(closed["Value"])
    assert ssm.get_parameter(Name="/db/password", WithDecryption=True)["Parameter"]["Value"] == SECRET
    for answer in (
        ssm.get_parameters(Names=["/db/password"], WithDecryption=True),
        ssm.get_parameters_by_path(Path="/db", WithDecryption=True),
        ssm.get_parameter_history(Name="/db/password", WithDecryption=True),
    ):
        assert answer["Parameters"][0]["Value"] == SECRET
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["KeyId"] == "alias/aws/ssm"


def test_the_rows_hold_no_secret_in_plain(ssm, account):
    ssm.put_parameter(Name="/db/password", Value=SECRET, Type="SecureString")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version::text FROM ssm_parameterversion AS version JOIN ssm_parameter ON ssm_parameter.id = "
            "parameter_id WHERE account_id = %s",
            [account.account_id],
        )
        ((row,),) = cursor.fetchall()
    assert SECRET not in row
    assert base64.b64encode(SECRET.encode()).decode() not in row
    assert SECRET.encode().hex() not in row


def test_a_standard_values_ciphertext_opens_with_kms_under_the_parameters_arn(ssm, kms, account):
    ssm.put_parameter(Name="/db/password", Value=SECRET, Type="SecureString")
    blob = base64.b64decode(ssm.get_parameter(Name="/db/password")["Parameter"]["Value"])
    arn = f"arn:aws:ssm:us-east-1:{account.account_id}:parameter/db/password"
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"PARAMETER_ARN": arn})
    assert opened["Plaintext"].decode() == SECRET
    with pytest.raises(ClientError):
        kms.decrypt(CiphertextBlob=blob)


def test_a_customers_key_is_used_and_missed_when_it_is_disabled(ssm, kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    ssm.put_parameter(Name="p", Value=SECRET, Type="SecureString", KeyId=key_id)
    assert ssm.get_parameter(Name="p", WithDecryption=True)["Parameter"]["Value"] == SECRET
    ssm.put_parameter(Name="p", Value=SECRET, Type="SecureString", Overwrite=True)
    assert ssm.describe_parameters()["Parameters"][0]["KeyId"] == key_id
    kms.disable_key(KeyId=key_id)
    with pytest.raises(ClientError, match="is disabled") as error:
        ssm.get_parameter(Name="p", WithDecryption=True)
    assert code_of(error) == "InvalidKeyId"
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] != SECRET
    with pytest.raises(ClientError) as error:
        ssm.put_parameter(Name="q", Value=SECRET, Type="SecureString", KeyId="alias/nothing")
    assert code_of(error) == "InvalidKeyId"


def test_a_longer_utf_8_value_comes_back_whole(ssm):
    value = "ä€😀" * 600
    ssm.put_parameter(Name="p", Value=value, Type="SecureString", Tier="Advanced")
    assert ssm.get_parameter(Name="p", WithDecryption=True)["Parameter"]["Value"] == value


def test_secrets_are_in_no_log_line(ssm, caplog):
    with caplog.at_level(logging.DEBUG):
        # botocore, the client, logs what it sends; only the server's lines count.
        ssm.put_parameter(Name="p", Value=SECRET, Type="SecureString")
        ssm.get_parameter(Name="p", WithDecryption=True)
    ours = [record for record in caplog.records if not record.name.startswith(("botocore", "urllib3", "boto3"))]
    assert SECRET not in "\n".join(record.getMessage() for record in ours)
