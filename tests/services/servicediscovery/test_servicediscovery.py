"""Cloud Map by boto3: namespaces and their zones, services, instances in API and DNS, health, operations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.dns import DnsRecord, VpcReference, zones_of

REGION = "us-east-1"


@pytest.fixture
def cloud_map(aws: Callable[..., Any]) -> Any:
    return aws("servicediscovery")


@pytest.fixture
def vpc_id(aws: Callable[..., Any]) -> str:
    return str(aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def namespace_id(cloud_map: Any, vpc_id: str) -> str:
    return target(cloud_map, cloud_map.create_private_dns_namespace(Name="local", Vpc=vpc_id), "NAMESPACE")


@contextmanager
def refused(code: str, message: str = "") -> Iterator[None]:
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    assert message in error["Message"]


def target(cloud_map: Any, answer: Any, kind: str) -> str:
    operation = cloud_map.get_operation(OperationId=answer["OperationId"])["Operation"]
    assert operation["Status"] == "SUCCESS", operation
    return str(operation["Targets"][kind])


def make_service(cloud_map: Any, namespace_id: str, name: str = "web", *types: str, **members: Any) -> str:
    policy = members.pop("policy", "MULTIVALUE")
    records = [{"Type": type_, "TTL": 10} for type_ in types]
    dns = {"DnsConfig": {"RoutingPolicy": policy, "DnsRecords": records}} if types else {}
    made = cloud_map.create_service(Name=name, NamespaceId=namespace_id, **dns, **members)["Service"]
    return str(made["Id"])


def register(cloud_map: Any, service_id: str, instance_id: str, address: str = "", **attributes: str) -> None:
    given = {**({"AWS_INSTANCE_IPV4": address} if address else {}), **attributes}
    answer = cloud_map.register_instance(ServiceId=service_id, InstanceId=instance_id, Attributes=given)
    assert target(cloud_map, answer, "INSTANCE") == instance_id


def resolved(account: Any, vpc_id: str) -> dict[str, list[DnsRecord]]:
    found: dict[str, list[DnsRecord]] = {}
    vpc = VpcReference(account_id=account.account_id, region=REGION, vpc_id=vpc_id)
    for zone in zones_of(vpc):
        for record in zone.records:
            if record.type not in ("SOA", "NS"):
                found.setdefault(f"{record.name} {record.type}", []).append(record)
    return found


def values(account: Any, vpc_id: str) -> dict[str, list[str]]:
    found = resolved(account, vpc_id).items()
    return {name: [value for record in records for value in record.values] for name, records in found}


def discovered(cloud_map: Any, **options: Any) -> list[str]:
    answer = cloud_map.discover_instances(NamespaceName="local", ServiceName="web", **options)
    return sorted(instance["InstanceId"] for instance in answer["Instances"])


def test_a_private_namespace_has_a_hosted_zone_that_cloud_map_alone_manages(
    cloud_map: Any, namespace_id: str, vpc_id: str, aws: Callable[..., Any]
) -> None:
    namespace = cloud_map.get_namespace(Id=namespace_id)["Namespace"]
    assert namespace["Type"] == "DNS_PRIVATE"
    assert namespace["Arn"].endswith(f":namespace/{namespace_id}")
    zone_id = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    route53 = aws("route53")
    zone = route53.get_hosted_zone(Id=zone_id)
    assert zone["HostedZone"]["Name"] == "local."
    assert zone["HostedZone"]["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com"
    assert zone["VPCs"] == [{"VPCRegion": REGION, "VPCId": vpc_id}]
    with refused("NotAuthorizedException", "can only be managed through"):
        route53.delete_hosted_zone(Id=zone_id)
    target(cloud_map, cloud_map.delete_namespace(Id=namespace_id), "NAMESPACE")
    with refused("NoSuchHostedZone"):
        route53.get_hosted_zone(Id=zone_id)


def test_instances_are_in_dns_and_gone_from_it(cloud_map: Any, namespace_id: str, account: Any, vpc_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id, "web", "A")
    register(cloud_map, service_id, "i-1", "10.0.1.5")
    register(cloud_map, service_id, "i-2", "10.0.1.6")
    found = resolved(account, vpc_id)["web.local A"]
    assert [(record.values, record.policy.value, record.ttl_s) for record in found] == [
        (("10.0.1.5",), "multivalue", 10),
        (("10.0.1.6",), "multivalue", 10),
    ]
    cloud_map.deregister_instance(ServiceId=service_id, InstanceId="i-1")
    assert values(account, vpc_id) == {"web.local A": ["10.0.1.6"]}
    with refused("InstanceNotFound"):
        cloud_map.deregister_instance(ServiceId=service_id, InstanceId="i-1")


def test_srv_records_have_ports_and_targets(cloud_map: Any, namespace_id: str, account: Any, vpc_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id, "web", "SRV")
    with refused("InvalidInput", "AWS_INSTANCE_PORT"):
        register(cloud_map, service_id, "i-1", "10.0.1.5")
    register(cloud_map, service_id, "i-1", "10.0.1.5", AWS_INSTANCE_PORT="8080")
    assert values(account, vpc_id) == {
        "web.local SRV": ["1 1 8080 i-1.web.local"],
        "i-1.web.local A": ["10.0.1.5"],
    }


def test_weighted_cname_and_alias_records(cloud_map: Any, namespace_id: str, account: Any, vpc_id: str) -> None:
    name_id = make_service(cloud_map, namespace_id, "name", "CNAME", policy="WEIGHTED")
    register(cloud_map, name_id, "one", AWS_INSTANCE_CNAME="one.example.com")
    alias_id = make_service(cloud_map, namespace_id, "alias", "A", policy="WEIGHTED")
    register(cloud_map, alias_id, "lb", AWS_ALIAS_DNS_NAME="lb-1.us-east-1.elb.amazonaws.com")
    found = resolved(account, vpc_id)
    assert [(record.values, record.policy.value) for record in found["name.local CNAME"]] == [
        (("one.example.com",), "weighted")
    ]
    assert [record.alias for record in found["alias.local A"]] == ["lb-1.us-east-1.elb.amazonaws.com"]
    with refused("InvalidInput", "WEIGHTED"):
        make_service(cloud_map, namespace_id, "other", "CNAME")


def test_unhealthy_instances_leave_dns_and_discovery(
    cloud_map: Any, namespace_id: str, account: Any, vpc_id: str
) -> None:
    service_id = make_service(cloud_map, namespace_id, "web", "A", HealthCheckCustomConfig={"FailureThreshold": 1})
    register(cloud_map, service_id, "i-1", "10.0.1.5")
    register(cloud_map, service_id, "i-2", "10.0.1.6", AWS_INIT_HEALTH_STATUS="UNHEALTHY")
    assert values(account, vpc_id) == {"web.local A": ["10.0.1.5"]}
    assert discovered(cloud_map) == discovered(cloud_map, HealthStatus="HEALTHY") == ["i-1"]
    assert discovered(cloud_map, HealthStatus="UNHEALTHY") == ["i-2"]
    assert discovered(cloud_map, HealthStatus="ALL") == ["i-1", "i-2"]
    cloud_map.update_instance_custom_health_status(ServiceId=service_id, InstanceId="i-2", Status="HEALTHY")
    assert values(account, vpc_id) == {"web.local A": ["10.0.1.5", "10.0.1.6"]}
    for instance_id in ("i-1", "i-2"):
        cloud_map.update_instance_custom_health_status(ServiceId=service_id, InstanceId=instance_id, Status="UNHEALTHY")
    assert discovered(cloud_map, HealthStatus="HEALTHY") == []
    assert discovered(cloud_map, HealthStatus="HEALTHY_OR_ELSE_ALL") == ["i-1", "i-2"]
    status = cloud_map.get_instances_health_status(ServiceId=service_id)["Status"]
    assert status == {"i-1": "UNHEALTHY", "i-2": "UNHEALTHY"}


def test_health_that_nobody_tells_is_unknown_and_counts_as_healthy(cloud_map: Any, namespace_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id)
    register(cloud_map, service_id, "i-1", "10.0.1.5")
    assert cloud_map.get_instances_health_status(ServiceId=service_id)["Status"] == {"i-1": "UNKNOWN"}
    assert discovered(cloud_map, HealthStatus="HEALTHY") == ["i-1"]
    with refused("CustomHealthNotFound"):
        cloud_map.update_instance_custom_health_status(ServiceId=service_id, InstanceId="i-1", Status="HEALTHY")
    with refused("InvalidInput", "AWS_INIT_HEALTH_STATUS"):
        register(cloud_map, service_id, "i-2", "10.0.1.6", AWS_INIT_HEALTH_STATUS="HEALTHY")


def test_discovery_filters_by_attributes_and_counts_changes(cloud_map: Any, namespace_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id)
    before = cloud_map.discover_instances_revision(NamespaceName="local", ServiceName="web")["InstancesRevision"]
    register(cloud_map, service_id, "i-1", "10.0.1.5", stage="test", zone="a")
    register(cloud_map, service_id, "i-2", "10.0.1.6", stage="test", zone="b")
    register(cloud_map, service_id, "i-3", "10.0.1.7", stage="live")
    after = cloud_map.discover_instances_revision(NamespaceName="local", ServiceName="web")["InstancesRevision"]
    assert after == before + 3
    assert discovered(cloud_map, QueryParameters={"stage": "test"}) == ["i-1", "i-2"]
    assert discovered(cloud_map, QueryParameters={"stage": "test"}, OptionalParameters={"zone": "b"}) == ["i-2"]
    assert discovered(cloud_map, QueryParameters={"stage": "test"}, OptionalParameters={"zone": "z"}) == ["i-1", "i-2"]
    assert len(discovered(cloud_map, MaxResults=2)) == 2
    (one,) = cloud_map.discover_instances(NamespaceName="local", ServiceName="web", QueryParameters={"stage": "live"})[
        "Instances"
    ]
    assert one["Attributes"] == {"AWS_INSTANCE_IPV4": "10.0.1.7", "stage": "live"}
    with refused("NamespaceNotFound"):
        cloud_map.discover_instances(NamespaceName="nowhere", ServiceName="web")
    with refused("ServiceNotFound"):
        cloud_map.discover_instances(NamespaceName="local", ServiceName="nothing")


def test_what_is_in_use_is_not_deleted(cloud_map: Any, namespace_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id, "web", "A")
    register(cloud_map, service_id, "i-1", "10.0.1.5")
    with refused("ResourceInUse", "Service contains registered instances"):
        cloud_map.delete_service(Id=service_id)
    with refused("ResourceInUse"):
        cloud_map.delete_namespace(Id=namespace_id)
    cloud_map.deregister_instance(ServiceId=service_id, InstanceId="i-1")
    cloud_map.delete_service(Id=service_id)
    cloud_map.delete_namespace(Id=namespace_id)
    with refused("NamespaceNotFound"):
        cloud_map.get_namespace(Id=namespace_id)
    with refused("ServiceNotFound"):
        cloud_map.get_service(Id=service_id)


def test_names_are_taken_once(cloud_map: Any, namespace_id: str, vpc_id: str, aws: Callable[..., Any]) -> None:
    other = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    with refused("NamespaceAlreadyExists"):
        cloud_map.create_private_dns_namespace(Name="local", Vpc=vpc_id)
    target(cloud_map, cloud_map.create_private_dns_namespace(Name="local", Vpc=other), "NAMESPACE")
    make_service(cloud_map, namespace_id, "web", "A")
    with refused("ServiceAlreadyExists"):
        make_service(cloud_map, namespace_id, "WEB", "A")


def test_a_namespace_that_cannot_have_its_zone_fails_with_the_reason(cloud_map: Any) -> None:
    answer = cloud_map.create_private_dns_namespace(Name="local", Vpc="vpc-0123456789abcdef0")
    operation = cloud_map.get_operation(OperationId=answer["OperationId"])["Operation"]
    assert (operation["Status"], operation["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
    assert "vpc-0123456789abcdef0" in operation["ErrorMessage"]
    assert cloud_map.list_namespaces()["Namespaces"] == []
    failed = cloud_map.list_operations(Filters=[{"Name": "STATUS", "Values": ["FAIL"]}])["Operations"]
    assert failed == [{"Id": answer["OperationId"], "Status": "FAIL"}]


def test_http_and_public_namespaces(cloud_map: Any, aws: Callable[..., Any], account: Any, vpc_id: str) -> None:
    http = target(cloud_map, cloud_map.create_http_namespace(Name="Plain"), "NAMESPACE")
    with refused("InvalidInput", "HTTP alone"):
        make_service(cloud_map, http, "web", "A")
    assert cloud_map.get_service(Id=make_service(cloud_map, http))["Service"]["Type"] == "HTTP"
    public = target(cloud_map, cloud_map.create_public_dns_namespace(Name="example.org"), "NAMESPACE")
    check = {"Type": "HTTP", "ResourcePath": "/"}
    service_id = make_service(cloud_map, public, "www", "A", HealthCheckConfig=check)
    register(cloud_map, service_id, "one", "192.0.2.1")
    assert values(account, vpc_id) == {"www.example.org A": ["192.0.2.1"]}
    listed = cloud_map.list_namespaces(Filters=[{"Name": "TYPE", "Values": ["HTTP"]}])["Namespaces"]
    assert [(namespace["Name"], namespace["ServiceCount"]) for namespace in listed] == [("Plain", 1)]
    services = cloud_map.list_services(Filters=[{"Name": "NAMESPACE_ID", "Values": [public]}])["Services"]
    assert [(service["Name"], service["InstanceCount"]) for service in services] == [("www", 1)]


def test_updates_reach_description_records_and_authority(
    cloud_map: Any, namespace_id: str, account: Any, vpc_id: str
) -> None:
    service_id = make_service(cloud_map, namespace_id, "web", "A", "SRV")
    register(cloud_map, service_id, "i-1", "10.0.1.5", AWS_INSTANCE_PORT="80")
    change = {"Description": "new", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 99}]}}
    cloud_map.update_service(Id=service_id, Service=change)
    found = resolved(account, vpc_id)
    assert {name: [record.ttl_s for record in records] for name, records in found.items()} == {"web.local A": [99]}
    properties = {"DnsProperties": {"SOA": {"TTL": 7}}}
    cloud_map.update_private_dns_namespace(Id=namespace_id, Namespace={"Description": "d", "Properties": properties})
    namespace = cloud_map.get_namespace(Id=namespace_id)["Namespace"]
    assert namespace["Properties"]["DnsProperties"]["SOA"] == {"TTL": 7}
    assert namespace["Description"] == "d"


def test_tags_and_attributes(cloud_map: Any, namespace_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id, "web", "A", Tags=[{"Key": "a", "Value": "1"}])
    arn = cloud_map.get_service(Id=service_id)["Service"]["Arn"]
    cloud_map.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    cloud_map.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert cloud_map.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    with refused("ResourceNotFoundException"):
        cloud_map.list_tags_for_resource(ResourceARN=f"{arn}x")
    cloud_map.update_service_attributes(ServiceId=service_id, Attributes={"x": "1", "y": "2"})
    cloud_map.delete_service_attributes(ServiceId=service_id, Attributes=["x"])
    attributes = cloud_map.get_service_attributes(ServiceId=service_id)["ServiceAttributes"]
    assert attributes["Attributes"] == {"y": "2"}
    assert attributes["ServiceArn"] == arn


def test_instances_are_listed_in_pages(cloud_map: Any, namespace_id: str) -> None:
    service_id = make_service(cloud_map, namespace_id)
    for number in range(3):
        register(cloud_map, service_id, f"i-{number}", f"10.0.1.{number}")
    first = cloud_map.list_instances(ServiceId=service_id, MaxResults=2)
    rest = cloud_map.list_instances(ServiceId=service_id, NextToken=first["NextToken"])
    assert [instance["Id"] for instance in (*first["Instances"], *rest["Instances"])] == ["i-0", "i-1", "i-2"]
    instance = cloud_map.get_instance(ServiceId=service_id, InstanceId="i-0")["Instance"]
    assert instance["Attributes"] == {"AWS_INSTANCE_IPV4": "10.0.1.0"}
    with refused("InvalidInput"):
        cloud_map.list_instances(ServiceId=service_id, NextToken="damaged")


def test_the_caller_may_demand_ids(cloud_map: Any, vpc_id: str) -> None:
    demanded = {"id": "ns-abc123"}
    cloud_map.meta.events.register(
        "before-call", lambda params, **_: params["headers"].update({"X-Simfra-Id": demanded["id"]})
    )
    cloud_map.create_private_dns_namespace(Name="local", Vpc=vpc_id)
    demanded["id"] = "srv-abc123"
    assert make_service(cloud_map, "ns-abc123", "web", "A") == "srv-abc123"
    with refused("InvalidInput", "taken"):
        make_service(cloud_map, "ns-abc123", "other", "A")
