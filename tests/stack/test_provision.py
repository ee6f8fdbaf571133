"""What --provision would do on machines of every kind, without doing it."""

import pytest

from simfra.stack.provision import (
    BASE_PACKAGES,
    ENGINE_PACKAGES,
    TEST_PACKAGES,
    Machine,
    ProvisionError,
    plan_engine_start,
    plan_packages,
)


def machine(
    *commands: str, is_root: bool = True, has_apt: bool = True, has_systemd: bool = False, has_cgroups: bool = True
) -> Machine:
    return Machine(
        is_root=is_root,
        has_apt=has_apt,
        has_systemd=has_systemd,
        has_cgroups=has_cgroups,
        commands=frozenset(commands),
    )


def test_a_bare_machine_gets_the_engine_and_iptables_in_one_go() -> None:
    [action] = plan_packages(machine(), ENGINE_PACKAGES)
    assert action.title == "Installing docker.io, iptables"
    assert action.commands[0] == ("apt-get", "update", "-qq")
    assert action.commands[1][-2:] == ("docker.io", "iptables")


def test_what_is_there_is_not_installed_again() -> None:
    assert plan_packages(machine("dockerd", "iptables"), ENGINE_PACKAGES) == []
    [action] = plan_packages(machine("dockerd"), ENGINE_PACKAGES)
    assert action.title == "Installing iptables"


def test_without_root_the_message_is_the_command_to_run_by_hand() -> None:
    with pytest.raises(ProvisionError, match="apt-get install debootstrap"):
        plan_packages(machine(is_root=False), BASE_PACKAGES)


def test_a_system_without_apt_is_told_what_to_install() -> None:
    with pytest.raises(ProvisionError, match=r"Please install .*chromium.*Debian and Ubuntu only"):
        plan_packages(machine(has_apt=False), TEST_PACKAGES)


def test_systemd_starts_docker_where_it_runs() -> None:
    [action] = plan_engine_start(machine(has_systemd=True))
    assert action.commands == (("systemctl", "enable", "--now", "docker"),)


def test_a_machine_without_cgroups_gets_them_mounted_before_dockerd_starts() -> None:
    [action] = plan_engine_start(machine(has_cgroups=False))
    assert action.commands[-1] == ("cgroupfs-mount",)
    assert plan_engine_start(machine()) == []
