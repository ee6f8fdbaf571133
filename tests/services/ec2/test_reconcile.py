"""What is decided for a VPC's network, by the printed plan."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_api.core.containers import (
    ConfigureContainer,
    ContainerState,
    CreateContainer,
    CreateNetwork,
    Observation,
    ObservedContainer,
    ObservedNetwork,
    Plan,
    RemoveContainer,
    RemoveNetwork,
    StartContainer,
    Step,
)
from aws_api.core.sidecars import vpc_gateway_configuration, vpc_network
from aws_api.services.ec2.reconcile import (
    KEEP_IDLE_S,
    DesiredNetwork,
    GatewayTemplate,
    NetworkStatus,
    configuration_digest,
    decide,
    status_of,
)
from tests.support.vpc_policies import open_policies

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BACKING_SUBNET = "100.80.4.0/22"
LABELS = {"simfra.kind": "ec2.vpc"}
MAX_ROUNDS = 10


def desired_network(**changes: Any) -> DesiredNetwork:
    network = DesiredNetwork(
        key="000000000000/us-east-1/vpc-1",
        vpc_exists=True,
        is_in_use=True,
        idle_since=None,
        last_status=NetworkStatus.ABSENT,
        last_uplink_address="",
        network=vpc_network(
            instance="default", account_id="000000000000", region="us-east-1", vpc_id="vpc-1", labels=LABELS
        ),
        gateway=GatewayTemplate(
            instance="default",
            image="simfra-sidecar:1",
            uplink_subnet="198.19.0.0/20",
            emulator=("198.19.0.1", 4599),
            emulator_port=4599,
            dns_ports=(10000, 10099),
            secret_key="secret",
        ),
        labels=LABELS,
        configuration=vpc_gateway_configuration(
            region="us-east-1",
            cidrs=["10.0.0.0/16"],
            policies=open_policies("10.0.0.0/16", ["10.0.0.0/20"]),
            dns_address="10.0.0.2",
        ),
        applied="",
    )
    return replace(network, **changes)


DESIRED = desired_network()
NETWORK = ObservedNetwork(id="n", name=DESIRED.network.name, subnet=BACKING_SUBNET, labels=LABELS)


def gateway(state: ContainerState = ContainerState.RUNNING, **changes: Any) -> ObservedContainer:
    container = ObservedContainer(
        id="g1",
        name=DESIRED.gateway_name,
        image="simfra-sidecar:1",
        state=state,
        labels=LABELS,
        started_at=NOW - timedelta(minutes=5),
        addresses={DESIRED.network.name: "100.80.4.2"},
    )
    return replace(container, **changes)


def applied(container: ObservedContainer) -> str:
    return configuration_digest(DESIRED.configuration, container)


def check(
    desired: DesiredNetwork, network: ObservedNetwork | None, container: ObservedContainer | None, *lines: str
) -> Plan:
    observed = Observation(networks=(network,) if network else (), containers=(container,) if container else ())
    plan = decide(desired, observed, NOW)
    assert str(plan).splitlines() == list(lines)
    return plan


def test_a_vpc_that_nobody_uses_has_no_network() -> None:
    assert check(desired_network(is_in_use=False), None, None).look_again_s is None


def test_the_first_use_makes_the_network() -> None:
    check(DESIRED, None, None, "CreateNetwork simfra-vpc-000000000000-us-east-1-vpc-1: the VPC is in use")


def test_a_network_gets_a_gateway_that_is_started_and_configured() -> None:
    plan = check(
        DESIRED,
        NETWORK,
        None,
        "CreateContainer gateway: the VPC has no gateway yet",
        "StartContainer gateway: it was just made",
        "ConfigureContainer gateway: it was just started",
    )
    create = plan.steps[0]
    assert isinstance(create, CreateContainer)
    assert [endpoint.address for endpoint in create.spec.endpoints] == [None, "100.80.4.2"]


def test_a_configured_gateway_is_left_alone() -> None:
    check(desired_network(applied=applied(gateway())), NETWORK, gateway())


def test_a_new_subnet_is_told_to_the_gateway() -> None:
    wider = {**DESIRED.configuration, "subnets": []}
    check(
        desired_network(applied=applied(gateway()), configuration=wider),
        NETWORK,
        gateway(),
        "ConfigureContainer gateway: the VPC is not what the gateway was last told",
    )


def test_a_gateway_that_was_restarted_by_somebody_is_configured_again() -> None:
    check(
        desired_network(applied=applied(gateway())),
        NETWORK,
        gateway(started_at=NOW),
        "ConfigureContainer gateway: the VPC is not what the gateway was last told",
    )


def test_a_gateway_that_died_is_started_again() -> None:
    check(
        DESIRED,
        NETWORK,
        gateway(ContainerState.EXITED, exit_code=137, finished_at=NOW),
        "StartContainer gateway: it ended with exit code 137",
        "ConfigureContainer gateway: it was just started",
    )


def test_a_gateway_that_dies_at_once_is_not_started_in_a_busy_loop() -> None:
    dead = gateway(ContainerState.EXITED, exit_code=1, started_at=NOW - timedelta(seconds=2), finished_at=NOW)
    assert check(DESIRED, NETWORK, dead).look_again_s == 2


def test_a_gateway_on_another_backing_subnet_is_replaced() -> None:
    check(
        DESIRED,
        NETWORK,
        gateway(addresses={DESIRED.network.name: "100.80.8.2"}),
        "RemoveContainer gateway: it is not on 100.80.4.0/22",
        "CreateContainer gateway: the last one was removed",
        "StartContainer gateway: it was just made",
        "ConfigureContainer gateway: it was just started",
    )


def test_a_gateway_of_an_older_image_is_replaced() -> None:
    check(
        DESIRED,
        NETWORK,
        gateway(image="simfra-sidecar:0"),
        "RemoveContainer gateway: it is of simfra-sidecar:0, not of simfra-sidecar:1",
        "CreateContainer gateway: the last one was removed",
        "StartContainer gateway: it was just made",
        "ConfigureContainer gateway: it was just started",
    )


def test_a_gateway_without_its_network_goes_before_the_network_comes() -> None:
    check(
        DESIRED,
        None,
        gateway(ContainerState.EXITED),
        "RemoveContainer gateway: its network is gone",
        "CreateNetwork simfra-vpc-000000000000-us-east-1-vpc-1: the VPC is in use",
    )


def test_an_idle_network_is_kept_for_a_while() -> None:
    idle = desired_network(is_in_use=False, idle_since=NOW - timedelta(seconds=KEEP_IDLE_S - 60))
    assert check(idle, NETWORK, gateway()).look_again_s == 60


@pytest.mark.parametrize(
    ("desired", "cause"),
    [
        (
            desired_network(is_in_use=False, idle_since=NOW - timedelta(seconds=KEEP_IDLE_S)),
            "nothing has used it for 10 minutes",
        ),
        (desired_network(vpc_exists=False, is_in_use=False), "the VPC was deleted"),
    ],
)
def test_a_network_that_is_not_wanted_any_more_is_taken_down(desired: DesiredNetwork, cause: str) -> None:
    check(
        desired,
        NETWORK,
        gateway(),
        f"RemoveContainer gateway: {cause}",
        f"RemoveNetwork simfra-vpc-000000000000-us-east-1-vpc-1: {cause}",
    )


def after(observed: Observation, step: Step) -> Observation:
    """What an engine shows once a step is done."""
    containers = {container.name: container for container in observed.containers}
    networks = {network.name: network for network in observed.networks}
    match step:
        case CreateNetwork(spec=spec):
            networks[spec.name] = replace(NETWORK, name=spec.name)
        case RemoveNetwork(name=name):
            assert not containers, "a network with a container on it cannot be removed"
            del networks[name]
        case CreateContainer(spec=spec):
            assert spec.name not in containers, "the name is taken"
            containers[spec.name] = gateway(ContainerState.CREATED, id="g2", started_at=None)
        case StartContainer(name=name):
            containers[name] = replace(containers[name], state=ContainerState.RUNNING, started_at=NOW)
        case ConfigureContainer(name=name):
            assert containers[name].state is ContainerState.RUNNING, "only what runs takes a configuration"
        case RemoveContainer(name=name):
            del containers[name]
        case _:
            raise AssertionError(f"unexpected {step}")
    return Observation(containers=tuple(containers.values()), networks=tuple(networks.values()))


def settle(desired: DesiredNetwork, observed: Observation) -> tuple[NetworkStatus, Observation]:
    """Rounds of the loop until nothing is left to do."""
    now, applied_now = NOW, desired.applied
    for _ in range(MAX_ROUNDS):
        plan = decide(replace(desired, applied=applied_now), observed, now)
        for step in plan.steps:
            observed = after(observed, step)
            if isinstance(step, ConfigureContainer):
                container = observed.container(step.name)
                assert container is not None
                applied_now = configuration_digest(step.configuration, container)
        if not plan and (plan.look_again_s is None or plan.look_again_s > 10):
            return status_of(desired, observed, failed=False, applied=applied_now), observed
        now += timedelta(seconds=plan.look_again_s or 0)
    raise AssertionError("the plans do not converge")


worlds = st.builds(
    Observation,
    networks=st.sampled_from([(), (NETWORK,)]),
    containers=st.one_of(
        st.just(()),
        st.tuples(
            st.builds(
                gateway,
                st.sampled_from(
                    [
                        ContainerState.CREATED,
                        ContainerState.RUNNING,
                        ContainerState.PAUSED,
                        ContainerState.EXITED,
                        ContainerState.DEAD,
                    ]
                ),
                image=st.sampled_from(["simfra-sidecar:0", "simfra-sidecar:1"]),
                exit_code=st.sampled_from([0, 1, 137]),
                started_at=st.sampled_from([None, NOW - timedelta(minutes=5), NOW - timedelta(seconds=1)]),
                finished_at=st.sampled_from([None, NOW]),
                addresses=st.sampled_from(
                    [{}, {DESIRED.network.name: "100.80.4.2"}, {DESIRED.network.name: "100.80.9.9"}]
                ),
            )
        ),
    ),
)


@given(observed=worlds, was_applied=st.sampled_from(["", applied(gateway()), "something else"]))
def test_from_any_world_a_vpc_in_use_becomes_ready(observed: Observation, was_applied: str) -> None:
    status, _ = settle(desired_network(applied=was_applied), observed)
    assert status is NetworkStatus.READY


@given(observed=worlds)
def test_from_any_world_a_deleted_vpc_leaves_nothing_behind(observed: Observation) -> None:
    status, last = settle(desired_network(vpc_exists=False, is_in_use=False), observed)
    assert status is NetworkStatus.ABSENT
    assert last == Observation()
