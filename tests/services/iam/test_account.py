"""The account's side of IAM: passwords, providers, the simulator, details and the credential report."""

import csv
import io
import json
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def iam(aws):
    return aws("iam")


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refused(code, call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    assert raised.value.response["Error"]["Code"] == code
    return raised.value.response["Error"]["Message"]


def test_a_password_lives_and_dies(iam):
    iam.create_user(UserName="ann")
    refused("NoSuchEntity", iam.get_login_profile, UserName="ann")
    made = iam.create_login_profile(UserName="ann", Password="correct-horse", PasswordResetRequired=True)
    assert made["LoginProfile"]["PasswordResetRequired"] is True
    refused("EntityAlreadyExists", iam.create_login_profile, UserName="ann", Password="correct-horse")
    iam.update_login_profile(UserName="ann", PasswordResetRequired=False)
    assert iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"] is False
    assert "must delete login profile first" in refused("DeleteConflict", iam.delete_user, UserName="ann")
    iam.delete_login_profile(UserName="ann")
    iam.delete_user(UserName="ann")


def test_passwords_are_what_the_account_demands(iam, aws):
    refused("NoSuchEntity", iam.get_account_password_policy)
    iam.update_account_password_policy(MinimumPasswordLength=10, RequireNumbers=True, MaxPasswordAge=90)
    kept = iam.get_account_password_policy()["PasswordPolicy"]
    assert kept["MinimumPasswordLength"] == 10
    assert kept["ExpirePasswords"] is True
    assert kept["RequireSymbols"] is False
    iam.create_user(UserName="ann")
    refused("PasswordPolicyViolation", iam.create_login_profile, UserName="ann", Password="short1")
    refused("PasswordPolicyViolation", iam.create_login_profile, UserName="ann", Password="correct-horse")
    iam.create_login_profile(UserName="ann", Password="correct-horse-1")
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = aws("iam", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    refused("PasswordPolicyViolation", ann.change_password, OldPassword="wrong-horse-1", NewPassword="another-horse-2")
    ann.change_password(OldPassword="correct-horse-1", NewPassword="another-horse-2")
    iam.delete_account_password_policy()
    refused("NoSuchEntity", iam.delete_account_password_policy)


def test_an_identity_provider_lives_and_dies(iam, account):
    made = iam.create_open_id_connect_provider(
        Url="https://id.example/realm", ClientIDList=["a"], Tags=[{"Key": "team", "Value": "red"}]
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{account.account_id}:oidc-provider/id.example/realm"
    refused("EntityAlreadyExists", iam.create_open_id_connect_provider, Url="https://id.example/realm")
    refused("InvalidInput", iam.create_open_id_connect_provider, Url="ftp://id.example")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["0" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["team"])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"]) == ("id.example/realm", ["b"])
    assert found["ThumbprintList"] == ["0" * 40]
    assert found["Tags"] == iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]
    assert found["Tags"] == [{"Key": "stage", "Value": "test"}]
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    refused("NoSuchEntity", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)


def test_the_simulator_decides_as_calls_are_decided(iam):
    documents = [policy(allow("sqs:*", "arn:aws:sqs:*:*:orders"), {**allow("sqs:DeleteQueue"), "Effect": "Deny"})]
    answer = iam.simulate_custom_policy(
        PolicyInputList=documents,
        ActionNames=["sqs:SendMessage", "sqs:DeleteQueue", "s3:GetObject"],
        ResourceArns=["arn:aws:sqs:us-east-1:123456789012:orders"],
    )
    decided = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
    assert decided == {"sqs:SendMessage": "allowed", "sqs:DeleteQueue": "explicitDeny", "s3:GetObject": "implicitDeny"}
    assert answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"
    refused("InvalidInput", iam.simulate_custom_policy, PolicyInputList=["{}x"], ActionNames=["sqs:SendMessage"])


def test_a_principals_policies_are_simulated(iam):
    arn = iam.create_user(UserName="ann", Tags=[{"Key": "team", "Value": "red"}])["User"]["Arn"]
    own = allow(
        "sqs:SendMessage", "arn:aws:sqs:*:*:${aws:username}-*", Condition={"Bool": {"aws:SecureTransport": "true"}}
    )
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy(own))
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    question = {
        "PolicySourceArn": arn,
        "ActionNames": ["sqs:SendMessage"],
        "ResourceArns": ["arn:aws:sqs:us-east-1:123456789012:ann-inbox"],
    }
    secure = {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"}
    [missing] = iam.simulate_principal_policy(**question)["EvaluationResults"]
    assert missing["EvalDecision"] == "implicitDeny"
    assert missing["MissingContextValues"] == ["aws:securetransport"]
    [allowed] = iam.simulate_principal_policy(**question, ContextEntries=[secure])["EvaluationResults"]
    assert allowed["EvalDecision"] == "allowed"
    assert allowed["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"]
    assert keys == ["aws:securetransport", "aws:username"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[policy(own)])["ContextKeyNames"] == keys
    refused("NoSuchEntity", iam.simulate_principal_policy, **{**question, "PolicySourceArn": arn + "2"})


def test_an_accounts_details_are_all_that_it_has(iam):
    iam.create_group(GroupName="team")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="team", UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy(allow("sqs:*")))
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="task", AssumeRolePolicyDocument=policy(trust))
    iam.attach_role_policy(RoleName="task", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    iam.create_policy(PolicyName="mine", PolicyDocument=policy(allow("sqs:*")))
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) == 3

    def all_of(member):
        return [item for page in pages for item in page[member]]

    [ann] = all_of("UserDetailList")
    assert ann["GroupList"] == ["team"]
    assert ann["UserPolicyList"][0]["PolicyName"] == "own"
    [task] = all_of("RoleDetailList")
    assert task["AttachedManagedPolicies"][0]["PolicyName"] == "AmazonSQSFullAccess"
    assert [one["PolicyName"] for one in all_of("Policies")] == ["mine", "AmazonSQSFullAccess"]
    document = all_of("Policies")[0]["PolicyVersionList"][0]["Document"]
    assert (document if isinstance(document, dict) else json.loads(unquote(document)))["Statement"]
    only = iam.get_account_authorization_details(Filter=["Group"])
    assert [group["GroupName"] for group in only["GroupDetailList"]] == ["team"]
    assert only["UserDetailList"] == []


def test_the_credential_report_has_a_line_for_everybody(iam):
    iam.create_user(UserName="ann")
    iam.create_access_key(UserName="ann")
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    lines = list(csv.DictReader(io.StringIO(iam.get_credential_report()["Content"].decode())))
    assert [line["user"] for line in lines] == ["<root_account>", "ann"]
    assert lines[1]["access_key_1_active"] == "true"
    assert lines[1]["access_key_2_active"] == "false"
    assert lines[1]["mfa_active"] == "false"


def test_a_condition_operator_that_is_none_is_refused(iam):
    document = policy(allow("sqs:*", Condition={"StringIs": {"aws:username": "ann"}}))
    message = refused("MalformedPolicyDocument", iam.create_policy, PolicyName="odd", PolicyDocument=document)
    assert message == "Invalid Condition type : StringIs."


def test_what_nobody_can_have_is_listed_empty(iam):
    iam.create_user(UserName="ann")
    assert iam.list_mfa_devices(UserName="ann")["MFADevices"] == []
    assert iam.list_signing_certificates(UserName="ann")["Certificates"] == []
    assert iam.list_ssh_public_keys(UserName="ann")["SSHPublicKeys"] == []
    assert iam.list_service_specific_credentials(UserName="ann")["ServiceSpecificCredentials"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_saml_providers()["SAMLProviderList"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []


@pytest.mark.parametrize(
    "name",
    [
        "service-role/AmazonECSTaskExecutionRolePolicy",
        "service-role/AmazonEC2ContainerServiceforEC2Role",
        "AmazonECS_FullAccess",
        "AmazonSQSFullAccess",
        "AmazonDynamoDBFullAccess",
        "AmazonSSMReadOnlyAccess",
        "SecretsManagerReadWrite",
        "CloudWatchLogsFullAccess",
        "AdministratorAccess",
        "PowerUserAccess",
        "ReadOnlyAccess",
    ],
)
def test_the_policies_that_ecs_users_attach_are_there(iam, name):
    assert iam.get_policy(PolicyArn=f"arn:aws:iam::aws:policy/{name}")["Policy"]["IsAttachable"]
