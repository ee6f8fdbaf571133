"""Network ACLs and their entries."""

from typing import Any

import pytest

from tests.services.ec2.conftest import Refused

HTTPS = {
    "RuleNumber": 100,
    "Protocol": "6",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "10.0.0.0/8",
    "PortRange": {"From": 443, "To": 443},
}


@pytest.fixture
def acl_id(ec2: Any, vpc_id: str) -> str:
    """An ACL of the VPC's that denies everything."""
    made: str = ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"]
    return made


def entries_of(ec2: Any, acl_id: str) -> list[dict[str, Any]]:
    (acl,) = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    entries: list[dict[str, Any]] = acl["Entries"]
    return entries


def test_a_new_acl_denies_and_the_default_one_allows(ec2: Any, vpc_id: str, acl_id: str) -> None:
    assert [(each["RuleNumber"], each["RuleAction"]) for each in entries_of(ec2, acl_id)] == [(32767, "deny")] * 2
    (default,) = ec2.describe_network_acls(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "default", "Values": ["true"]}]
    )["NetworkAcls"]
    assert [(each["Egress"], each["RuleNumber"]) for each in default["Entries"]] == [
        (True, 100),
        (True, 32767),
        (False, 100),
        (False, 32767),
    ]


def test_entries_are_made_replaced_and_deleted(
    ec2: Any, vpc_id: str, acl_id: str, refused: Refused, kicks: list[tuple[str, str]]
) -> None:
    kicks.clear()
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **HTTPS)
    assert {key.rpartition("/")[2] for _, key in kicks} == {vpc_id}
    with refused("NetworkAclEntryAlreadyExists"):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **HTTPS)
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **{**HTTPS, "Egress": True})
    ec2.replace_network_acl_entry(
        NetworkAclId=acl_id,
        **{**HTTPS, "Protocol": "icmp", "RuleAction": "deny", "IcmpTypeCode": {"Type": 8, "Code": -1}},
    )
    entry = next(each for each in entries_of(ec2, acl_id) if not each["Egress"])
    assert (entry["Protocol"], entry["RuleAction"]) == ("1", "deny")
    assert entry["IcmpTypeCode"] == {"Type": 8, "Code": -1}
    assert "PortRange" not in entry
    ec2.delete_network_acl_entry(NetworkAclId=acl_id, RuleNumber=100, Egress=False)
    with refused("InvalidNetworkAclEntry.NotFound"):
        ec2.delete_network_acl_entry(NetworkAclId=acl_id, RuleNumber=100, Egress=False)
    with refused("InvalidNetworkAclEntry.NotFound"):
        ec2.replace_network_acl_entry(NetworkAclId=acl_id, **HTTPS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"RuleNumber": 32767},
        {"RuleNumber": 0},
        {"Protocol": "nosuch"},
        {"CidrBlock": "10.0.0.0/33"},
        {"PortRange": {"From": 10, "To": 5}},
        {"PortRange": {}},
    ],
)
def test_a_wrong_entry_is_refused(ec2: Any, acl_id: str, refused: Refused, wrong: dict[str, Any]) -> None:
    with refused("InvalidParameterValue"):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **{**HTTPS, **wrong})


def test_a_direction_has_at_most_forty_entries(ec2: Any, acl_id: str, refused: Refused) -> None:
    for number in range(1, 41):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **{**HTTPS, "RuleNumber": number})
    with refused("NetworkAclEntryLimitExceeded"):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **{**HTTPS, "RuleNumber": 41})


def test_a_subnet_has_one_acl_at_a_time(ec2: Any, vpc_id: str, subnet_id: str, acl_id: str, refused: Refused) -> None:
    (default,) = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet_id]}])[
        "NetworkAcls"
    ]
    (association,) = default["Associations"]
    new_id = ec2.replace_network_acl_association(
        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id
    )["NewAssociationId"]
    with refused("DependencyViolation"):
        ec2.delete_network_acl(NetworkAclId=acl_id)
    with refused("InvalidAssociationID.NotFound"):
        ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id)
    other_vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_network_acl(VpcId=other_vpc_id)["NetworkAcl"]["NetworkAclId"]
    with refused("InvalidParameterValue"):
        ec2.replace_network_acl_association(AssociationId=new_id, NetworkAclId=foreign)
    ec2.replace_network_acl_association(AssociationId=new_id, NetworkAclId=default["NetworkAclId"])
    ec2.delete_network_acl(NetworkAclId=acl_id)
    with refused("InvalidParameterValue", f"cannot delete default network ACL {default['NetworkAclId']}"):
        ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])
