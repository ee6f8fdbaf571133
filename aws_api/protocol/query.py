"""Requests of the query and ec2 protocols: dotted form fields (``Filter.1.Value.2=x``) to nested values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, Shape, StructureShape

from aws_api.core.errors import AwsError
from aws_api.protocol.failures import InvalidParameterValue, MalformedInput, MalformedQueryString
from aws_api.protocol.limits import MAX_DEPTH, MAX_INDEX_DIGITS, MAX_QUERY_PARAMETERS
from aws_api.protocol.structures import CompiledStructures
from aws_api.protocol.text import text_reader

#: The fields as a tree: a child per name, and under the empty name the text.
Node = dict[str, Any]
NodeReader = Callable[[Node], Any]

TEXT = ""


@dataclass(frozen=True, slots=True)
class FlatName:
    """How an old API spells a flattened list or map that today's JSON model names no more."""

    name: str
    key: str = "key"
    value: str = "value"


#: The query names of services whose model speaks JSON today, by shape.
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html, "Query" examples
FLAT_NAMES: Mapping[str, Mapping[str, FlatName]] = {
    "sqs": {
        "AWSAccountIdList": FlatName("AWSAccountId"),
        "ActionNameList": FlatName("ActionName"),
        "AttributeNameList": FlatName("AttributeName"),
        "BatchResultErrorEntryList": FlatName("BatchResultErrorEntry"),
        "BinaryList": FlatName("BinaryListValue"),
        "ChangeMessageVisibilityBatchRequestEntryList": FlatName("ChangeMessageVisibilityBatchRequestEntry"),
        "ChangeMessageVisibilityBatchResultEntryList": FlatName("ChangeMessageVisibilityBatchResultEntry"),
        "DeleteMessageBatchRequestEntryList": FlatName("DeleteMessageBatchRequestEntry"),
        "DeleteMessageBatchResultEntryList": FlatName("DeleteMessageBatchResultEntry"),
        "ListMessageMoveTasksResultEntryList": FlatName("ListMessageMoveTasksResultEntry"),
        "MessageAttributeNameList": FlatName("MessageAttributeName"),
        "MessageBodyAttributeMap": FlatName("MessageAttribute", "Name", "Value"),
        "MessageBodySystemAttributeMap": FlatName("MessageSystemAttribute", "Name", "Value"),
        "MessageList": FlatName("Message"),
        "MessageSystemAttributeList": FlatName("MessageSystemAttributeName"),
        "MessageSystemAttributeMap": FlatName("Attribute", "Name", "Value"),
        "QueueAttributeMap": FlatName("Attribute", "Name", "Value"),
        "QueueUrlList": FlatName("QueueUrl"),
        "SendMessageBatchRequestEntryList": FlatName("SendMessageBatchRequestEntry"),
        "SendMessageBatchResultEntryList": FlatName("SendMessageBatchResultEntry"),
        "StringList": FlatName("StringListValue"),
        "TagKeyList": FlatName("TagKey"),
        "TagMap": FlatName("Tag", "Key", "Value"),
    }
}


def parse_fields(*encoded: str) -> Node:
    """The tree of form-encoded texts, later ones winning; errors for more fields or levels than the limits."""
    root: Node = {}
    for text in encoded:
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS, errors="strict")
        except (ValueError, UnicodeDecodeError) as error:
            raise MalformedQueryString("The query string is malformed.") from error
        for key, value in pairs:
            parts = key.split(".")
            if len(parts) > MAX_DEPTH or TEXT in parts:
                raise MalformedQueryString(f"The parameter {key[:128]} is malformed.")
            node = root
            for part in parts:
                node = node.setdefault(part, {})
            node[TEXT] = value
    return root


def ec2_name(name: str, shape: Shape) -> str:
    """The ec2 protocol's spelling of a member: ``queryName``, or the location name capitalised."""
    if "queryName" in shape.serialization:
        return str(shape.serialization["queryName"])
    if "name" in shape.serialization:
        located = str(shape.serialization["name"])
        return located[0].upper() + located[1:]
    return name


def query_malformed(text: str, wanted: str) -> AwsError:
    """What the query protocol answers to a text of the wrong type."""
    return MalformedInput(f"'{text[:128]}' can not be converted to {wanted}")


def ec2_malformed(text: str, wanted: str) -> AwsError:
    """What EC2 answers to a text of the wrong type."""
    return InvalidParameterValue(f"Value ({text[:128]}) is invalid. Parameter must be of type {wanted.lower()}.")


class QueryReaderCompiler:
    """Compiles the readers of one service's shapes for the query or the ec2 protocol."""

    def __init__(self, service: str, *, ec2: bool) -> None:
        self._ec2 = ec2
        self._flat_names = FLAT_NAMES.get(service, {})
        self._structures = CompiledStructures[NodeReader]()

    def compile(self, shape: Shape) -> NodeReader:
        """The reader of a shape; it gives None for a node that says nothing of it."""
        if isinstance(shape, StructureShape):
            return self._structures.get(shape, self._structure)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        read_text = text_reader(shape, ec2_malformed if self._ec2 else query_malformed)

        def read(node: Node) -> Any:
            text = node.get(TEXT)
            return None if text is None else read_text(text)

        return read

    def _name(self, name: str, shape: Shape) -> str:
        return ec2_name(name, shape) if self._ec2 else str(shape.serialization.get("name", name))

    def _structure(self, shape: StructureShape) -> NodeReader:
        members: dict[str, tuple[str, NodeReader]] = {}
        for key, member in shape.members.items():
            read_member = self.compile(member)
            wire_name = self._name(key, member)
            members[wire_name] = (key, read_member)
            flat_name = self._flat_member_name(member)
            if flat_name is not None:
                members.setdefault(flat_name, (key, read_member))
        lookup = members.get

        def read(node: Node) -> Any:
            result = {}
            for child, subtree in node.items():
                member = lookup(child)
                if member is not None:
                    value = member[1](subtree)
                    if value is not None:
                        result[member[0]] = value
            return result

        return read

    def _flat_member_name(self, shape: Shape) -> str | None:
        """``Attribute`` for the flattened ``Attributes``, where that is how its elements are spelled."""
        if shape.name in self._flat_names:
            return self._flat_names[shape.name].name
        if not self._ec2 and isinstance(shape, ListShape) and shape.serialization.get("flattened"):
            name = shape.member.serialization.get("name")
            return None if name is None else str(name)
        return None

    def _list(self, shape: ListShape) -> NodeReader:
        read_item = self.compile(shape.member)
        is_flat = self._ec2 or bool(shape.serialization.get("flattened"))
        wrapper = None if is_flat else str(shape.member.serialization.get("name", "member"))

        def read(node: Node) -> Any:
            # "Filters=" is how clients spell the empty list.
            items = [read_item(child) for child in _numbered(node, wrapper)]
            return [item for item in items if item is not None]

        return read

    def _map(self, shape: MapShape) -> NodeReader:
        read_key, read_value = self.compile(shape.key), self.compile(shape.value)
        flat_name = self._flat_names.get(shape.name)
        wrapper = None if shape.serialization.get("flattened") else "entry"
        key_name = flat_name.key if flat_name else self._name("key", shape.key)
        value_name = flat_name.value if flat_name else self._name("value", shape.value)

        def read(node: Node) -> Any:
            result = {}
            for entry in _numbered(node, wrapper):
                key = read_key(entry.get(key_name, {}))
                value = read_value(entry.get(value_name, {}))
                if key is not None and value is not None:
                    result[key] = value
            return result

        return read


def _numbered(node: Node, wrapper: str | None) -> list[Node]:
    """The children under ``1``, ``2`` ... in order; gaps close up, so that an index costs nothing."""
    if wrapper is not None:
        node = node.get(wrapper, node)
    numbered: list[tuple[int, Node]] = []
    for name, child in node.items():
        if name.isascii() and name.isdigit() and len(name) <= MAX_INDEX_DIGITS:
            numbered.append((int(name), child))
    numbered.sort(key=lambda pair: pair[0])
    return [child for _, child in numbered]
