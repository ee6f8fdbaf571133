"""Route 53 by boto3: zones and their VPCs, batches of changes, lists, and what the resolvers of VPCs are told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.dns import VpcReference, zones_of

REGION = "us-east-1"


@pytest.fixture
def route53(aws: Callable[..., Any]) -> Any:
    return aws("route53")


@pytest.fixture
def vpc_id(aws: Callable[..., Any]) -> str:
    return str(aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def zone_id(route53: Any, vpc_id: str) -> str:
    return create(route53, "internal.example", vpc_id)


@contextmanager
def refused(code: str, message: str = "") -> Iterator[None]:
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    assert message in error["Message"]


def create(route53: Any, name: str, vpc_id: str | None = None, reference: str = "") -> str:
    vpc = {"VPC": {"VPCId": vpc_id, "VPCRegion": REGION}} if vpc_id else {}
    made = route53.create_hosted_zone(Name=name, CallerReference=reference or f"{name} {vpc_id}", **vpc)
    return str(made["HostedZone"]["Id"].removeprefix("/hostedzone/"))


def record(name: str, type_: str, *values: str, **members: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": type_,
        "TTL": 60,
        "ResourceRecords": [{"Value": value} for value in values],
        **members,
    }


def change(route53: Any, zone_id: str, *changes: tuple[str, dict[str, Any]]) -> Any:
    batch = [{"Action": action, "ResourceRecordSet": record_set} for action, record_set in changes]
    return route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": batch})


def names(route53: Any, zone_id: str, **options: Any) -> list[tuple[str, str]]:
    answer = route53.list_resource_record_sets(HostedZoneId=zone_id, **options)
    return [(found["Name"], found["Type"]) for found in answer["ResourceRecordSets"]]


def seen(account: Any, vpc_id: str) -> dict[str, list[str]]:
    """What the VPC's resolver is told: the values by name and type, without SOA and NS."""
    vpc = VpcReference(account_id=account.account_id, region=REGION, vpc_id=vpc_id)
    return {
        f"{found.name} {found.type}": [*found.values, *filter(None, [found.alias])]
        for zone in zones_of(vpc)
        for found in zone.records
        if found.type not in ("SOA", "NS")
    }


def test_a_private_zone_is_seen_by_its_vpc_alone(route53: Any, account: Any, aws: Callable[..., Any]) -> None:
    ec2 = aws("ec2")
    one, two = (ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    zone_id = create(route53, "Internal.Example", one)
    change(route53, zone_id, ("CREATE", record("web.internal.example", "A", "10.0.1.5")))
    assert seen(account, one) == {"web.internal.example A": ["10.0.1.5"]}
    assert seen(account, two) == {}
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone_id, VPC={"VPCId": two, "VPCRegion": REGION})
    assert seen(account, two) == {"web.internal.example A": ["10.0.1.5"]}
    route53.disassociate_vpc_from_hosted_zone(HostedZoneId=zone_id, VPC={"VPCId": one, "VPCRegion": REGION})
    assert seen(account, one) == {}
    with refused("LastVPCAssociation"):
        route53.disassociate_vpc_from_hosted_zone(HostedZoneId=zone_id, VPC={"VPCId": two, "VPCRegion": REGION})


def test_a_zone_is_described_with_its_vpcs_and_counted_records(route53: Any, zone_id: str, vpc_id: str) -> None:
    answer = route53.get_hosted_zone(Id=zone_id)
    assert answer["HostedZone"]["Name"] == "internal.example."
    assert answer["HostedZone"]["Config"] == {"PrivateZone": True}
    assert answer["HostedZone"]["ResourceRecordSetCount"] == 2
    assert answer["VPCs"] == [{"VPCRegion": REGION, "VPCId": vpc_id}]
    assert names(route53, zone_id) == [("internal.example.", "NS"), ("internal.example.", "SOA")]


def test_a_public_zone_has_name_servers_and_is_seen_by_every_vpc(route53: Any, account: Any, vpc_id: str) -> None:
    made = route53.create_hosted_zone(Name="example.org", CallerReference="one")
    assert len(made["DelegationSet"]["NameServers"]) == 4
    zone_id = made["HostedZone"]["Id"]
    change(route53, zone_id, ("CREATE", record("www.example.org", "CNAME", "web.example.org")))
    assert seen(account, vpc_id) == {"www.example.org CNAME": ["web.example.org"]}


def test_what_cannot_be_a_zone_is_refused(route53: Any, vpc_id: str, zone_id: str) -> None:
    with refused("HostedZoneAlreadyExists"):
        create(route53, "other.example", None, reference=f"internal.example {vpc_id}")
    with refused("ConflictingDomainExists", zone_id):
        create(route53, "internal.example", vpc_id, reference="again")
    with refused("InvalidVPCId"):
        create(route53, "third.example", "vpc-0123456789abcdef0")
    with refused("InvalidDomainName"):
        create(route53, "a..b")
    with refused("NoSuchHostedZone", "No hosted zone found with ID: ZNOTHING"):
        route53.get_hosted_zone(Id="ZNOTHING")


def test_a_batch_is_all_or_nothing(route53: Any, zone_id: str, account: Any, vpc_id: str) -> None:
    with refused("InvalidChangeBatch", "[Tried to delete resource record set [name='no.internal.example.', type='A']"):
        change(
            route53,
            zone_id,
            ("CREATE", record("web.internal.example", "A", "10.0.1.5")),
            ("DELETE", record("no.internal.example", "A", "10.0.1.6")),
        )
    assert seen(account, vpc_id) == {}
    answer = change(
        route53,
        zone_id,
        ("CREATE", record("web.internal.example", "A", "10.0.1.5")),
        ("UPSERT", record("web.internal.example", "A", "10.0.1.7")),
    )
    change_id = answer["ChangeInfo"]["Id"]
    assert route53.get_change(Id=change_id)["ChangeInfo"]["Status"] == "INSYNC"
    assert seen(account, vpc_id) == {"web.internal.example A": ["10.0.1.7"]}


@pytest.mark.parametrize(
    ("action", "record_set", "message"),
    [
        ("CREATE", record("web.internal.example", "A", "10.0.1.5"), "but it already exists]"),
        ("DELETE", record("web.internal.example", "A", "10.9.9.9"), "values provided do not match the current values]"),
        ("CREATE", record("web.other.example", "A", "10.0.1.5"), "is not permitted in zone internal.example."),
        ("CREATE", record("internal.example", "CNAME", "a.b"), "is not permitted at apex in zone internal.example."),
        ("CREATE", record("web.internal.example", "CNAME", "a.b"), "conflicts with other records with the same DNS"),
        ("CREATE", record("x.internal.example", "A", "10.0.1"), "ARRDATAIllegalIPv4Address (Value is not a valid IPv4"),
        ("CREATE", record("x.internal.example", "TXT", "bare"), "InvalidCharacterString (Value should be enclosed in"),
        ("CREATE", record("x.internal.example", "CNAME", "a.b", "c.d"), "must contain exactly one"),
        ("CREATE", record("x.internal.example", "A", "10.0.0.1", "10.0.0.1"), "Duplicate Resource Record"),
        (
            "CREATE",
            record("web.internal.example", "A", "10.0.1.5", SetIdentifier="a", Weight=1),
            "non-weighted set exists with the same name and type",
        ),
        ("DELETE", record("internal.example", "NS", "a.b"), "at least one NS record"),
    ],
)
def test_a_change_that_cannot_be_says_why(
    route53: Any, zone_id: str, action: str, record_set: dict[str, Any], message: str
) -> None:
    change(route53, zone_id, ("CREATE", record("web.internal.example", "A", "10.0.1.5")))
    with refused("InvalidChangeBatch", message):
        change(route53, zone_id, (action, record_set))


def test_members_that_exclude_each_other_are_refused(route53: Any, zone_id: str) -> None:
    with refused("InvalidInput", "SetIdentifier"):
        change(route53, zone_id, ("CREATE", record("a.internal.example", "A", "10.0.0.1", Weight=1)))
    with refused("InvalidInput", "found none"):
        change(route53, zone_id, ("CREATE", {"Name": "a.internal.example", "Type": "A"}))


def test_record_sets_are_listed_by_reversed_labels_and_paged(route53: Any, zone_id: str) -> None:
    change(
        route53,
        zone_id,
        ("CREATE", record("b.internal.example", "A", "10.0.0.1")),
        ("CREATE", record("a.b.internal.example", "A", "10.0.0.1")),
        ("CREATE", record("*.internal.example", "TXT", '"any"')),
        ("CREATE", record("b.internal.example", "AAAA", "::1")),
    )
    expected = [
        ("internal.example.", "NS"),
        ("internal.example.", "SOA"),
        ("\\052.internal.example.", "TXT"),
        ("b.internal.example.", "A"),
        ("b.internal.example.", "AAAA"),
        ("a.b.internal.example.", "A"),
    ]
    assert names(route53, zone_id) == expected
    paged: list[tuple[str, str]] = []
    for page in route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone_id, PaginationConfig={"PageSize": 2}
    ):
        paged += [(found["Name"], found["Type"]) for found in page["ResourceRecordSets"]]
    assert paged == expected
    assert names(route53, zone_id, StartRecordName="b.internal.example", StartRecordType="AAAA") == expected[4:]


def test_routing_policies_are_told_to_the_resolver(route53: Any, zone_id: str, account: Any, vpc_id: str) -> None:
    alias = {"HostedZoneId": zone_id, "DNSName": "heavy.internal.example", "EvaluateTargetHealth": False}
    change(
        route53,
        zone_id,
        ("CREATE", record("heavy.internal.example", "A", "10.0.0.1", SetIdentifier="a", Weight=3)),
        ("CREATE", record("heavy.internal.example", "A", "10.0.0.2", SetIdentifier="b", Weight=1)),
        ("CREATE", record("many.internal.example", "A", "10.0.0.3", SetIdentifier="a", MultiValueAnswer=True)),
        ("CREATE", record("over.internal.example", "A", "10.0.0.4", SetIdentifier="s", Failover="SECONDARY")),
        ("CREATE", record("over.internal.example", "A", "10.0.0.5", SetIdentifier="p", Failover="PRIMARY")),
        ("CREATE", record("near.internal.example", "A", "10.0.0.6", SetIdentifier="e", Region="eu-west-1")),
        ("CREATE", {"Name": "also.internal.example", "Type": "A", "AliasTarget": alias}),
    )
    vpc = VpcReference(account_id=account.account_id, region=REGION, vpc_id=vpc_id)
    (zone,) = zones_of(vpc)
    told = [
        (found.name.partition(".")[0], found.policy.value, found.weight, found.values)
        for found in zone.records
        if found.type == "A"
    ]
    assert told == [
        ("also", "simple", 1, ()),
        ("heavy", "weighted", 3, ("10.0.0.1",)),
        ("heavy", "weighted", 1, ("10.0.0.2",)),
        ("many", "multivalue", 1, ("10.0.0.3",)),
        ("near", "simple", 1, ("10.0.0.6",)),
        ("over", "simple", 1, ("10.0.0.5",)),
    ]
    assert seen(account, vpc_id)["also.internal.example A"] == ["heavy.internal.example"]


def test_a_zone_with_records_is_not_deleted(route53: Any, zone_id: str, account: Any, vpc_id: str) -> None:
    web = record("web.internal.example", "A", "10.0.1.5")
    change(route53, zone_id, ("CREATE", web))
    with refused("HostedZoneNotEmpty"):
        route53.delete_hosted_zone(Id=zone_id)
    change(route53, zone_id, ("DELETE", web))
    route53.delete_hosted_zone(Id=zone_id)
    assert route53.list_hosted_zones()["HostedZones"] == []
    assert seen(account, vpc_id) == {}


def test_zones_are_listed_by_id_by_name_and_by_vpc(route53: Any, vpc_id: str) -> None:
    ids = {name: create(route53, name, vpc_id) for name in ("b.example", "a.example", "example")}
    listed = route53.list_hosted_zones(MaxItems="2")
    assert listed["IsTruncated"]
    rest = route53.list_hosted_zones(Marker=listed["NextMarker"])
    found = [zone["Id"].rpartition("/")[2] for zone in (*listed["HostedZones"], *rest["HostedZones"])]
    assert found == sorted(ids.values())
    by_name = route53.list_hosted_zones_by_name()["HostedZones"]
    assert [zone["Name"] for zone in by_name] == ["example.", "a.example.", "b.example."]
    (one,) = route53.list_hosted_zones_by_name(DNSName="b.example")["HostedZones"]
    assert one["Name"] == "b.example."
    by_vpc = route53.list_hosted_zones_by_vpc(VPCId=vpc_id, VPCRegion=REGION)["HostedZoneSummaries"]
    assert sorted(zone["HostedZoneId"] for zone in by_vpc) == sorted(ids.values())
    assert route53.get_hosted_zone_count()["HostedZoneCount"] == 3


def test_tags_and_comments_change(route53: Any, zone_id: str) -> None:
    route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=zone_id, AddTags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id, RemoveTagKeys=["a"])
    tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id)["ResourceTagSet"]
    assert tags == {"ResourceType": "hostedzone", "ResourceId": zone_id, "Tags": [{"Key": "b", "Value": "2"}]}
    route53.update_hosted_zone_comment(Id=zone_id, Comment="mine")
    assert route53.get_hosted_zone(Id=zone_id)["HostedZone"]["Config"]["Comment"] == "mine"


def test_health_checks_are_stored_and_healthy(route53: Any) -> None:
    config = {"Type": "HTTP", "IPAddress": "192.0.2.1", "Port": 80}
    made = route53.create_health_check(CallerReference="one", HealthCheckConfig=config)["HealthCheck"]
    again = route53.create_health_check(CallerReference="one", HealthCheckConfig=config)["HealthCheck"]
    assert again["Id"] == made["Id"]
    changed = route53.update_health_check(HealthCheckId=made["Id"], Port=81)["HealthCheck"]
    assert (changed["HealthCheckConfig"]["Port"], changed["HealthCheckVersion"]) == (81, 2)
    status = route53.get_health_check_status(HealthCheckId=made["Id"])["HealthCheckObservations"]
    assert status[0]["StatusReport"]["Status"].startswith("Success")
    route53.delete_health_check(HealthCheckId=made["Id"])
    with refused("NoSuchHealthCheck"):
        route53.get_health_check(HealthCheckId=made["Id"])


def test_a_vpc_of_another_account_needs_an_authorization(
    route53: Any, zone_id: str, aws: Callable[..., Any], database: None
) -> None:
    from aws_api.core.ids import new_account_id
    from aws_api.core.models import Account

    other = Account.objects.create(account_id=new_account_id())
    keys = {"key": other.root_access_key_id, "secret": other.root_secret_access_key}
    vpc = {"VPCId": aws("ec2", **keys).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"], "VPCRegion": REGION}
    theirs = aws("route53", **keys)
    with refused("NotAuthorizedException"):
        theirs.associate_vpc_with_hosted_zone(HostedZoneId=zone_id, VPC=vpc)
    route53.create_vpc_association_authorization(HostedZoneId=zone_id, VPC=vpc)
    assert route53.list_vpc_association_authorizations(HostedZoneId=zone_id)["VPCs"] == [vpc]
    theirs.associate_vpc_with_hosted_zone(HostedZoneId=zone_id, VPC=vpc)
    assert vpc in route53.get_hosted_zone(Id=zone_id)["VPCs"]
