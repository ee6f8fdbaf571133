"""The table of fields: complete, and what tasks say by it."""

from collections.abc import Iterable

from botocore.model import Shape

from aws_api.protocol.models import service_model
from aws_api.services.ecs.fields import FIELDS, Handling, field_of, stored_uses


def leaves(shape: Shape, path: str = "") -> Iterable[str]:
    """The paths of a shape's members that have none themselves."""
    members = getattr(shape, "members", {})
    if shape.type_name == "list":
        inner = shape.member  # type: ignore[attr-defined]
        yield from leaves(inner, f"{path}[]") if inner.type_name == "structure" else [path]
    elif members:
        for name, member in members.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    else:
        yield path


def test_every_field_of_awss_model_is_in_the_table_and_no_other() -> None:
    paths = list(leaves(service_model("ecs").operation_model("RegisterTaskDefinition").input_shape))
    assert [path for path in paths if field_of(path) is None] == []
    for field in FIELDS:
        assert any(path == field.path or path.startswith((f"{field.path}.", f"{field.path}[]")) for path in paths), (
            field
        )
    assert len({field.path for field in FIELDS}) == len(FIELDS)


def test_what_is_not_enforced_says_why() -> None:
    assert [field.path for field in FIELDS if field.handling is not Handling.ENFORCED and not field.note] == []


def test_a_definition_tells_what_of_it_is_only_stored() -> None:
    definition = {
        "ephemeralStorage": {"sizeInGiB": 21},
        "enableFaultInjection": False,
        "containerDefinitions": [
            {
                "name": "app",
                "image": "busybox",
                "memory": 64,
                "logConfiguration": {"logDriver": "syslog", "options": {"name": "x"}},
            },
            {"name": "log", "image": "fluent-bit", "firelensConfiguration": {"type": "fluentbit"}},
            {"name": "quiet", "image": "busybox", "logConfiguration": {"logDriver": "awslogs"}},
        ],
    }
    assert {(use.container, use.path.rpartition(".")[2]) for use in stored_uses(definition)} == {
        ("", "ephemeralStorage"),
        ("app", "logDriver"),
    }
