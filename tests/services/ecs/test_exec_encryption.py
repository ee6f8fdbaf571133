"""Sessions that are encrypted with a key of KMS, agreed on as the session-manager-plugin does it."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from aws_api.services.ecs.exec.messages import PayloadType
from aws_api.services.ecs.models import Task
from tests.services.ecs.exec_stage import Echo, endpoint, programs, session, task
from tests.support.data_channel import ExecClient

__all__ = ["endpoint", "programs", "session", "task"]


@dataclass(frozen=True, kw_only=True)
class Encrypted:
    """A session of a cluster that names a key, and what the plugin does for it as its user."""

    session: dict[str, str]
    key_id: str
    target_id: str
    kms: Any

    def open(self, target_id: str = "") -> AbstractAsyncContextManager[ExecClient]:
        return ExecClient.open(self.session, data_key=self._data_key, target_id=target_id or self.target_id)

    def _data_key(self, key_id: str, context: dict[str, str]) -> tuple[bytes, bytes]:
        made = self.kms.generate_data_key(KeyId=key_id, NumberOfBytes=64, EncryptionContext=context)
        return made["Plaintext"], made["CiphertextBlob"]


@pytest.fixture
def key_id(aws: Callable[..., Any], task: str) -> str:
    """A key of the account, which the cluster names."""
    key = str(aws("kms").create_key()["KeyMetadata"]["KeyId"])
    configuration = {"executeCommandConfiguration": {"kmsKeyId": key, "logging": "NONE"}}
    aws("ecs").update_cluster(cluster="default", configuration=configuration)
    return key


@pytest.fixture
def role(aws: Callable[..., Any], task: str) -> None:
    """The task has a role that lets its agent connect, and nothing else."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "ssmmessages:*", "Resource": "*"}
    trust, rights = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trusted, allowed))
    arn = aws("iam").create_role(RoleName="task", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    aws("iam").put_role_policy(RoleName="task", PolicyName="exec", PolicyDocument=rights)
    row = Task.objects.get(arn=task)
    row.document["overrides"] = {"taskRoleArn": arn}
    row.save(update_fields=["document"])


@pytest.fixture
def encrypted(aws: Callable[..., Any], task: str, key_id: str, request: pytest.FixtureRequest) -> Encrypted:
    session = request.getfixturevalue("session")  # made once the cluster names its key
    (described,) = aws("ecs").describe_tasks(tasks=[task])["tasks"]
    # As the AWS CLI makes it.
    target_id = f"ecs:default_{task.rpartition('/')[2]}_{described['containers'][0]['runtimeId']}"
    return Encrypted(session=session, key_id=key_id, target_id=target_id, kms=aws("kms"))


async def test_what_is_typed_and_shown_is_encrypted_with_the_clusters_key(
    encrypted: Encrypted, programs: list[Echo]
) -> None:
    async with encrypted.open() as client:
        await client.ready()
        (request,) = client.requests
        kind, encryption = request["RequestedClientActions"]
        assert kind["ActionType"] == "SessionType"
        assert encryption == {"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": encrypted.key_id}}
        assert client.messages_to_user == ["This session is encrypted using AWS KMS."]
        await client.type("secret")
        assert await client.shows("secret") == "secret"
        await client.type("exit")
        assert await client.end() == ""
        output = [message.payload for message in client.received if message.payload_type == PayloadType.OUTPUT]
    assert len(output) >= 2
    assert not any(b"secret" in payload for payload in output)


async def test_a_key_of_another_session_is_none(encrypted: Encrypted, programs: list[Echo]) -> None:
    async with encrypted.open(target_id="ecs:default_other_container") as client:
        assert (await client.end()).startswith("Unable to retrieve data key: InvalidCiphertextException")
    assert not programs


async def test_what_is_not_encrypted_ends_the_session(encrypted: Encrypted, programs: list[Echo]) -> None:
    async with encrypted.open() as client:
        await client.ready()
        await client.send(PayloadType.OUTPUT, b"in the clear, whoever says it")
        assert (await client.end()).startswith("Error decrypting encrypted text")


@pytest.mark.usefixtures("role")
async def test_the_tasks_role_must_be_allowed_to_decrypt(encrypted: Encrypted, programs: list[Echo]) -> None:
    async with encrypted.open() as client:
        assert (await client.end()).startswith("Unable to retrieve data key: AccessDeniedException")
    assert not programs
