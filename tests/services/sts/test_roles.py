"""AssumeRole asks the role's trust policy; what comes of it is the session's from then on."""

import json

import pytest
from botocore.exceptions import ClientError

from aws_api.core.context import Principal, PrincipalType
from aws_api.core.errors import AccessDeniedException
from aws_api.core.ids import new_account_id
from aws_api.core.invoke import invoke
from aws_api.core.models import Account


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, action="sts:AssumeRole", **more):
    return policy({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def allow(action, resource="*"):
    return policy({"Effect": "Allow", "Action": action, "Resource": resource})


def error(raised):
    return raised.value.response["Error"]


def keys_of(credentials):
    return {
        "key": credentials["AccessKeyId"],
        "secret": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
    }


@pytest.fixture
def iam(aws):
    return aws("iam")


@pytest.fixture
def ann(iam, aws):
    """A user's ARN, and clients of it."""
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return arn, lambda service: aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def make_role(iam, document, name="worker", **more):
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]


def assume(client, role, **more):
    return client("sts").assume_role(RoleArn=role, RoleSessionName="night", **more)["Credentials"]


def test_a_user_must_be_trusted(iam, ann):
    role = make_role(iam, trust({"Service": "ecs-tasks.amazonaws.com"}))
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=allow("*"))
    with pytest.raises(ClientError) as raised:
        assume(ann[1], role)
    assert error(raised)["Code"] == "AccessDenied"
    assert error(raised)["Message"] == (
        f"User: {ann[0]} is not authorized to perform: sts:AssumeRole on resource: {role} because no role trust policy "
        f"allows the sts:AssumeRole action"
    )


def test_a_trusted_user_needs_no_other_permission(iam, ann):
    assert assume(ann[1], make_role(iam, trust({"AWS": ann[0]})))


def test_a_trusted_account_leaves_it_to_iam(iam, ann, account):
    role = make_role(iam, trust({"AWS": account.account_id}))
    with pytest.raises(ClientError, match="no identity-based policy allows the sts:AssumeRole action"):
        assume(ann[1], role)
    iam.put_user_policy(UserName="ann", PolicyName="assume", PolicyDocument=allow("sts:AssumeRole", role))
    assert assume(ann[1], role)


def test_a_change_of_trust_counts_at_once(iam, ann):
    role = make_role(iam, trust({"AWS": ann[0]}))
    assert assume(ann[1], role)
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    with pytest.raises(ClientError, match="no role trust policy"):
        assume(ann[1], role)


def test_another_account_must_be_trusted_and_allow(iam, aws):
    theirs = Account.objects.create(account_id=new_account_id())
    there = {"key": theirs.root_access_key_id, "secret": theirs.root_secret_access_key}
    role = make_role(iam, trust({"AWS": f"arn:aws:iam::{theirs.account_id}:root"}))
    closed = make_role(iam, trust({"Service": "ec2.amazonaws.com"}), "closed")

    def their_root(service):
        return aws(service, **there)

    assert aws("sts", **keys_of(assume(their_root, role))).get_caller_identity()["Arn"].endswith("worker/night")
    with pytest.raises(ClientError, match="no role trust policy"):
        assume(their_root, closed)
    aws("iam", **there).create_user(UserName="joe")
    key = aws("iam", **there).create_access_key(UserName="joe")["AccessKey"]

    def joe(service):
        return aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    with pytest.raises(ClientError, match="no identity-based policy"):
        assume(joe, role)
    aws("iam", **there).put_user_policy(UserName="joe", PolicyName="all", PolicyDocument=allow("sts:*"))
    assert assume(joe, role)


def test_an_external_id_is_asked_for(iam, ann):
    role = make_role(iam, trust({"AWS": ann[0]}, Condition={"StringEquals": {"sts:ExternalId": "12345"}}))
    with pytest.raises(ClientError, match="no role trust policy"):
        assume(ann[1], role)
    assert assume(ann[1], role, ExternalId="12345")


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "ecs.amazonaws.com"])
def test_a_service_that_is_not_trusted_gets_nothing(iam, context, service):
    role = make_role(iam, trust({"Service": "ecs-tasks.amazonaws.com"}))
    caller = Principal(type=PrincipalType.SERVICE, arn=service, account_id=context.account_id, user_id=service)
    with pytest.raises(AccessDeniedException, match="no role trust policy"):
        invoke(context.as_principal(caller), "sts", "AssumeRole", {"RoleArn": role, "RoleSessionName": "t"})


def test_a_session_may_what_its_role_and_its_session_policy_may(iam, ann, aws):
    role = make_role(iam, trust({"AWS": ann[0]}))
    iam.put_role_policy(
        RoleName="worker", PolicyName="queues", PolicyDocument=allow(["sqs:ListQueues", "sqs:CreateQueue"])
    )
    free = aws("sqs", **keys_of(assume(ann[1], role)))
    free.list_queues()
    narrow = aws("sqs", **keys_of(assume(ann[1], role, Policy=allow("sqs:ListQueues"))))
    narrow.list_queues()
    with pytest.raises(ClientError, match="because no session policy allows the sqs:CreateQueue action"):
        narrow.create_queue(QueueName="q")
    with pytest.raises(ClientError, match="assumed-role/worker/night is not authorized to perform: sqs:DeleteQueue"):
        free.delete_queue(QueueUrl=aws("sqs").create_queue(QueueName="q")["QueueUrl"])


def test_the_session_of_a_deleted_role_is_nobodys(iam, ann, aws):
    credentials = keys_of(assume(ann[1], make_role(iam, trust({"AWS": ann[0]}))))
    aws("sts", **credentials).get_caller_identity()
    iam.delete_role(RoleName="worker")
    make_role(iam, trust({"AWS": ann[0]}))
    with pytest.raises(ClientError) as raised:
        aws("sts", **credentials).get_caller_identity()
    assert error(raised)["Code"] == "InvalidClientTokenId"


def test_session_tags_need_a_permission_and_speak_in_policies(iam, ann, aws):
    role = make_role(iam, trust({"AWS": ann[0]}))
    tags = [{"Key": "team", "Value": "red"}]
    with pytest.raises(ClientError, match="sts:TagSession"):
        assume(ann[1], role, Tags=tags)
    iam.update_assume_role_policy(
        RoleName="worker", PolicyDocument=trust({"AWS": ann[0]}, ["sts:AssumeRole", "sts:TagSession"])
    )
    own = "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-*"
    iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=allow("sqs:CreateQueue", own))
    sqs = aws("sqs", **keys_of(assume(ann[1], role, Tags=tags)))
    sqs.create_queue(QueueName="red-orders")
    with pytest.raises(ClientError, match="no identity-based policy"):
        sqs.create_queue(QueueName="blue-orders")


def test_transitive_tags_go_along_a_chain(iam, ann, aws):
    both = ["sts:AssumeRole", "sts:TagSession"]
    first = make_role(iam, trust({"AWS": ann[0]}, both), "first")
    second = make_role(iam, trust({"AWS": first}, both), "second")
    iam.put_role_policy(
        RoleName="second", PolicyName="own", PolicyDocument=allow("sqs:*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}")
    )
    tags = [{"Key": "team", "Value": "red"}]
    credentials = keys_of(assume(ann[1], first, Tags=tags, TransitiveTagKeys=["team"]))

    def chained(service):
        return aws(service, **credentials)

    sqs = aws("sqs", **keys_of(assume(chained, second)))
    sqs.create_queue(QueueName="red")
    with pytest.raises(ClientError, match="conflicts with a transitive tag key"):
        assume(chained, second, Tags=tags)
    with pytest.raises(ClientError, match="1 hour session limit for roles assumed by role chaining"):
        assume(chained, second, DurationSeconds=3601)


def test_a_source_identity_needs_a_permission_and_stays(iam, ann):
    role = make_role(iam, trust({"AWS": ann[0]}))
    with pytest.raises(ClientError, match="sts:SetSourceIdentity"):
        assume(ann[1], role, SourceIdentity="ann")
    iam.update_assume_role_policy(
        RoleName="worker", PolicyDocument=trust({"AWS": ann[0]}, ["sts:AssumeRole", "sts:SetSourceIdentity"])
    )
    answer = ann[1]("sts").assume_role(RoleArn=role, RoleSessionName="night", SourceIdentity="ann")
    assert answer["SourceIdentity"] == "ann"


def test_codes_of_devices_are_refused(iam, ann):
    role = make_role(iam, trust({"AWS": ann[0]}))
    with pytest.raises(ClientError, match="MultiFactorAuthentication failed, unable to validate MFA code"):
        assume(ann[1], role, SerialNumber="arn:aws:iam::123456789012:mfa/ann", TokenCode="123456")


def test_a_federated_user_may_what_its_maker_and_its_policy_may(iam, ann, aws, account):
    iam.put_user_policy(
        UserName="ann", PolicyName="own", PolicyDocument=allow(["sts:GetFederationToken", "sqs:ListQueues"])
    )
    answer = ann[1]("sts").get_federation_token(Name="guest", Policy=allow("*"))
    assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{account.account_id}:federated-user/guest"
    assert answer["FederatedUser"]["FederatedUserId"] == f"{account.account_id}:guest"
    guest = aws("sqs", **keys_of(answer["Credentials"]))
    guest.list_queues()
    with pytest.raises(ClientError, match="no identity-based policy allows the sqs:CreateQueue action"):
        guest.create_queue(QueueName="q")
    powerless = ann[1]("sts").get_federation_token(Name="guest")["Credentials"]
    with pytest.raises(ClientError, match="no session policy allows the sqs:ListQueues action"):
        aws("sqs", **keys_of(powerless)).list_queues()
    of_root = aws("sts").get_federation_token(Name="guest", Policy=allow("sqs:*"))["Credentials"]
    aws("sqs", **keys_of(of_root)).list_queues()
    with pytest.raises(ClientError, match="no session policy"):
        aws("dynamodb", **keys_of(of_root)).list_tables()
