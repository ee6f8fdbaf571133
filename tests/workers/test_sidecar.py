"""What the VPC gateway is told, knows by name and lets through. Pure."""

import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from aws_api.core.dns import DnsRecord, DnsZone, RecordPolicy
from aws_api.core.sidecars import vpc_gateway_configuration
from sidecar.configuration import ConfigurationError, VpcConfiguration
from sidecar.messages import read_question
from sidecar.names import Names
from sidecar.packet_rules import mark_of, packet_rules
from sidecar.place import Place
from sidecar.routing import address_commands
from tests.support.vpc_policies import open_policies

PLACE = Place(
    vpc_interface="eth1",
    uplink_interface="eth0",
    uplink_subnet=IPv4Network("198.19.0.0/20"),
    uplink_address=IPv4Address("198.19.0.2"),
    emulator=(IPv4Address("198.19.0.1"), 4599),
    emulator_port=4599,
    control_port=5301,
    filter_port=5303,
)


def configuration(*records: DnsRecord) -> VpcConfiguration:
    told = vpc_gateway_configuration(
        region="eu-west-1",
        cidrs=["10.0.0.0/16"],
        policies=open_policies("10.0.0.0/16", ["10.0.16.0/20", "10.0.0.0/20"], {"eni-1": "10.0.0.5"}),
        dns_address="10.0.0.2",
        zones=[DnsZone(name="local", version=1, records=records)],
    )
    return VpcConfiguration.from_json(json.loads(json.dumps(told)))


def ask(name: str, kind: str = "A", *records: DnsRecord) -> tuple[str, list[str]] | None:
    """The answer's code and records, or None where upstream is asked."""
    question = read_question(DNSRecord.question(name, kind).pack())
    assert question is not None
    answer = Names(configuration(*records)).answer(question)
    if answer is None:
        return None
    return RCODE[answer.rcode], [f"{QTYPE[record.rtype]} {record.rdata}" for record in answer.records]


WEB = DnsRecord(name="web.local", type="A", ttl_s=60, values=("10.0.1.5",))
ALIAS = DnsRecord(name="www.local", type="CNAME", ttl_s=60, values=("web.local",))
ANY = DnsRecord(name="*.apps.local", type="A", ttl_s=60, values=("10.0.1.6",))
MANY = DnsRecord(
    name="many.local",
    type="A",
    ttl_s=60,
    values=tuple(f"10.0.2.{number}" for number in range(20)),
    policy=RecordPolicy.MULTIVALUE,
)
SERVICE = DnsRecord(name="svc.local", type="SRV", ttl_s=60, values=("1 1 8080 web.local",))


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("web.local", "A", ("NOERROR", ["A 10.0.1.5"])),
        ("WEB.Local.", "A", ("NOERROR", ["A 10.0.1.5"])),
        ("web.local", "AAAA", ("NOERROR", [])),
        ("www.local", "A", ("NOERROR", ["CNAME web.local.", "A 10.0.1.5"])),
        ("x.apps.local", "A", ("NOERROR", ["A 10.0.1.6"])),
        ("nothing.local", "A", ("NXDOMAIN", [])),
        ("svc.local", "SRV", ("NOERROR", ["SRV 1 1 8080 web.local."])),
        ("simfra.local", "A", ("NOERROR", ["A 10.0.0.1"])),
        ("sqs.us-east-1.localhost", "A", ("NOERROR", ["A 127.0.0.1"])),
        ("ip-10-0-1-5.eu-west-1.compute.internal", "A", ("NOERROR", ["A 10.0.1.5"])),
        ("ip-10-9-1-5.eu-west-1.compute.internal", "A", ("NXDOMAIN", [])),
        ("5.1.0.10.in-addr.arpa", "PTR", ("NOERROR", ["PTR ip-10-0-1-5.eu-west-1.compute.internal."])),
        ("5.1.9.10.in-addr.arpa", "PTR", None),
        ("some-container", "A", ("NXDOMAIN", [])),
        ("example.com", "A", None),
    ],
)
def test_names_are_answered_or_left_to_upstream(name: str, kind: str, expected: tuple[str, list[str]] | None) -> None:
    assert ask(name, kind, WEB, ALIAS, ANY, MANY, SERVICE) == expected


def test_an_answer_has_at_most_eight_values_as_with_route_53() -> None:
    answer = ask("many.local", "A", MANY)
    assert answer is not None
    assert len(set(answer[1])) == 8


def test_aliases_that_go_round_in_circles_end() -> None:
    there = DnsRecord(name="a.local", type="CNAME", ttl_s=1, values=("b.local",))
    back = DnsRecord(name="b.local", type="CNAME", ttl_s=1, values=("a.local",))
    answer = ask("a.local", "A", there, back)
    assert answer is not None
    assert len(answer[1]) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"cidrs": ["10.0.0.0/99"]},
        {"cidrs": None},
        {"subnets": [{"gateway_address": "10.0.0.1"}]},
        {"subnets": [{"gateway_address": "10.0.0.1", "prefix_length": 64}]},
        {"dns_address": "nowhere"},
        {
            "zones": [
                {
                    "name": "local",
                    "version": 1,
                    "records": [{"name": "a.local", "type": "MX", "ttl": 1, "values": ["x"]}],
                }
            ]
        },
        {
            "zones": [
                {
                    "name": "local",
                    "version": 1,
                    "records": [{"name": "a.local", "type": "A", "ttl": -1, "values": ["10.0.0.1"]}],
                }
            ]
        },
        {
            "zones": [
                {
                    "name": "local",
                    "version": 1,
                    "records": [{"name": "a.local", "type": "SRV", "ttl": 1, "values": ["1 2"]}],
                }
            ]
        },
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    told = vpc_gateway_configuration(
        region="us-east-1", cidrs=[], policies=open_policies("10.0.0.0/16"), dns_address="10.0.0.2"
    )
    with pytest.raises(ConfigurationError):
        VpcConfiguration.from_json({**told, **change})


def test_only_what_changed_of_the_addresses_is_changed() -> None:
    current = ["100.80.0.2/22", "10.0.0.1/20"]
    assert address_commands(PLACE, configuration(), current) == (
        "address delete 100.80.0.2/22 dev eth1\n"
        "address add 10.0.0.2/32 dev eth1\n"
        "address add 10.0.16.1/20 dev eth1\n"
        "route replace 10.0.0.0/16 dev eth1\n"
    )


def test_tasks_get_out_but_not_to_the_uplink() -> None:
    rules = packet_rules(PLACE, configuration())
    assert "ip daddr { 10.0.0.1, 10.0.16.1 } tcp dport 4599 dnat ip to 198.19.0.1:4599" in rules
    assert f"""iifname "eth1" oifname "eth0" meta mark {mark_of("igw-1")} ip daddr != 198.19.0.0/20""" in rules
    nothing = packet_rules(PLACE, VpcConfiguration())
    assert "dnat" not in nothing.replace("ct status dnat accept", "")
    assert "masquerade" not in nothing
