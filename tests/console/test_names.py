"""What names resolve to in a VPC, and Cloud Map."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread

Aws = Callable[..., Any]


@pytest.fixture
def vpc(aws: Aws) -> str:
    """A VPC with the namespace ``shop.local``, its service ``web``, and one instance of that."""
    found = str(aws("ec2").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"])
    discovery = aws("servicediscovery")
    discovery.create_private_dns_namespace(Name="shop.local", Vpc=found)
    (namespace,) = discovery.list_namespaces()["Namespaces"]
    records = [{"Type": "A", "TTL": 10}]
    service = discovery.create_service(
        Name="web", NamespaceId=namespace["Id"], DnsConfig={"DnsRecords": records}, HealthCheckCustomConfig={}
    )["Service"]["Id"]
    discovery.register_instance(
        ServiceId=service, InstanceId="one", Attributes={"AWS_INSTANCE_IPV4": "10.7.0.9", "x": "<b>"}
    )
    return found


def test_a_name_is_traced_to_its_cloud_map_instance(browser: Client, vpc: str) -> None:
    text = page(browser, f"/names/?vpc={vpc}&name=web.shop.local&type=A")
    assert "Cloud Map namespace shop.local, service web" in text
    assert "A 10.7.0.9" in text and "HEALTHY" in text
    assert "nobody was asked" in text, "no resolver runs without Docker"


def test_a_name_is_traced_through_a_hosted_zone_and_upstream(browser: Client, aws: Aws, vpc: str) -> None:
    route53 = aws("route53")
    where = {"VPCRegion": "us-east-1", "VPCId": vpc}
    zone = route53.create_hosted_zone(Name="example.test", CallerReference="a", VPC=where)["HostedZone"]["Id"]
    record = {
        "Name": "www.example.test",
        "Type": "CNAME",
        "TTL": 60,
        "ResourceRecords": [{"Value": "web.shop.local"}],
    }
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    text = page(browser, f"/names/?vpc={vpc}&name=WWW.example.test.&type=A")
    assert text.index("hosted zone example.test") < text.index("Cloud Map namespace shop.local, service web")
    assert "upstream: no zone" in page(browser, f"/names/?vpc={vpc}&name=python.org")
    assert "an AWS endpoint" in page(browser, f"/names/?vpc={vpc}&name=sqs.us-east-1.amazonaws.com")


def test_another_accounts_vpc_is_none(gateway: Any, vpc: str) -> None:
    stranger = Client()
    stranger.post("/scope", {"account_id": "999999999999", "region": "us-east-1", "back": "/"})
    text = page(stranger, f"/names/?vpc={vpc}&name=web.shop.local")
    assert "There is no VPC" in text
    assert "10.7.0.9" not in text


async def test_instances_come_and_change_while_somebody_looks(browser: Client, aws: Aws, vpc: str) -> None:
    discovery = aws("servicediscovery")
    async with connected("/_simfra/live/names", browser) as socket:
        first = await received(socket, "10.7.0.9")
        assert "UNHEALTHY" not in first and "x=&lt;b&gt;" in first

        def spoil() -> None:
            (service,) = discovery.list_services()["Services"]
            discovery.update_instance_custom_health_status(
                ServiceId=service["Id"], InstanceId="one", Status="UNHEALTHY"
            )

        await in_thread(spoil)
        await received(socket, "UNHEALTHY")
