"""A namespace's filter as commands: whole, and what changed of it; and who is given one. Without a kernel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

import pytest

from aws_api.core.sidecars import vpc_gateway_configuration
from sidecar.configuration import VpcConfiguration
from sidecar.filters import Filters, PacketFilter
from tests.support.vpc_policies import open_policies

ONE, TWO = IPv4Address("10.0.0.5"), IPv4Address("10.0.0.6")
WEB = PacketFilter(ingress=("ip saddr @sg_1 tcp dport 80",), egress=(), sets={"sg_1": frozenset({ONE})})


def changed(ingress: tuple[str, ...] = WEB.ingress, **sets: frozenset[IPv4Address]) -> list[str]:
    wanted = PacketFilter(ingress=ingress, egress=(), sets=sets)
    first, *commands, last = wanted.change_from(WEB).split("; ")
    assert first == "delete chain inet security revision"
    assert last == f'add chain inet security revision {{ comment "{wanted.revision}"; }}'.split("; ")[-1]
    return commands[:-1]


def test_a_whole_filter_is_closed_but_for_its_rules() -> None:
    command = WEB.whole()
    assert "\n" not in command
    assert command.count("policy drop") == 2
    assert "add rule inet security allowed_ingress ip saddr @sg_1 tcp dport 80 accept" in command
    assert "add element inet security sg_1 { 10.0.0.5 }" in command


def test_a_new_member_touches_nothing_but_the_set() -> None:
    assert changed(sg_1=frozenset({ONE, TWO})) == ["add element inet security sg_1 { 10.0.0.6 }"]


def test_a_member_that_left_is_taken_out() -> None:
    assert changed(sg_1=frozenset()) == ["delete element inet security sg_1 { 10.0.0.5 }"]


def test_another_rule_replaces_the_chains_rules_at_once_and_a_set_goes_after_them() -> None:
    assert changed(ingress=("tcp dport 443",)) == [
        "flush chain inet security allowed_ingress",
        "add rule inet security allowed_ingress tcp dport 443 accept",
        "flush chain inet security allowed_egress",
        "delete set inet security sg_1",
    ]


def test_filters_that_differ_have_different_revisions() -> None:
    others = [
        PacketFilter(ingress=(), egress=WEB.ingress, sets=WEB.sets),
        PacketFilter(ingress=WEB.ingress, egress=(), sets={"sg_1": frozenset({TWO})}),
    ]
    assert len({WEB.revision, *(other.revision for other in others)}) == 3


@asynccontextmanager
async def filter_port() -> AsyncIterator[tuple[Filters, int]]:
    """The filter port for an interface at the loopback's address, whose token is its id."""
    filters = Filters((4599,))
    server = await asyncio.start_server(filters.converse, "127.0.0.1", 0)
    async with server:
        yield filters, server.sockets[0].getsockname()[1]


def configuration() -> VpcConfiguration:
    policies = open_policies("127.0.0.0/16", ["127.0.0.0/24"], {"eni-1": "127.0.0.1"})
    return VpcConfiguration.from_json(
        vpc_gateway_configuration(region="us-east-1", cidrs=["127.0.0.0/16"], policies=policies, dns_address=None)
    )


@pytest.mark.parametrize("hello", ["eni-1 wrong", "eni-1", "eni-1 eni-1 more"])
async def test_who_does_not_know_the_token_gets_no_filter(hello: str) -> None:
    async with filter_port() as (filters, port):
        await filters.replace(configuration())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{hello}\n".encode())
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_namespace_that_calls_before_its_interface_is_known_waits_and_is_ready_once_it_confirms() -> None:
    async with filter_port() as (filters, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"eni-1 eni-1\n")
        await filters.replace(configuration())
        command = (await asyncio.wait_for(reader.readline(), 5)).decode()
        assert command.startswith("table inet security; ")
        assert await reader.readline() == b"list chain inet security revision\n"
        revision = command.rpartition('comment "')[2].partition('"')[0]
        writer.write(f'table inet security {{\n\tchain revision {{\n\t\tcomment "{revision}"\n\t}}\n}}\n'.encode())
        assert await asyncio.wait_for(reader.readline(), 5) == b"READY\n"
        writer.close()
