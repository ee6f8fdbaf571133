"""Users, groups, roles and what hangs on them."""

import json

import pytest
from botocore.exceptions import ClientError

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]})
EXECUTION_ROLE_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


@pytest.fixture
def iam(aws):
    return aws("iam")


@pytest.fixture
def role(iam):
    return iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]


def refused(code, message, call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["Error"]["Message"] == message


def test_a_role_gives_back_its_trust_policy(iam, account):
    role = iam.create_role(
        RoleName="worker",
        Path="/app/",
        AssumeRolePolicyDocument=TRUST,
        Description="Works",
        MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "1"}],
    )["Role"]
    assert role["Arn"] == f"arn:aws:iam::{account.account_id}:role/app/worker"
    assert role["RoleId"].startswith("AROA")
    got = iam.get_role(RoleName="worker")["Role"]
    assert got["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (got["Description"], got["MaxSessionDuration"], got["Tags"]) == ("Works", 7200, [{"Key": "a", "Value": "1"}])
    assert "Tags" not in iam.list_roles(PathPrefix="/app/")["Roles"][0]


def test_names_are_taken_without_regard_to_case(iam, role):
    refused(
        "EntityAlreadyExists",
        "Role with name WORKER already exists.",
        iam.create_role,
        RoleName="WORKER",
        AssumeRolePolicyDocument=TRUST,
    )


def test_what_is_not_there_is_said_in_iams_words(iam):
    refused("NoSuchEntity", "The role with name nobody cannot be found.", iam.get_role, RoleName="nobody")
    refused("NoSuchEntity", "The user with name nobody cannot be found.", iam.get_user, UserName="nobody")
    refused("NoSuchEntity", "The group with name nobody cannot be found.", iam.get_group, GroupName="nobody")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ('{"Statement": []}', "Syntax errors in policy."),
        (POLICY, "Has prohibited field Resource"),
        (
            '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}',
            "Missing required field Principal",
        ),
        (
            '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}',
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
    ],
)
def test_a_trust_policy_must_be_one(iam, document, message):
    refused("MalformedPolicyDocument", message, iam.create_role, RoleName="bad", AssumeRolePolicyDocument=document)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"Effect": "Allow", "Action": "sqs:*"}, "Policy statement must contain resources."),
        ({"Effect": "Allow", "Resource": "*"}, "Policy statement must contain actions."),
        ({"Effect": "Maybe", "Action": "sqs:*", "Resource": "*"}, "Syntax errors in policy."),
        (
            {"Effect": "Allow", "Action": "everything", "Resource": "*"},
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        ({"Effect": "Allow", "Action": "sqs:*", "Resource": "q"}, 'Resource q must be in ARN format or "*".'),
        (
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Principal": "*"},
            "Policy document should not specify a principal.",
        ),
    ],
)
def test_a_permissions_policy_must_be_one(iam, statement, message):
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    refused("MalformedPolicyDocument", message, iam.create_policy, PolicyName="bad", PolicyDocument=document)


def test_a_role_is_deleted_only_when_nothing_hangs_on_it(iam, role):
    iam.attach_role_policy(RoleName="worker", PolicyArn=EXECUTION_ROLE_POLICY)
    iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=POLICY)
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="worker")

    def refused_as(rest):
        refused("DeleteConflict", f"Cannot delete entity, {rest}", iam.delete_role, RoleName="worker")

    refused_as("must remove roles from instance profile first.")
    iam.remove_role_from_instance_profile(InstanceProfileName="profile", RoleName="worker")
    refused_as("must detach all policies first.")
    iam.detach_role_policy(RoleName="worker", PolicyArn=EXECUTION_ROLE_POLICY)
    refused_as("must delete policies first.")
    iam.delete_role_policy(RoleName="worker", PolicyName="own")
    iam.delete_role(RoleName="worker")
    refused("NoSuchEntity", "The role with name worker cannot be found.", iam.get_role, RoleName="worker")


def test_a_user_is_deleted_only_when_nothing_hangs_on_it(iam):
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    conflict = "Cannot delete entity, must delete access keys first."
    refused("DeleteConflict", conflict, iam.delete_user, UserName="alice")
    iam.delete_access_key(UserName="alice", AccessKeyId=key)
    conflict = "Cannot delete entity, must remove users from group first."
    refused("DeleteConflict", conflict, iam.delete_user, UserName="alice")
    refused("DeleteConflict", conflict, iam.delete_group, GroupName="team")
    iam.remove_user_from_group(GroupName="team", UserName="alice")
    iam.delete_user(UserName="alice")
    iam.delete_group(GroupName="team")


def test_a_group_lists_its_users_and_a_user_its_groups(iam):
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="team", Path="/org/")
    iam.add_user_to_group(GroupName="team", UserName="alice")
    iam.add_user_to_group(GroupName="team", UserName="alice")
    group = iam.get_group(GroupName="team")
    assert group["Group"]["Arn"].endswith(":group/org/team")
    assert [user["UserName"] for user in group["Users"]] == ["alice"]
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="alice")["Groups"]] == ["team"]


def test_lists_page_by_marker(iam):
    for name in ("a", "b", "c", "d", "e"):
        iam.create_user(UserName=name)
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    assert [[user["UserName"] for user in page["Users"]] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    refused("ValidationError", "Invalid Marker.", iam.list_users, Marker="!")


def test_the_policies_of_aws_can_be_read_and_attached(iam, role):
    policy = iam.get_policy(PolicyArn=EXECUTION_ROLE_POLICY)["Policy"]
    version = iam.get_policy_version(PolicyArn=EXECUTION_ROLE_POLICY, VersionId=policy["DefaultVersionId"])
    assert "ecr:GetAuthorizationToken" in version["PolicyVersion"]["Document"]["Statement"][0]["Action"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=EXECUTION_ROLE_POLICY)
    iam.attach_role_policy(RoleName="worker", PolicyArn=EXECUTION_ROLE_POLICY)
    assert iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"] == [
        {"PolicyName": "AmazonECSTaskExecutionRolePolicy", "PolicyArn": EXECUTION_ROLE_POLICY}
    ]
    entities = iam.list_entities_for_policy(PolicyArn=EXECUTION_ROLE_POLICY)
    assert entities["PolicyRoles"] == [{"RoleName": "worker", "RoleId": role["RoleId"]}]
    attached = iam.list_policies(OnlyAttached=True)["Policies"]
    assert [(policy["Arn"], policy["AttachmentCount"]) for policy in attached] == [(EXECUTION_ROLE_POLICY, 1)]
    arn = "arn:aws:iam::aws:policy/NoSuchPolicy"
    refused(
        "NoSuchEntity",
        f"Policy {arn} does not exist or is not attachable.",
        iam.attach_role_policy,
        RoleName="worker",
        PolicyArn=arn,
    )


@pytest.mark.parametrize("arn", ["x" * 20, "arn:aws:sqs:us-east-1:123456789012:q", "arn:aws:iam::aws:policy/"])
def test_what_is_no_policys_arn_is_refused(iam, role, arn):
    refused("ValidationError", f"ARN {arn} is not valid.", iam.get_policy, PolicyArn=arn)
    refused("ValidationError", f"ARN {arn} is not valid.", iam.detach_role_policy, RoleName="worker", PolicyArn=arn)


def test_what_no_database_can_store_is_refused(iam):
    with pytest.raises(ClientError, match="is not valid"):
        iam.get_policy(PolicyArn="\0" * 20)


def test_at_most_ten_policies_are_on_a_role(iam, role):
    arns = [policy["Arn"] for policy in iam.list_policies(Scope="AWS", MaxItems=11)["Policies"]]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    refused(
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerRole: 10",
        iam.attach_role_policy,
        RoleName="worker",
        PolicyArn=arns[10],
    )


def test_a_managed_policy_has_up_to_five_versions_and_one_default(iam):
    arn = iam.create_policy(PolicyName="queues", PolicyDocument=POLICY)["Policy"]["Arn"]
    for number in (2, 3, 4, 5):
        version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY, SetAsDefault=number == 3)
        assert version["PolicyVersion"]["VersionId"] == f"v{number}"
    with pytest.raises(ClientError, match="can have up to 5 versions"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions if version["IsDefaultVersion"]] == ["v3"]
    conflict = "Cannot delete the default version of a policy."
    refused("DeleteConflict", conflict, iam.delete_policy_version, PolicyArn=arn, VersionId="v3")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    with pytest.raises(ClientError, match="This policy has more than one version"):
        iam.delete_policy(PolicyArn=arn)
    for number in (2, 3, 4, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", iam.get_policy, PolicyArn=arn)


def test_an_attached_policy_is_not_deleted(iam, role):
    arn = iam.create_policy(PolicyName="queues", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    conflict = "Cannot delete a policy attached to entities."
    refused("DeleteConflict", conflict, iam.delete_policy, PolicyArn=arn)
    iam.detach_role_policy(RoleName="worker", PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", iam.detach_role_policy, RoleName="worker", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


@pytest.mark.parametrize(("kind", "limit"), [("user", 2048), ("group", 5120), ("role", 10240)])
def test_inline_policies_of_each_kind_are_written_read_and_limited(iam, role, kind, limit):
    if kind != "role":
        getattr(iam, f"create_{kind}")(**{f"{kind.capitalize()}Name": "worker"})
    name = {f"{kind.capitalize()}Name": "worker"}
    getattr(iam, f"put_{kind}_policy")(**name, PolicyName="own", PolicyDocument=POLICY)
    got = getattr(iam, f"get_{kind}_policy")(**name, PolicyName="own")
    assert got["PolicyDocument"] == json.loads(POLICY)
    assert getattr(iam, f"list_{kind}_policies")(**name)["PolicyNames"] == ["own"]
    large = POLICY.replace("sqs:*", "sqs:" + "a" * limit)
    refused(
        "LimitExceeded",
        f"Maximum policy size of {limit} bytes exceeded for {kind} worker",
        getattr(iam, f"put_{kind}_policy"),
        **name,
        PolicyName="large",
        PolicyDocument=large,
    )
    getattr(iam, f"delete_{kind}_policy")(**name, PolicyName="own")
    refused(
        "NoSuchEntity",
        f"The {kind} policy with name own cannot be found.",
        getattr(iam, f"get_{kind}_policy"),
        **name,
        PolicyName="own",
    )


def test_a_boundary_counts_as_use_of_its_policy(iam):
    arn = iam.create_policy(PolicyName="most", PolicyDocument=POLICY)["Policy"]["Arn"]
    user = iam.create_user(UserName="alice", PermissionsBoundary=arn)["User"]
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.delete_user_permissions_boundary(UserName="alice")
    assert "PermissionsBoundary" not in iam.get_user(UserName="alice")["User"]


def test_an_instance_profile_carries_one_role(iam, role):
    iam.create_instance_profile(InstanceProfileName="profile", Path="/ecs/")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="worker")
    refused(
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        iam.add_role_to_instance_profile,
        InstanceProfileName="profile",
        RoleName="worker",
    )
    profile = iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"]
    assert profile["Arn"].endswith(":instance-profile/ecs/profile")
    assert [role["RoleName"] for role in profile["Roles"]] == ["worker"]
    assert len(iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"]) == 1


def test_tags_of_every_kind_are_written_and_removed(iam, role):
    iam.create_user(UserName="alice")
    arn = iam.create_policy(PolicyName="queues", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_instance_profile(InstanceProfileName="profile")
    for kind, name in (
        ("role", {"RoleName": "worker"}),
        ("user", {"UserName": "alice"}),
        ("policy", {"PolicyArn": arn}),
        ("instance_profile", {"InstanceProfileName": "profile"}),
    ):
        getattr(iam, f"tag_{kind}")(**name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        getattr(iam, f"untag_{kind}")(**name, TagKeys=["a"])
        assert getattr(iam, f"list_{kind}_tags")(**name)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_service_linked_role_belongs_to_its_service(iam):
    role = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
    assert role["Path"] == "/aws-service-role/ecs.amazonaws.com/"
    with pytest.raises(ClientError, match="only modifiable by AWS"):
        iam.delete_role(RoleName="AWSServiceRoleForECS")
    with pytest.raises(ClientError, match="has been taken in this account"):
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    task = iam.delete_service_linked_role(RoleName="AWSServiceRoleForECS")["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_the_account_has_one_alias_that_no_other_has(iam, account):
    alias = f"a{account.account_id}"
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_the_summary_counts(iam, role):
    iam.create_user(UserName="alice")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["Groups"]) == (1, 1, 0)


def test_the_rows_of_iam_are_the_same_in_every_region(aws, role):
    assert aws("iam", region_name="eu-west-1").get_role(RoleName="worker")["Role"]["RoleId"] == role["RoleId"]
