"""What an instance chooses once and keeps."""

from pathlib import Path

import pytest

from simfra.stack.instance import Instance, this_instance, with_free_uplink


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("SIMFRA_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("SIMFRA_INSTANCE", raising=False)
    monkeypatch.delenv("SIMFRA_UPLINK_SUBNET", raising=False)
    return this_instance()


def test_an_uplink_that_nobody_else_has_is_kept(instance: Instance) -> None:
    assert with_free_uplink(instance, ["172.17.0.0/16", "fd00::/64"]) == instance


def test_another_uplink_is_chosen_where_a_network_lies_on_it_and_kept(instance: Instance) -> None:
    taken = [instance.uplink_subnet, "198.19.16.0/22"]
    moved = with_free_uplink(instance, taken)
    assert moved.uplink_subnet not in taken
    assert moved == this_instance()


def test_a_larger_network_is_avoided_as_a_whole(instance: Instance) -> None:
    moved = with_free_uplink(instance, [instance.uplink_subnet, "198.19.0.0/17"])
    assert int(moved.uplink_subnet.split(".")[2]) >= 128


def test_the_environments_uplink_is_left_alone(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMFRA_UPLINK_SUBNET", "198.19.16.0/22")
    assert with_free_uplink(this_instance(), ["198.19.16.0/22"]).uplink_subnet == "198.19.16.0/22"


def test_an_instance_without_a_free_block_says_so_when_it_makes_its_network(instance: Instance) -> None:
    assert with_free_uplink(instance, ["198.19.0.0/16"]) == instance
