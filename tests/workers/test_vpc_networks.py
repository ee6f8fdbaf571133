"""Two VPCs of the same addresses on a real engine: apart from each other and from the host, with DNS and a way out."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from aws_api.core import sidecars
from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    LABEL_ROLE,
    ContainerSpec,
    NetworkEndpoint,
    RuntimeFailure,
)
from aws_api.core.dns import DnsRecord, DnsZone
from aws_api.core.network import NetworkAttachment
from tests.support.images import busybox_image
from tests.support.vpc_policies import open_policies
from tests.support.waiting import wait_for
from workers.docker import engine, host
from workers.docker.cleanup import remove_all
from workers.docker.entrances import find_entrance
from workers.docker.runtime import DockerRuntime

pytestmark = pytest.mark.docker

REGION = "us-east-1"
CIDR = "10.0.0.0/16"
#: Two subnets, with a task in each: the same in both VPCs.
TASKS = {"a": ("10.0.1.5", "10.0.0.0/20"), "b": ("10.0.17.6", "10.0.16.0/20")}
runtime = DockerRuntime()


@dataclass(frozen=True)
class Vpc:
    name: str
    network: str

    @property
    def gateway(self) -> str:
        return f"{self.network}-gateway"

    def configure(self, *, zones: tuple[DnsZone, ...] = (), cidr: str = CIDR) -> None:
        configuration = sidecars.vpc_gateway_configuration(
            region=REGION,
            cidrs=[cidr],
            policies=open_policies(
                CIDR, [subnet for _, subnet in TASKS.values()], {f"eni-{name}": TASKS[name][0] for name in TASKS}
            ),
            dns_address="10.0.0.2",
            zones=zones,
        )
        runtime.configure_container(self.gateway, configuration)

    def run(self, task: str, script: str) -> str:
        """What a shell script prints in a task's application container."""
        container = app_name(self.name, task)
        done = subprocess.run(
            ["docker", "exec", container, "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
        )
        return (done.stdout + done.stderr).strip()

    def get(self, task: str, url: str) -> str:
        return self.run(task, f"timeout 3 wget -q -O - {url}")


def _accepts(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((address, port)) == 0


def app_name(vpc: str, task: str) -> str:
    return sidecars.object_name(settings.SIMFRA_INSTANCE, vpc, task, "app")


#: Asks a VPC's gateway for a connection, and prints what comes over it.
_CALL = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
connection.sendall(sys.argv[3].encode() + b"\\nGET / HTTP/1.0\\r\\n\\r\\n")
while data := connection.recv(65536):
    print(data.decode(), end="", flush=True)
"""


def namespace_name(vpc: str) -> str:
    return sidecars.object_name(settings.SIMFRA_INSTANCE, vpc, "namespace")


class Listener(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.path} for {self.headers['Host']} from {self.client_address[0]}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def listen(address: str) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((address, 0), Listener)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def emulator(docker_settings: None) -> Iterator[ThreadingHTTPServer]:
    """A stand-in for Simfra's gateway, on the uplink's first address; the host's rules are in force."""
    from workers.docker.networks import ensure_uplink

    ensure_uplink()
    server = listen(str(sidecars.emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", 0)[0]))
    with override_settings(SIMFRA_PORT=server.server_port):
        host.prepare()
        yield server
    server.shutdown()


@pytest.fixture(scope="module")
def vpcs(emulator: ThreadingHTTPServer) -> Iterator[tuple[Vpc, Vpc]]:
    made = tuple(make_vpc(name, emulator.server_port) for name in ("vpc-one", "vpc-two"))
    yield made[0], made[1]
    remove_all(settings.SIMFRA_INSTANCE)


def make_vpc(name: str, port: int) -> Vpc:
    labels = {LABEL_KIND: "ec2.vpc", LABEL_KEY: name}
    instance = settings.SIMFRA_INSTANCE
    spec = sidecars.vpc_network(instance=instance, account_id="000000000000", region=REGION, vpc_id=name, labels=labels)
    network = runtime.create_network(spec)
    gateway = sidecars.vpc_gateway_container(
        instance=instance,
        image=settings.SIMFRA_SIDECAR_IMAGE,
        network_name=network.name,
        backing_subnet=network.subnet,
        uplink_subnet=settings.SIMFRA_UPLINK_SUBNET,
        emulator=sidecars.emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", port),
        emulator_port=port,
        dns_ports=settings.SIMFRA_DNS_PORT_RANGE,
        secret_key="secret",
        labels=labels,
    )
    start(gateway)
    vpc = Vpc(name, network.name)
    vpc.configure()
    backing = iter(sidecars.backing_addresses(network.subnet))
    for index, task in enumerate(TASKS):
        attachment = attach(name, network.name, task, index, backing_address=next(backing))
        if task == "b":
            # One of the two joins a namespace that was there before: nothing else may tell them apart.
            holder = sidecars.namespace_container(
                name=namespace_name(name),
                image=settings.SIMFRA_SIDECAR_IMAGE,
                network_name=network.name,
                backing_address=attachment.backing_address or "",
                hostname=attachment.private_dns_name,
                labels=labels,
            )
            start(holder)
            attachment = replace(attachment, namespace=holder.name)
        pause = sidecars.pause_container(
            attachment,
            name=sidecars.object_name(instance, name, task),
            image=settings.SIMFRA_SIDECAR_IMAGE,
            emulator_port=port,
            labels=labels,
        )
        start(pause)
        answer = f"echo {name} {task} > /tmp/index.html; exec httpd -f -p 80 -h /tmp"
        application = ContainerSpec(
            name=app_name(name, task),
            image=busybox_image(),
            labels={**labels, LABEL_ROLE: sidecars.ROLE_APPLICATION},
            command=("sh", "-c", answer),
            network_of=pause.name,
        )
        start(application)
    return vpc


def start(spec: ContainerSpec) -> None:
    runtime.create_container(spec)
    runtime.start_container(spec.name, spec.ready_within_s)


def attach(vpc: str, network: str, task: str, index: int, *, backing_address: str) -> NetworkAttachment:
    address, subnet = TASKS[task]
    gateway = subnet.replace(".0/20", ".1")
    return NetworkAttachment(
        network_interface_id=f"eni-{task}",
        mac_address=f"02:00:00:00:00:0{index + 1}",
        private_address=address,
        prefix_length=20,
        gateway_address=gateway,
        dns_address="10.0.0.2",
        private_dns_name=sidecars.private_dns_name(address, REGION),
        public_address=None,
        vpc_id=vpc,
        vpc_cidr=CIDR,
        subnet_id=f"subnet-{index}",
        subnet_arn="",
        subnet_cidr=subnet,
        availability_zone="us-east-1a",
        security_group_ids=(),
        network_kind="ec2.vpc",
        network_key=vpc,
        network_name=network,
        backing_address=backing_address,
        filter_token=f"eni-{task}",
        name_servers=("10.0.0.2",),
        search_domains=(sidecars.private_domain(REGION),),
    )


@contextmanager
def internet(folder: Path) -> Iterator[str]:
    """A listener in a namespace behind the host, which knows no way but to the host: only translated calls work."""
    name, near, far = f"simfra-{os.getpid()}", f"sft{os.getpid()}", f"sfi{os.getpid()}"

    def ip(command: str) -> None:
        subprocess.run(["ip", *command.split()], check=True, timeout=10)

    ip(f"netns add {name}")
    try:
        ip(f"link add {near} type veth peer name {far} netns {name}")
        ip(f"address add 198.51.100.1/30 dev {near}")
        ip(f"link set {near} up")
        ip(f"-n {name} address add 198.51.100.2/30 dev {far}")
        ip(f"-n {name} link set {far} up")
        serve = ["ip", "netns", "exec", name, sys.executable, "-m", "http.server", "8080"]
        server = subprocess.Popen(serve, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: _accepts("198.51.100.2", 8080), what="the listener in the namespace")
            yield "198.51.100.2"
        finally:
            server.terminate()
            server.wait(10)
    finally:
        ip(f"netns delete {name}")


def test_tasks_of_a_vpc_reach_each_other_across_subnets_and_none_of_another_vpc(vpcs: tuple[Vpc, Vpc]) -> None:
    for vpc in vpcs:
        assert vpc.get("a", "http://10.0.17.6/") == f"{vpc.name} b"
        assert vpc.get("b", "http://10.0.1.5/") == f"{vpc.name} a"


def test_a_task_sees_its_own_address_name_and_hardware_address_alone(vpcs: tuple[Vpc, Vpc]) -> None:
    assert vpcs[0].run("a", "hostname") == "ip-10-0-1-5.ec2.internal"
    assert vpcs[0].run("b", "hostname") == "ip-10-0-17-6.ec2.internal"
    assert vpcs[0].run("a", "cat /etc/hosts") == "127.0.0.1 localhost\n10.0.1.5 ip-10-0-1-5.ec2.internal ip-10-0-1-5"
    assert vpcs[0].run("a", "cat /etc/resolv.conf").startswith("nameserver 10.0.0.2\nsearch ec2.internal\n")
    interface = vpcs[0].run("a", "ip address show dev eth0")
    assert "inet 10.0.1.5/20 " in interface
    assert "02:00:00:00:00:01" in interface
    assert "100." not in interface


def test_an_application_cannot_change_its_network(vpcs: tuple[Vpc, Vpc]) -> None:
    assert "not permitted" in vpcs[0].run("a", "ip address add 10.0.1.9/20 dev eth0")


def test_simfra_is_localhost_and_the_credentials_address_in_every_task(
    vpcs: tuple[Vpc, Vpc], emulator: ThreadingHTTPServer
) -> None:
    port = emulator.server_port
    peers = set()
    for vpc in vpcs:
        answer, _, peer = vpc.get("a", f"http://localhost:{port}/queue").partition(" from ")
        assert answer == f"/queue for localhost:{port}"
        peers.add(peer)
        metadata = vpc.get("b", "http://169.254.170.2/v4/secret/task")
        assert metadata == f"/v4/secret/task for 169.254.170.2 from {peer}"
        assert vpc.get("b", f"http://simfra.local:{port}/").startswith(f"/ for simfra.local:{port} ")
    assert len(peers) == 2, "the peer's address tells the VPC"


def test_the_hosts_other_services_cannot_be_reached(vpcs: tuple[Vpc, Vpc]) -> None:
    other = listen("0.0.0.0")
    uplink = sidecars.emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", 0)[0]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            own_address = probe.getsockname()[0]
        for address in ("10.0.0.1", "localhost", uplink, own_address, "172.17.0.1"):
            answer = vpcs[0].get("a", f"http://{address}:{other.server_port}/")
            assert " for " not in answer, f"a task reaches the host at {address}"
    finally:
        other.shutdown()


def test_the_gateways_control_port_cannot_be_reached_from_a_task(vpcs: tuple[Vpc, Vpc]) -> None:
    for network in runtime.find_containers({LABEL_KEY: "vpc-two", LABEL_ROLE: sidecars.ROLE_VPC_GATEWAY}):
        for address in ("10.0.0.1", *network.addresses.values()):
            said = vpcs[0].run("a", f"echo {{}} | timeout 2 nc {address} {sidecars.CONTROL_PORT}")
            assert "error" not in said, "the gateway answers"


def test_a_task_reaches_beyond_the_host_through_address_translation(vpcs: tuple[Vpc, Vpc], tmp_path: Path) -> None:
    (tmp_path / "page").write_text("the internet")
    with internet(tmp_path) as address:
        assert vpcs[1].get("a", f"http://{address}:8080/page") == "the internet"


def test_private_names_and_zones_are_resolved(vpcs: tuple[Vpc, Vpc]) -> None:
    one, two = vpcs
    values = ("10.0.1.5", "10.0.17.6")
    record = DnsRecord(name="web.local", type="A", ttl_s=60, values=values)
    one.configure(zones=(DnsZone(name="local", version=1, records=(record,)),))
    answers = one.run("a", "nslookup -type=a web.local")
    assert all(value in answers for value in values)
    assert one.get("a", "http://web.local/") in ("vpc-one a", "vpc-one b")
    assert "10.0.17.6" in one.run("a", "nslookup -type=a ip-10-0-17-6.ec2.internal")
    assert "ip-10-0-17-6.ec2.internal" in one.run("a", "nslookup 10.0.17.6")
    assert "NXDOMAIN" in one.run("a", "nslookup -type=a other.local")
    assert "10.0.1.5" not in two.run("a", "nslookup -type=a web.local")
    one.configure()
    assert "10.0.1.5" not in one.run("a", "nslookup -type=a web.local")


def test_dockers_names_do_not_leak_into_a_vpc(vpcs: tuple[Vpc, Vpc]) -> None:
    assert "NXDOMAIN" in vpcs[0].run("a", f"nslookup -type=a {vpcs[1].gateway}.")


def test_a_configuration_that_makes_no_sense_changes_nothing(vpcs: tuple[Vpc, Vpc]) -> None:
    vpc = vpcs[0]
    with pytest.raises(RuntimeFailure, match=r"refuses its configuration: .*'99' is not a valid netmask"):
        vpc.configure(cidr="10.0.0.0/99")
    assert vpc.get("a", "http://10.0.17.6/") == "vpc-one b"


def test_a_stranger_cannot_configure_a_gateway(vpcs: tuple[Vpc, Vpc]) -> None:
    inspected = engine.client().inspect_container(vpcs[0].gateway)
    (place,) = inspected["NetworkSettings"]["Ports"][f"{sidecars.CONTROL_PORT}/tcp"]
    assert place["HostIp"] == "127.0.0.1"
    with socket.create_connection((place["HostIp"], int(place["HostPort"])), timeout=5) as connection:
        connection.sendall(b'{"token": "guess", "configuration": {}}\n')
        assert connection.recv(100) == b"error the token is wrong\n"


def test_the_hosts_rules_come_back_when_they_are_flushed(vpcs: tuple[Vpc, Vpc]) -> None:
    container = host.host_rules_container()
    table = container.environment["TABLE"]

    def nft(command: str) -> int:
        script = ["docker", "exec", container.name, "nft", command]
        return subprocess.run(script, capture_output=True, timeout=30, check=False).returncode

    assert nft(f"list table inet {table}") == 0
    assert nft(f"delete table inet {table}") == 0
    wait_for(lambda: nft(f"list table inet {table}") == 0, timeout_s=15, every_s=0.5, what="the host's rules")


def test_a_pause_container_ends_at_once_and_is_small(vpcs: tuple[Vpc, Vpc]) -> None:
    name = sidecars.object_name(settings.SIMFRA_INSTANCE, "vpc-two", "b")
    stats = engine.client().stats(name, stream=False)
    assert stats["memory_stats"]["usage"] - stats["memory_stats"]["stats"].get("cache", 0) < 6_000_000
    runtime.stop_container(name, 30)

    def state() -> str:
        return str(engine.client().inspect_container(name)["State"]["Status"])

    wait_for(lambda: state() == "exited", timeout_s=5, what="the pause container to end")


def test_a_relay_that_is_a_container_itself_comes_in_by_the_uplink(vpcs: tuple[Vpc, Vpc]) -> None:
    """As in Compose, where it is on the uplink, and no port of the engine's host is its own."""
    name = sidecars.object_name(settings.SIMFRA_INSTANCE, "relay")
    entrance = find_entrance(vpcs[0].network)
    (address, port), *_ = entrance.addresses
    wish = {"token": entrance.token, "protocol": "tcp", "address": "10.0.17.6", "port": 80, "origin": "router"}
    start(
        ContainerSpec(
            name=name,
            image=settings.SIMFRA_SIDECAR_IMAGE,
            labels={},
            entry_point=("python3", "-c", _CALL, address, str(port), json.dumps(wish)),
            endpoints=(NetworkEndpoint(network=sidecars.uplink_network_name(settings.SIMFRA_INSTANCE)),),
        )
    )
    said = [line.message for line in runtime.logs(name, 0, follow=True)]
    assert (said[0], said[-1]) == ("ok", "vpc-one b")


def test_a_pause_whose_namespace_is_lost_ends(vpcs: tuple[Vpc, Vpc]) -> None:
    pause = sidecars.object_name(settings.SIMFRA_INSTANCE, "vpc-one", "b")
    figures = runtime.statistics(pause)
    assert figures is not None
    assert figures["networks"]["eth0"]["rx_bytes"] > 0, "a namespace's figures are those of whoever joined it"
    runtime.remove_container(namespace_name("vpc-one"))
    # The gateway's silence is noticed first, and then why.
    wait_for(lambda: not engine.client().inspect_container(pause)["State"]["Running"], timeout_s=60, what="its end")
