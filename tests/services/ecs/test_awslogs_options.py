"""The options of the log driver awslogs."""

import re

import pytest

from aws_api.core.containers import LABEL_LOGS
from aws_api.core.log_tail import LogDestination
from aws_api.services.ecs.awslogs_options import InvalidOption, buffer_bytes, first_line_pattern
from tests.services.ecs.conftest import Register
from tests.services.ecs.stage import Stage


@pytest.mark.parametrize(
    ("datetime_format", "line"),
    [
        ("%b %d, %Y %H:%M:%S", "Nov 09, 2026 23:59:01"),
        ("%Y-%m-%dT%H:%M:%S%L%z", "2026-11-22T10:00:00.123+0000"),
        (r"\[%A %I:%M %p\]", "[Sunday 09:30 AM]"),
    ],
)
def test_a_datetime_format_knows_the_lines_that_begin_an_event(datetime_format: str, line: str) -> None:
    pattern = first_line_pattern({"awslogs-datetime-format": datetime_format})
    assert re.search(pattern, f"INFO {line} started")
    assert not re.search(pattern, "    at com.example.Main(Main.java:7)")


def test_without_either_option_each_line_is_an_event() -> None:
    assert first_line_pattern({}) == ""
    assert first_line_pattern({"awslogs-multiline-pattern": "^INFO"}) == "^INFO"


@pytest.mark.parametrize(
    "options",
    [
        {"awslogs-multiline-pattern": "^INFO", "awslogs-datetime-format": "%Y"},
        {"awslogs-multiline-pattern": "("},
        {"awslogs-datetime-format": "[%Y"},
    ],
)
def test_patterns_that_cannot_be_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidOption):
        first_line_pattern(options)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, 0),
        ({"mode": "blocking"}, 0),
        ({"mode": "non-blocking"}, 10 * 1024 * 1024),
        ({"mode": "non-blocking", "max-buffer-size": "4k"}, 4096),
        ({"mode": "non-blocking", "max-buffer-size": "25MB"}, 25 * 1024 * 1024),
        ({"mode": "non-blocking", "max-buffer-size": "100"}, 100),
    ],
)
def test_the_buffer_of_the_mode_non_blocking(options: dict[str, str], size: int) -> None:
    assert buffer_bytes(options, "blocking") == size


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "sometimes"},
        {"max-buffer-size": "1m"},
        {"mode": "non-blocking", "max-buffer-size": "much"},
        {"mode": "non-blocking", "max-buffer-size": "0"},
    ],
)
def test_modes_and_sizes_that_cannot_be_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidOption):
        buffer_bytes(options, "blocking")


@pytest.mark.parametrize(
    ("setting", "options", "size"),
    [
        ("", {}, 10 * 1024 * 1024),
        ("blocking", {}, 0),
        ("blocking", {"mode": "non-blocking", "max-buffer-size": "4k"}, 4096),
        ("non-blocking", {"mode": "blocking"}, 0),
    ],
)
def test_the_accounts_mode_holds_where_the_options_say_none(
    stage: Stage, register: Register, setting: str, options: dict[str, str], size: int
) -> None:
    if setting:
        stage.ecs.put_account_setting_default(name="defaultLogDriverMode", value=setting)
    group = {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-create-group": "true"}
    register("web", {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": {**group, **options}}})
    spec = stage.spec(stage.run("web"), "app")
    assert LogDestination.from_json(spec.labels[LABEL_LOGS]).buffer_bytes == size
