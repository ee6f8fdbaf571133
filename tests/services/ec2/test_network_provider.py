"""What containers get from a VPC: interfaces with addresses that nobody else has."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from django.db import connections, transaction

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.services.ec2.models import NetworkInterface, Subnet, Vpc

ATTACHMENT_ARN = "arn:aws:ecs:us-east-1:000000000000:attachment/0f1e"


def create(context: Context, subnet_ids: list[str], **options: Any) -> NetworkAttachment:
    with transaction.atomic():
        return network_provider().create(
            context,
            subnet_ids=subnet_ids,
            security_group_ids=options.get("security_group_ids", []),
            description=ATTACHMENT_ARN,
            assign_public_ip=options.get("assign_public_ip", False),
            requester_id="amazon-ecs",
        )


def describe(context: Context, attachment: NetworkAttachment) -> NetworkAttachment | None:
    return network_provider().describe(context.account_id, context.region, attachment.network_interface_id)


def test_an_interface_says_all_that_a_network_namespace_needs(context: Context, kicks: list[tuple[str, str]]) -> None:
    subnet_id = network_provider().default_subnet_ids(context)[1]
    attachment = create(context, [subnet_id])
    vpc = Vpc.objects.get(account_id=context.account_id)
    subnet = Subnet.objects.get(resource_id=subnet_id)
    assert subnet.cidr_block == attachment.subnet_cidr == "172.31.16.0/20"
    assert IPv4Address(attachment.private_address) in IPv4Network("172.31.16.0/20")
    assert attachment.prefix_length == 20
    assert attachment.gateway_address == "172.31.16.1"
    assert attachment.dns_address == "172.31.0.2"
    assert attachment.private_dns_name == f"ip-{attachment.private_address.replace('.', '-')}.ec2.internal"
    assert attachment.public_address is None
    assert attachment.vpc_id == vpc.resource_id
    assert attachment.subnet_arn == f"arn:aws:ec2:us-east-1:{context.account_id}:subnet/{subnet_id}"
    assert attachment.availability_zone == "us-east-1b"
    assert len(attachment.security_group_ids) == 1
    assert attachment.network_key == f"{context.account_id}/us-east-1/{vpc.resource_id}"
    assert attachment.network_name.endswith(f"vpc-{context.account_id}-us-east-1-{vpc.resource_id}")
    assert attachment.backing_address is None
    assert describe(context, attachment) == attachment
    assert (attachment.network_kind, attachment.network_key) in kicks


def test_dhcp_options_say_whom_tasks_ask_for_names(aws: Any, context: Context, kicks: list[tuple[str, str]]) -> None:
    ec2, attachment = aws("ec2"), create(context, network_provider().default_subnet_ids(context)[:1])
    assert attachment.name_servers == ("172.31.0.2",)
    assert attachment.search_domains == ("ec2.internal",)
    told = {
        "domain-name": ["orders.internal example.com"],
        "domain-name-servers": ["10.9.0.53", "AmazonProvidedDNS"],
    }
    options = ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": key, "Values": values} for key, values in told.items()]
    )["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=attachment.vpc_id)
    changed = describe(context, attachment)
    assert changed is not None
    assert changed.name_servers == ("10.9.0.53", "172.31.0.2")
    assert changed.search_domains == ("orders.internal", "example.com")
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=attachment.vpc_id)
    assert describe(context, attachment) == attachment


def test_a_public_address_comes_only_when_asked_for(context: Context, kicks: list[tuple[str, str]]) -> None:
    subnets = network_provider().default_subnet_ids(context)[:1]
    first, second = (create(context, subnets, assign_public_ip=True) for _ in range(2))
    assert first.public_address is not None
    assert first.public_address != second.public_address


def test_the_subnet_with_most_free_addresses_is_chosen(context: Context, kicks: list[tuple[str, str]]) -> None:
    subnets = network_provider().default_subnet_ids(context)[:3]
    chosen = [create(context, subnets).subnet_id for _ in range(6)]
    assert chosen == subnets * 2


def test_a_deleted_interface_is_gone_and_deleting_it_again_is_harmless(
    context: Context, kicks: list[tuple[str, str]]
) -> None:
    attachment = create(context, network_provider().default_subnet_ids(context)[:1])
    for _ in range(2):
        network_provider().delete(context.account_id, context.region, attachment.network_interface_id)
    assert describe(context, attachment) is None


def test_an_unknown_subnet_and_an_unknown_group_are_refused_in_ec2s_words(
    context: Context, kicks: list[tuple[str, str]]
) -> None:
    with pytest.raises(AwsError) as no_subnet:
        create(context, ["subnet-0123456789abcdef0"])
    assert no_subnet.value.code == "InvalidSubnetID.NotFound"
    assert str(no_subnet.value) == "The subnet ID 'subnet-0123456789abcdef0' does not exist"
    with pytest.raises(AwsError) as no_group:
        create(context, network_provider().default_subnet_ids(context)[:1], security_group_ids=["sg-0123456789abcdef0"])
    assert no_group.value.code == "InvalidGroup.NotFound"
    assert str(no_group.value) == "The security group 'sg-0123456789abcdef0' does not exist"


def test_fifty_interfaces_made_at_once_have_addresses_of_their_own(
    context: Context, kicks: list[tuple[str, str]]
) -> None:
    subnets = network_provider().default_subnet_ids(context)[:1]

    def create_two(_: int) -> list[NetworkAttachment]:
        try:
            with transaction.atomic():
                return [create(context, subnets, assign_public_ip=True) for _ in range(2)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        attachments = [one for pair in threads.map(create_two, range(25)) for one in pair]
    assert len({one.private_address for one in attachments}) == 50
    assert len({one.public_address for one in attachments}) == 50
    interfaces = NetworkInterface.objects.filter(account_id=context.account_id)
    assert len(set(interfaces.values_list("backing_index", flat=True))) == 50


def test_an_open_transaction_does_not_keep_others_waiting(context: Context, kicks: list[tuple[str, str]]) -> None:
    subnets = network_provider().default_subnet_ids(context)[:1]

    def create_elsewhere() -> NetworkAttachment:
        try:
            return create(context, subnets)
        finally:
            connections.close_all()

    with transaction.atomic(), ThreadPoolExecutor(1) as thread:
        mine = create(context, subnets)
        theirs = thread.submit(create_elsewhere).result(timeout=10)
    assert mine.private_address != theirs.private_address


def test_a_full_subnet_says_so(context: Context, kicks: list[tuple[str, str]]) -> None:
    subnets = network_provider().default_subnet_ids(context)[:1]
    Subnet.objects.filter(resource_id=subnets[0]).update(cidr_block="172.31.0.0/28")
    addresses = {create(context, subnets).private_address for _ in range(11)}
    assert addresses == {f"172.31.0.{number}" for number in range(4, 15)}
    with pytest.raises(AwsError) as full:
        create(context, subnets)
    assert full.value.code == "InsufficientFreeAddressesInSubnet"
    assert str(full.value) == "The specified subnet does not have enough free addresses to satisfy the request."


def test_the_default_vpc_is_made_once_however_many_come_first(context: Context, kicks: list[tuple[str, str]]) -> None:
    def first_use(_: int) -> list[str]:
        try:
            return network_provider().default_subnet_ids(context)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(first_use, range(16)))
    assert len(answers[0]) == 6
    assert all(answer == answers[0] for answer in answers)
    assert Vpc.objects.filter(account_id=context.account_id).count() == 1
