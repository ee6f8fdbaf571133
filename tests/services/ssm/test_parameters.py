"""Putting, reading and deleting parameters; versions, labels, tiers, names."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from aws_api.services.ssm.models import ParameterVersion


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def put(ssm, name, value="v", **members):
    return ssm.put_parameter(Name=name, Value=value, **({"Type": "String"} | members))


def test_a_parameter_is_read_as_it_was_put(ssm, account):
    assert put(ssm, "/app/url", "https://a", Description="d")["Version"] == 1
    parameter = ssm.get_parameter(Name="/app/url")["Parameter"]
    del parameter["LastModifiedDate"]
    assert parameter == {
        "Name": "/app/url",
        "Type": "String",
        "Value": "https://a",
        "Version": 1,
        "ARN": f"arn:aws:ssm:us-east-1:{account.account_id}:parameter/app/url",
        "DataType": "text",
    }
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["LastModifiedUser"] == f"arn:aws:iam::{account.account_id}:root"
    assert (described["Tier"], described["Description"], described["Policies"]) == ("Standard", "d", [])
    assert "Value" not in described


def test_a_list_of_strings_is_one_value_with_commas(ssm):
    ssm.put_parameter(Name="/app/hosts", Value="a,b,c", Type="StringList")
    for answer in (
        ssm.get_parameter(Name="/app/hosts")["Parameter"],
        ssm.get_parameters(Names=["/app/hosts"])["Parameters"][0],
        ssm.get_parameters_by_path(Path="/app")["Parameters"][0],
        ssm.get_parameter_history(Name="/app/hosts")["Parameters"][0],
    ):
        assert (answer["Type"], answer["Value"]) == ("StringList", "a,b,c")


def test_overwriting_makes_a_version_and_keeps_the_older_ones(ssm):
    put(ssm, "url", "one", Description="d", AllowedPattern="[a-z]+")
    with pytest.raises(ClientError, match="To overwrite this value, set the overwrite option") as error:
        put(ssm, "url", "two")
    assert code_of(error) == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name="url", Value="two", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name="url")["Parameter"]["Value"] == "two"
    old = ssm.get_parameter(Name="url:1")["Parameter"]
    assert (old["Value"], old["Selector"], old["Name"]) == ("one", ":1", "url")
    history = ssm.get_parameter_history(Name="url")["Parameters"]
    assert [(each["Version"], each["Value"], each["Description"]) for each in history] == [
        (1, "one", "d"),
        (2, "two", "d"),
    ]
    with pytest.raises(ClientError) as error:
        ssm.put_parameter(Name="url", Value="2", Overwrite=True)
    assert code_of(error) == "ParameterPatternMismatchException"


@pytest.mark.parametrize("form", ["{name}", "{arn}", "{arn}:1", "{name}:1"])
@pytest.mark.parametrize("name", ["plain", "/slashed", "/deep/er"])
def test_a_parameter_is_named_by_name_or_arn(ssm, account, form, name):
    put(ssm, name, "x")
    arn = f"arn:aws:ssm:us-east-1:{account.account_id}:parameter/{name.removeprefix('/')}"
    assert ssm.get_parameter(Name=form.format(name=name, arn=arn))["Parameter"]["Name"] == name
    assert ssm.get_parameters(Names=[form.format(name=name, arn=arn)])["Parameters"][0]["ARN"] == arn


def test_what_is_not_there_is_not_found(ssm, account):
    put(ssm, "here")
    for call in (ssm.get_parameter, ssm.delete_parameter, ssm.get_parameter_history):
        with pytest.raises(ClientError) as error:
            call(Name="/nothing")
        assert code_of(error) == "ParameterNotFound"
    for selector in (":2", ":prod"):
        with pytest.raises(ClientError, match="Systems Manager could not find") as error:
            ssm.get_parameter(Name=f"here{selector}")
        assert code_of(error) == "ParameterVersionNotFound"
    with pytest.raises(ClientError) as error:
        ssm.get_parameter(Name="arn:aws:ssm:us-east-1:123456789012:parameter/here")
    assert code_of(error) == "AccessDeniedException"
    answer = ssm.get_parameters(Names=["here", "there", "here:9"])
    assert [each["Name"] for each in answer["Parameters"]] == ["here"]
    assert answer["InvalidParameters"] == ["there", "here:9"]


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("awsome", "ValidationException", 'can\'t be prefixed with "aws" or "ssm"'),
        ("/SSM/x", "ValidationException", 'can\'t be prefixed with "ssm"'),
        ("/aws/mine", "AccessDeniedException", "No access to reserved parameter name: /aws/mine"),
        ("a/b", "ValidationException", "must be a fully qualified name"),
        ("/a//b", "ValidationException", "empty sub-paths"),
        ("with space", "ValidationException", "can only contain letters, numbers"),
        ("/" + "/".join("abcdefghijklmnop"), "HierarchyLevelLimitExceededException", "maximum depth of 15 levels"),
    ],
)
def test_names_that_no_parameter_may_have_are_refused(ssm, name, code, message):
    with pytest.raises(ClientError, match=message) as error:
        put(ssm, name)
    assert code_of(error) == code


def test_fifteen_levels_are_allowed(ssm):
    assert put(ssm, "/" + "/".join("abcdefghijklmno"))["Version"] == 1


def test_the_tier_goes_by_the_value_and_never_back(ssm):
    with pytest.raises(ClientError, match="maximum parameter value of 4096 characters") as error:
        put(ssm, "large", "x" * 4097)
    assert code_of(error) == "ValidationException"
    assert put(ssm, "large", "x" * 4097, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    with pytest.raises(ClientError, match="can't downgrade a parameter"):
        put(ssm, "large", "x", Tier="Standard", Overwrite=True)
    assert put(ssm, "large", "x", Overwrite=True)["Tier"] == "Advanced"
    with pytest.raises(ClientError, match="maximum parameter value of 8192 characters"):
        put(ssm, "larger", "x" * 8193, Tier="Advanced")


def test_policies_are_checked_and_described(ssm):
    policy = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2030-01-01T00:00:00.000Z"}}
    put(ssm, "short-lived", Tier="Advanced", Policies=json.dumps([policy]))
    (described,) = ssm.describe_parameters()["Parameters"]
    (stored,) = described["Policies"]
    assert (stored["PolicyType"], stored["PolicyStatus"]) == ("Expiration", "Pending")
    assert json.loads(stored["PolicyText"]) == policy
    for policies, code in (
        ("nonsense", "InvalidPolicyAttributeException"),
        (json.dumps([{"Type": "Other"}]), "InvalidPolicyTypeException"),
        (json.dumps([{"Type": "Expiration", "Attributes": {"Timestamp": "soon"}}]), "InvalidPolicyAttributeException"),
        (json.dumps([{"Type": "Expiration", "Attributes": {}}]), "InvalidPolicyAttributeException"),
        (json.dumps([policy] * 11), "PoliciesLimitExceededException"),
    ):
        with pytest.raises(ClientError) as error:
            put(ssm, "other", Tier="Advanced", Policies=policies)
        assert code_of(error) == code
    with pytest.raises(ClientError, match="advanced-tier parameters only"):
        put(ssm, "other", Policies=json.dumps([policy]))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"AllowedPattern": "["}, "InvalidAllowedPatternException"),
        ({"AllowedPattern": r"\d+"}, "ParameterPatternMismatchException"),
        ({"DataType": "number"}, "ValidationException"),
        ({"DataType": "aws:ec2:image"}, "ValidationException"),
        ({"KeyId": "alias/aws/ssm"}, "ValidationException"),
        ({"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException"),
        ({"Tags": [{"Key": "aws:a", "Value": "b"}]}, "ValidationException"),
    ],
)
def test_members_that_do_not_fit_are_refused(ssm, members, code):
    with pytest.raises(ClientError) as error:
        put(ssm, "param", **members)
    assert code_of(error) == code


def test_a_new_parameter_needs_a_type(ssm):
    with pytest.raises(ClientError, match="A parameter type is required when you create a parameter") as error:
        ssm.put_parameter(Name="untyped", Value="x")
    assert code_of(error) == "ValidationException"


def test_a_label_selects_a_version_and_moves(ssm):
    put(ssm, "url", "one")
    put(ssm, "url", "two", Overwrite=True)
    answer = ssm.label_parameter_version(Name="url", ParameterVersion=1, Labels=["prod", "aws-x", "1st", "old"])
    assert (answer["InvalidLabels"], answer["ParameterVersion"]) == (["aws-x", "1st"], 1)
    found = ssm.get_parameter(Name="url:prod")["Parameter"]
    assert (found["Value"], found["Selector"]) == ("one", ":prod")
    ssm.label_parameter_version(Name="url", Labels=["prod"])
    assert ssm.get_parameter(Name="url:prod")["Parameter"]["Value"] == "two"
    history = ssm.get_parameter_history(Name="url")["Parameters"]
    assert [each["Labels"] for each in history] == [["old"], ["prod"]]
    gone = ssm.unlabel_parameter_version(Name="url", ParameterVersion=2, Labels=["prod", "none"])
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["prod"], ["none"])
    with pytest.raises(ClientError) as error:
        ssm.get_parameter(Name="url:prod")
    assert code_of(error) == "ParameterVersionNotFound"
    with pytest.raises(ClientError) as error:
        ssm.label_parameter_version(Name="url", ParameterVersion=9, Labels=["x"])
    assert code_of(error) == "ParameterVersionNotFound"
    with pytest.raises(ClientError) as error:
        ssm.label_parameter_version(Name="url", ParameterVersion=1, Labels=[f"l{n}" for n in range(10)])
    assert code_of(error) == "ParameterVersionLabelLimitExceeded"


def test_the_hundred_and_first_version_drops_the_oldest_unless_it_has_a_label(ssm, account):
    put(ssm, "counter", "1")
    first = ParameterVersion.objects.get(parameter__account_id=account.account_id)
    for number in range(2, 101):
        first.pk, first.version = None, number
        first.save(force_insert=True)
    first.parameter.latest_version = 100
    first.parameter.save()
    assert put(ssm, "counter", "101", Overwrite=True)["Version"] == 101
    with pytest.raises(ClientError):
        ssm.get_parameter(Name="counter:1")
    ssm.label_parameter_version(Name="counter", ParameterVersion=2, Labels=["keep"])
    with pytest.raises(ClientError, match="Version 2, the oldest version, can't be deleted") as error:
        put(ssm, "counter", "102", Overwrite=True)
    assert code_of(error) == "ParameterMaxVersionLimitExceeded"


def test_deleting_says_what_was_there(ssm):
    put(ssm, "a")
    put(ssm, "b")
    put(ssm, "c")
    ssm.delete_parameter(Name="c")
    answer = ssm.delete_parameters(Names=["a", "b", "c"])
    assert (answer["DeletedParameters"], answer["InvalidParameters"]) == (["a", "b"], ["c"])
    assert ssm.describe_parameters()["Parameters"] == []


def test_versions_put_at_once_are_all_numbered(aws, ssm):
    put(ssm, "busy")
    clients = [aws("ssm") for _ in range(8)]
    with ThreadPoolExecutor(8) as executor:
        versions = list(executor.map(lambda each: put(each, "busy", Overwrite=True)["Version"], clients))
    assert sorted(versions) == list(range(2, 10))


def test_tags_come_and_go(ssm):
    put(ssm, "/t", Tags=[{"Key": "a", "Value": "1"}])
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/t", Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId="/t", TagKeys=["a"])
    listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/t")["TagList"]
    assert listed == [{"Key": "b", "Value": "2"}]
    for resource_type in ("Parameter", "Document"):
        with pytest.raises(ClientError) as error:
            ssm.list_tags_for_resource(ResourceType=resource_type, ResourceId="nothing")
        assert code_of(error) == "InvalidResourceId"


def test_the_ecs_optimized_image_is_published(aws):
    name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended"
    values = {}
    for region in ("us-east-1", "eu-west-1"):
        ssm = aws("ssm", region_name=region)
        parameter = ssm.get_parameter(Name=name)["Parameter"]
        assert parameter["ARN"] == f"arn:aws:ssm:{region}::parameter{name}"
        recommended = json.loads(parameter["Value"])
        assert recommended["os"] == "Amazon Linux 2023"
        image_id = ssm.get_parameters(Names=[f"{name}/image_id"])["Parameters"][0]["Value"]
        assert image_id == recommended["image_id"]
        values[region] = image_id
    assert values["us-east-1"] != values["eu-west-1"]
    below = aws("ssm").get_parameters_by_path(Path=name)["Parameters"]
    assert f"{name}/image_id" in {each["Name"] for each in below}
    with pytest.raises(ClientError) as error:
        aws("ssm").get_parameter(Name="/aws/service/nothing")
    assert code_of(error) == "ParameterNotFound"
