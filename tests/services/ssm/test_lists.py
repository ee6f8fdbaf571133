"""Hierarchies, filters and pages."""

import pytest
from botocore.exceptions import ClientError

from tests.services.ssm.test_parameters import code_of, put


@pytest.fixture
def tree(ssm):
    for name in ("/app/a", "/app/b", "/app/deep/c", "/app/deep/er/d", "/application/x", "flat"):
        put(ssm, name)
    return ssm


def names(answer):
    return [each["Name"] for each in answer["Parameters"]]


@pytest.mark.parametrize(
    ("path", "recursive", "expected"),
    [
        ("/app", False, ["/app/a", "/app/b"]),
        ("/app/", False, ["/app/a", "/app/b"]),
        ("/app", True, ["/app/a", "/app/b", "/app/deep/c", "/app/deep/er/d"]),
        ("/app/deep", False, ["/app/deep/c"]),
        ("/", False, []),
        ("/", True, ["/app/a", "/app/b", "/app/deep/c", "/app/deep/er/d", "/application/x"]),
        ("/none", True, []),
    ],
)
def test_a_path_holds_what_is_below_it(tree, path, recursive, expected):
    assert sorted(names(tree.get_parameters_by_path(Path=path, Recursive=recursive))) == expected


def test_a_path_begins_with_a_slash(ssm):
    with pytest.raises(ClientError, match='must begin with a forward slash "/"') as error:
        ssm.get_parameters_by_path(Path="app")
    assert code_of(error) == "ValidationException"


def test_lists_come_in_pages(tree):
    pages = tree.get_paginator("get_parameters_by_path").paginate(
        Path="/", Recursive=True, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Parameters"]) for page in pages] == [2, 2, 1]
    pages = list(tree.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 4}))
    assert [len(page["Parameters"]) for page in pages] == [4, 2]
    with pytest.raises(ClientError) as error:
        tree.describe_parameters(NextToken="nonsense")
    assert code_of(error) == "InvalidNextToken"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([{"Key": "Name", "Values": ["flat"]}], ["flat"]),
        ([{"Key": "Name", "Option": "BeginsWith", "Values": ["/app/"]}], ["/app/a", "/app/list", "/app/secret"]),
        ([{"Key": "Name", "Option": "Contains", "Values": ["list", "lat"]}], ["/app/list", "flat"]),
        ([{"Key": "Type", "Values": ["SecureString"]}], ["/app/secret"]),
        ([{"Key": "KeyId", "Values": ["alias/aws/ssm"]}], ["/app/secret"]),
        ([{"Key": "Tier", "Values": ["Advanced"]}], ["/app/a"]),
        ([{"Key": "Path", "Values": ["/app"]}], ["/app/a", "/app/list", "/app/secret"]),
        ([{"Key": "tag:team", "Values": ["a"]}], ["/app/list"]),
        ([{"Key": "tag:team"}], ["/app/list", "flat"]),
        ([{"Key": "tag:team"}, {"Key": "Type", "Values": ["String"]}], ["flat"]),
    ],
)
def test_filters_choose_parameters(ssm, given, expected):
    put(ssm, "/app/a", Tier="Advanced")
    put(ssm, "/app/list", "a,b", Type="StringList", Tags=[{"Key": "team", "Value": "a"}])
    put(ssm, "/app/secret", Type="SecureString")
    put(ssm, "flat", Tags=[{"Key": "team", "Value": "b"}])
    assert sorted(names(ssm.describe_parameters(ParameterFilters=given))) == expected


def test_the_older_filters_work_too(tree):
    assert names(tree.describe_parameters(Filters=[{"Key": "Name", "Values": ["flat"]}])) == ["flat"]


def test_a_path_is_filtered_by_label_and_type(tree):
    tree.label_parameter_version(Name="/app/b", Labels=["prod"])
    put(tree, "/app/b", "newer", Overwrite=True)
    (found,) = tree.get_parameters_by_path(Path="/app", ParameterFilters=[{"Key": "Label", "Values": ["prod"]}])[
        "Parameters"
    ]
    assert (found["Name"], found["Version"]) == ("/app/b", 1)
    nothing = tree.get_parameters_by_path(Path="/app", ParameterFilters=[{"Key": "Type", "Values": ["SecureString"]}])
    assert nothing["Parameters"] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([{"Key": "Color", "Values": ["x"]}], "ValidationException"),
        ([{"Key": "Label", "Values": ["x"]}], "InvalidFilterKey"),
        ([{"Key": "Type", "Option": "BeginsWith", "Values": ["S"]}], "InvalidFilterOption"),
        ([{"Key": "Name"}], "InvalidFilterValue"),
        ([{"Key": "Path", "Values": ["nonsense"]}], "InvalidFilterValue"),
        ([{"Key": "Name", "Values": ["a"]}, {"Key": "Name", "Values": ["b"]}], "InvalidFilterKey"),
    ],
)
def test_filters_that_cannot_be_are_refused(ssm, given, code):
    with pytest.raises(ClientError) as error:
        ssm.describe_parameters(ParameterFilters=given)
    assert code_of(error) == code
