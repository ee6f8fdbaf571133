"""A missing permission fails where it fails on AWS, in AWS's words, and a change counts from the next request on."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from urllib.parse import urlencode

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from aws_api.core.authorization import register_resource_policies, require_access
from aws_api.core.context import Principal, PrincipalType
from aws_api.core.errors import AccessDeniedException
from aws_api.core.execution import run_on_loop
from aws_api.services.iam.suggestions import suggest
from aws_api.services.iam.used_actions import used_actions
from tests.support.waiting import wait_for

READ_ONLY = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def error(raised):
    return raised.value.response["Error"]


@pytest.fixture
def iam(aws):
    return aws("iam")


@pytest.fixture
def user(iam, aws):
    """Clients of a user without permissions."""
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return lambda service, **options: aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"], **options)


@pytest.fixture
def queue(aws):
    return aws("sqs").create_queue(QueueName="orders")["QueueUrl"]


def give(iam, *statements):
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy(*statements))


def may(call, **request):
    try:
        call(**request)
    except ClientError as refusal:
        assert refusal.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
        return False
    return True


def test_a_json_service_says_what_is_missing(user, queue, account):
    with pytest.raises(ClientError) as raised:
        user("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert error(raised)["Code"] == "AccessDenied"
    assert error(raised)["Message"] == (
        f"User: arn:aws:iam::{account.account_id}:user/ann is not authorized to perform: sqs:SendMessage on resource: "
        f"arn:aws:sqs:us-east-1:{account.account_id}:orders because no identity-based policy allows the "
        f"sqs:SendMessage action"
    )


def test_each_protocol_has_its_code_and_status(user):
    with pytest.raises(ClientError) as raised:
        user("iam").list_users()
    assert error(raised)["Code"] == "AccessDenied"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError) as raised:
        user("dynamodb").list_tables()
    assert error(raised)["Code"] == "AccessDeniedException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as raised:
        user("ec2").describe_vpcs()
    assert error(raised)["Code"] == "UnauthorizedOperation"


def test_ec2_seals_the_particulars_and_sts_opens_them(user, aws):
    with pytest.raises(ClientError) as raised:
        user("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    message = error(raised)["Message"]
    assert message.startswith("You are not authorized to perform this operation. User: ")
    encoded = message.rpartition("Encoded authorization failure message: ")[2]
    decoded = json.loads(aws("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["context"]["action"] == "ec2:CreateVpc"
    assert decoded["explicitDeny"] is False
    assert not may(user("sts").decode_authorization_message, EncodedMessage=encoded)
    with pytest.raises(ClientError) as raised:
        aws("sts").decode_authorization_message(EncodedMessage="nothing")
    assert error(raised)["Code"] == "InvalidAuthorizationMessageException"


def test_a_permission_is_for_one_queue(iam, user, aws, queue, account):
    other = aws("sqs").create_queue(QueueName="other")["QueueUrl"]
    give(iam, allow("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{account.account_id}:orders"))
    sqs = user("sqs")
    assert may(sqs.send_message, QueueUrl=queue, MessageBody="hello")
    assert may(sqs.send_message_batch, QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "hello"}])
    assert not may(sqs.send_message, QueueUrl=other, MessageBody="hello")
    assert not may(sqs.receive_message, QueueUrl=queue)
    assert not may(user("dynamodb").list_tables)


def test_every_change_counts_from_the_next_request_on(iam, user, queue):
    def sees():
        return may(user("sqs").get_queue_attributes, QueueUrl=queue)

    assert not sees()
    iam.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    assert sees()
    iam.detach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    assert not sees()
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="read", PolicyDocument=policy(allow("sqs:Get*")))
    assert not sees()
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    assert sees()
    give(iam, deny("sqs:GetQueueAttributes"))
    assert not sees()
    iam.delete_user_policy(UserName="ann", PolicyName="own")
    assert sees()
    iam.remove_user_from_group(GroupName="readers", UserName="ann")
    assert not sees()
    made = iam.create_policy(PolicyName="own", PolicyDocument=policy(allow("sqs:*")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=made)
    assert sees()
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary="arn:aws:iam::aws:policy/IAMFullAccess")
    assert not sees()
    iam.delete_user_permissions_boundary(UserName="ann")
    assert sees()
    iam.create_policy_version(PolicyArn=made, PolicyDocument=policy(allow("s3:*")), SetAsDefault=True)
    assert not sees()
    iam.set_default_policy_version(PolicyArn=made, VersionId="v1")
    assert sees()


@pytest.fixture
def elsewhere(live_gateway, iam):
    """The user's clients of a gateway that is a process of its own."""
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    session = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=live_gateway, config=config)


def test_a_change_counts_in_another_process_from_the_next_request_on(elsewhere, iam, aws, queue):
    """While that process is busy with requests, and others change policies as well."""
    sqs = elsewhere("sqs")
    ended = Event()

    def read():
        busy = elsewhere("sqs")
        while not ended.is_set():
            may(busy.get_queue_attributes, QueueUrl=queue)

    def change():
        busy = aws("iam")
        while not ended.is_set():
            busy.put_user_policy(UserName="busy", PolicyName="own", PolicyDocument=policy(allow("sqs:*")))

    iam.create_user(UserName="busy")
    others = [Thread(target=read), Thread(target=change)]
    for other in others:
        other.start()
    try:
        for _ in range(50):
            iam.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
            assert may(sqs.get_queue_attributes, QueueUrl=queue)
            iam.detach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
            assert not may(sqs.get_queue_attributes, QueueUrl=queue)
    finally:
        ended.set()
        for other in others:
            other.join()


def test_a_process_that_hung_goes_on_by_what_changed_meanwhile(live_gateway_process, elsewhere, iam, queue):
    """Nobody waits for it for long, and it answers nothing by what it kept."""
    _, gateway_process = live_gateway_process
    sqs = elsewhere("sqs")
    with ThreadPoolExecutor(1) as asking:
        for _ in range(5):
            iam.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
            assert may(sqs.get_queue_attributes, QueueUrl=queue)
            os.kill(gateway_process, signal.SIGSTOP)
            try:
                iam.detach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
                answer = asking.submit(may, sqs.get_queue_attributes, QueueUrl=queue)
            finally:
                os.kill(gateway_process, signal.SIGCONT)
            assert not answer.result(60)


def test_an_explicit_deny_is_told_as_such(iam, user, queue):
    give(iam, allow("sqs:*"), deny("sqs:SendMessage"))
    with pytest.raises(ClientError) as raised:
        user("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert error(raised)["Message"].endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_is_told_as_such(iam, user, queue):
    give(iam, allow("sqs:*"))
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=READ_ONLY)
    with pytest.raises(ClientError) as raised:
        user("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert error(raised)["Message"].endswith("because no permissions boundary allows the sqs:SendMessage action")


def test_a_queues_policy_allows_and_denies(aws, user, queue, account):
    arn = f"arn:aws:iam::{account.account_id}:user/ann"
    statement = {**allow("sqs:SendMessage"), "Principal": {"AWS": arn}}
    aws("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(statement)})
    assert may(user("sqs").send_message, QueueUrl=queue, MessageBody="hello")
    aws("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy({**statement, "Effect": "Deny"})})
    with pytest.raises(ClientError) as raised:
        user("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert error(raised)["Message"].endswith("with an explicit deny in a resource-based policy")


def test_conditions_see_the_request(iam, user, aws, queue, account):
    give(
        iam,
        allow("sqs:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        allow(
            "sqs:GetQueueUrl", Condition={"StringEquals": {"aws:username": "ann", "aws:RequestedRegion": "us-east-1"}}
        ),
        allow("sqs:CreateQueue", Condition={"StringEquals": {"aws:RequestTag/team": "red"}}),
        allow("sqs:TagQueue", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}),
        allow("sqs:PurgeQueue", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}),
        allow("sqs:ListQueues", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
    )
    sqs = user("sqs")
    assert may(sqs.get_queue_url, QueueName="orders")
    assert not may(user("sqs", region_name="eu-west-1").get_queue_url, QueueName="orders")
    assert not may(sqs.list_queues)
    assert may(user("sqs", client_host="10.1.2.3").list_queues)
    assert may(sqs.create_queue, QueueName="tagged", tags={"team": "red"})
    assert not may(sqs.create_queue, QueueName="untagged", tags={"team": "blue"})
    assert may(sqs.tag_queue, QueueUrl=queue, Tags={"team": "blue"})
    assert not may(sqs.tag_queue, QueueUrl=queue, Tags={"team": "blue", "stage": "test"})
    assert not may(sqs.purge_queue, QueueUrl=queue)
    aws("sqs").tag_queue(QueueUrl=queue, Tags={"team": "red"})
    assert may(sqs.purge_queue, QueueUrl=queue)


def test_a_condition_key_says_what_is_so_of_the_caller(user, iam, aws, account):
    """Of a user and of a session of a role, each key with its own value, and with another one."""
    account_id = account.account_id
    iam.tag_user(UserName="ann", Tags=[{"Key": "team", "Value": "red"}])
    trust = policy({"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust, Tags=[{"Key": "team", "Value": "red"}])
    ann = iam.get_user(UserName="ann")["User"]
    iam.put_user_policy(UserName="ann", PolicyName="assume", PolicyDocument=policy(allow("sts:AssumeRole")))
    held = user("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="one")
    session = aws(
        "sqs",
        key=held["Credentials"]["AccessKeyId"],
        secret=held["Credentials"]["SecretAccessKey"],
        token=held["Credentials"]["SessionToken"],
    )
    of_both = {
        ("Bool", "aws:SecureTransport"): ("true", "false"),
        ("Bool", "aws:ViaAWSService"): ("false", "true"),
        ("StringEquals", "aws:PrincipalAccount"): (account_id, "000000000009"),
        ("StringEquals", "aws:PrincipalTag/team"): ("red", "blue"),
        ("StringEquals", "aws:ResourceAccount"): (account_id, "000000000009"),
        ("NumericGreaterThan", "aws:EpochTime"): ("1", "99999999999"),
        ("DateGreaterThan", "aws:CurrentTime"): ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
        ("IpAddress", "aws:SourceIp"): ("127.0.0.0/8", "10.0.0.0/8"),
    }
    of_user = {
        ("StringEquals", "aws:userid"): (ann["UserId"], "AIDAOTHER"),
        ("StringEquals", "aws:username"): ("ann", "bob"),
        ("StringEquals", "aws:PrincipalType"): ("User", "AssumedRole"),
        ("ArnEquals", "aws:PrincipalArn"): (ann["Arn"], role["Role"]["Arn"]),
        ("Null", "aws:MultiFactorAuthPresent"): ("true", "false"),
        ("Null", "aws:SourceArn"): ("true", "false"),
    }
    of_session = {
        ("StringEquals", "aws:userid"): (f"{role['Role']['RoleId']}:one", role["Role"]["RoleId"]),
        ("Null", "aws:username"): ("true", "false"),
        ("StringEquals", "aws:PrincipalType"): ("AssumedRole", "User"),
        ("ArnEquals", "aws:PrincipalArn"): (role["Role"]["Arn"], held["AssumedRoleUser"]["Arn"]),
        ("Bool", "aws:MultiFactorAuthPresent"): ("false", "true"),
    }

    def put(document):
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document)
        iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=document)

    for caller, keys in ((user("sqs"), of_both | of_user), (session, of_both | of_session)):
        for (operator, key), (right, wrong) in keys.items():
            put(policy(allow("sqs:ListQueues", Condition={operator: {key: right}})))
            assert may(caller.list_queues), key
            put(policy(allow("sqs:ListQueues", Condition={operator: {key: wrong}})))
            assert not may(caller.list_queues), key


def test_tags_of_resources_decide_in_every_service(iam, user, aws, account):
    """Each call is refused on what has no tag and allowed on what has it."""
    red = {"Key": "team", "Value": "red"}
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for name, tags in (("red", [red]), ("blue", [])):
        aws("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=tags,
        )
        aws("ecr").create_repository(repositoryName=name, tags=tags)
        aws("logs").create_log_group(logGroupName=name, tags={"team": name})
        aws("ecs").create_cluster(clusterName=name, tags=[{"key": "team", "value": "red"}] if tags else [])
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), Tags=tags)
    vpcs = {name: aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for name in ("red", "blue")}
    aws("ec2").create_tags(Resources=[vpcs["red"]], Tags=[red])
    give(iam, allow("*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))
    for name in ("red", "blue"):
        answers = {
            may(user("dynamodb").describe_table, TableName=name),
            may(user("ecr").list_images, repositoryName=name),
            may(user("logs").describe_log_streams, logGroupName=name),
            may(user("ecs").describe_clusters, clusters=[name]),
            may(user("iam").get_role, RoleName=name),
            may(user("ec2").create_security_group, GroupName="g", Description="g", VpcId=vpcs[name]) or name == "red",
            may(user("ec2").delete_vpc, VpcId=vpcs[name]),
        }
        assert answers == {name == "red"}


def test_a_repositorys_policy_allows(user, aws, account):
    aws("ecr").create_repository(repositoryName="web")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:user/ann"},
        "Action": "ecr:ListImages",
    }
    assert not may(user("ecr").list_images, repositoryName="web")
    aws("ecr").set_repository_policy(repositoryName="web", policyText=policy(statement))
    assert may(user("ecr").list_images, repositoryName="web")


def test_items_may_be_ones_own(iam, user, aws, account):
    aws("dynamodb").create_table(
        TableName="notes",
        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    mine = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
    table = f"arn:aws:dynamodb:*:{account.account_id}:table/notes"
    give(iam, allow(["dynamodb:PutItem", "dynamodb:GetItem"], table, Condition=mine))
    dynamodb = user("dynamodb")
    assert may(dynamodb.put_item, TableName="notes", Item={"owner": {"S": "ann"}})
    assert may(dynamodb.get_item, TableName="notes", Key={"owner": {"S": "ann"}})
    assert not may(dynamodb.get_item, TableName="notes", Key={"owner": {"S": "joe"}})
    assert not may(dynamodb.scan, TableName="notes")


def test_iam_is_judged_by_names_with_their_paths(iam, user, account):
    iam.create_role(
        RoleName="task",
        Path="/apps/",
        AssumeRolePolicyDocument=policy(
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ),
    )
    give(
        iam,
        allow("iam:GetRole", f"arn:aws:iam::{account.account_id}:role/apps/*"),
        allow("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}"),
    )
    assert may(user("iam").get_role, RoleName="task")
    assert not may(user("iam").get_role, RoleName="other")
    assert may(user("iam").list_access_keys)
    assert not may(user("iam").get_user)


def test_services_ask_for_a_permission_by_itself(iam, aws, context, account):
    made = iam.create_user(UserName="ann")["User"]
    caller = context.as_principal(
        Principal(type=PrincipalType.USER, arn=made["Arn"], account_id=account.account_id, user_id=made["UserId"])
    )
    role = f"arn:aws:iam::{account.account_id}:role/task"
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    with pytest.raises(AccessDeniedException, match="no identity-based policy allows the iam:PassRole action"):
        require_access(caller, ("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}))
    give(iam, allow("iam:PassRole", role, Condition=to_tasks))
    require_access(caller, ("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}))
    with pytest.raises(AccessDeniedException):
        require_access(caller, ("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"}))
    require_access(context, ("iam:PassRole", role))


def test_a_resource_policy_that_decides_must_agree(iam, context, account):
    made = iam.create_user(UserName="ann")["User"]
    caller = context.as_principal(
        Principal(type=PrincipalType.USER, arn=made["Arn"], account_id=account.account_id, user_id=made["UserId"])
    )
    documents = {"a": policy({**allow("vault:*"), "Principal": {"AWS": account.account_id}}), "b": policy()}

    async def find(_context, arn):
        return documents[arn.rpartition(":")[2]]

    register_resource_policies("vault", find, decides=True)
    give(iam, allow("vault:Open"))
    require_access(caller, ("vault:Open", f"arn:aws:vault:us-east-1:{account.account_id}:a"))
    with pytest.raises(AccessDeniedException, match="because no resource-based policy allows the vault:Open action"):
        require_access(caller, ("vault:Open", f"arn:aws:vault:us-east-1:{account.account_id}:b"))


def test_the_admin_api_explains_and_suggests(live_gateway, iam, queue, account):
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    elsewhere = boto3.client(
        "sqs",
        endpoint_url=live_gateway,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    give(iam, {**allow("sqs:GetQueueAttributes"), "Sid": "Look"})
    request_id = wait_for(lambda: allowed_request_id(elsewhere, queue), what="the permission in another process")
    [decision] = ask(live_gateway, "explain", requestId=request_id)["decisions"]
    assert (decision["effect"], decision["policy"]) == ("allowed", "inline policy own of user ann")
    assert (decision["statement"], decision["missing"]) == ("Look", None)
    with pytest.raises(ClientError) as raised:
        elsewhere.purge_queue(QueueUrl=queue)
    explained = ask(live_gateway, "explain", requestId=raised.value.response["ResponseMetadata"]["RequestId"])
    arn = f"arn:aws:sqs:us-east-1:{account.account_id}:orders"
    assert explained["operation"] == "PurgeQueue"
    assert explained["decisions"][0]["missing"] == {"Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": arn}
    ann = f"arn:aws:iam::{account.account_id}:user/ann"
    suggested = wait_for(lambda: complete_suggestion(live_gateway, ann), what="the uses to be written down")
    assert suggested["policy"]["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:GetQueueAttributes"], "Resource": [arn]}
    ]
    refused = {action for statement in suggested["missing"]["Statement"] for action in statement["Action"]}
    assert "sqs:PurgeQueue" in refused


def allowed_request_id(client, queue):
    try:
        return client.get_queue_attributes(QueueUrl=queue)["ResponseMetadata"]["RequestId"]
    except ClientError:
        return None


def complete_suggestion(gateway, principal_arn):
    suggested = ask(gateway, "suggest", principalArn=principal_arn)
    return suggested if suggested["policy"] and suggested["missing"] else None


def ask(gateway, what, **query):
    """The admin API's answer, once it has one: records are handed on every tenth of a second."""
    url = f"{gateway}/_simfra/iam/{what}?{urlencode(query)}"
    return wait_for(lambda: answer_of(url), what=url)


def answer_of(url):
    response = requests.get(url, timeout=10)
    return response.json() if response.status_code == 200 else None


def test_sessions_of_users_may_not_manage_iam(iam, user, aws):
    give(iam, allow("*"))
    credentials = user("sts").get_session_token()["Credentials"]
    session = {
        "key": credentials["AccessKeyId"],
        "secret": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
    }
    assert may(aws("sqs", **session).list_queues)
    with pytest.raises(ClientError) as raised:
        aws("iam", **session).list_users()
    assert error(raised)["Code"] == "InvalidClientTokenId"


def test_uses_are_written_down_once_a_second_at_most(iam, user, queue, account):
    give(iam, allow("sqs:GetQueueAttributes"))
    for _ in range(3):
        user("sqs").get_queue_attributes(QueueUrl=queue)
    assert not may(user("sqs").purge_queue, QueueUrl=queue)
    run_on_loop(used_actions.flush())
    suggestion = suggest(f"arn:aws:iam::{account.account_id}:user/ann")
    arn = f"arn:aws:sqs:us-east-1:{account.account_id}:orders"
    assert suggestion.calls == 4
    assert suggestion.policy["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:GetQueueAttributes"], "Resource": [arn]}
    ]
    assert suggestion.missing["Statement"] == [{"Effect": "Allow", "Action": ["sqs:PurgeQueue"], "Resource": [arn]}]
