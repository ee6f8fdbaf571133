"""XML read and written: request bodies of rest-xml, answers of query, ec2 and rest-xml."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from botocore.model import ListShape, MapShape, Shape, StructureShape

from aws_api.core.errors import AwsError, SerializationException
from aws_api.protocol.limits import MAX_DEPTH
from aws_api.protocol.query import FlatName
from aws_api.protocol.structures import CompiledStructures
from aws_api.protocol.text import text_reader, text_writer

ElementReader = Callable[[Element], Any]
Append = Callable[[str], None]
ElementWriter = Callable[[Any, Append], None]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# What XML 1.0 cannot carry at all, and what a parser would change: carriage returns.
_SPECIAL = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"}


def escape(text: str) -> str:
    """Text as element content; characters that XML forbids become the replacement character."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match.group(), "\ufffd"), text)


def xml_malformed(text: str, wanted: str) -> AwsError:
    """What a rest-xml service answers to a text of the wrong type."""
    return SerializationException(f"'{text[:128]}' can not be converted to {wanted}")


def parse_xml(body: bytes) -> Element:
    """The root element, names without namespaces; ``SerializationException`` for anything but plain XML.

    Document types are refused, and with them every entity: no expansion, no reference to elsewhere.
    """
    builder = TreeBuilder()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise SerializationException("The XML is nested too deeply.")
        builder.start(_local(tag), {_local(key): value for key, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(tag))

    def refuse(*_: object) -> None:
        raise SerializationException("The XML must not have a document type.")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        # LookupError and ValueError: an encoding that Python does not know or cannot map.
        raise SerializationException(f"The XML is not well-formed: {error}") from error
    root: Element = builder.close()
    return root


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _attribute(name: str) -> str:
    """``type`` of ``xsi:type``: how the parser above names an attribute with a namespace."""
    return name.rpartition(":")[2]


class XmlReaderCompiler:
    """Compiles the readers of one service's shapes from elements."""

    def __init__(self) -> None:
        self._structures = CompiledStructures[ElementReader]()

    def compile(self, shape: Shape) -> ElementReader:
        """The reader of a shape from its element."""
        if isinstance(shape, StructureShape):
            return self._structures.get(shape, self.members)
        if isinstance(shape, ListShape):
            wrapped_items = self._items(shape)
            return lambda element: wrapped_items(list(element))
        if isinstance(shape, MapShape):
            wrapped_entries = self._entries(shape)
            return lambda element: wrapped_entries(list(element))
        read_text = text_reader(shape, xml_malformed)
        return lambda element: read_text(element.text or "")

    def members(self, shape: StructureShape, names: Iterable[str] | None = None) -> ElementReader:
        """The reader of a structure, or of those of its members that travel in the body."""
        single: dict[str, tuple[str, ElementReader]] = {}
        repeated: dict[str, tuple[str, Callable[[list[Element]], Any]]] = {}
        attributes: list[tuple[str, str, Callable[[str], Any]]] = []
        for key in shape.members if names is None else names:
            member = shape.members[key]
            wire_name = str(member.serialization.get("name", key))
            if member.serialization.get("xmlAttribute"):
                attributes.append((key, _attribute(wire_name), text_reader(member, xml_malformed)))
            elif isinstance(member, ListShape) and member.serialization.get("flattened"):
                repeated[wire_name] = (key, self._items(member))
                if "name" in member.member.serialization:
                    repeated[str(member.member.serialization["name"])] = (key, self._items(member))
            elif isinstance(member, MapShape) and member.serialization.get("flattened"):
                repeated[wire_name] = (key, self._entries(member))
            else:
                single[wire_name] = (key, self.compile(member))

        def read(element: Element) -> Any:
            result = {}
            groups: dict[str, list[Element]] = {}
            for child in element:
                found = single.get(child.tag)
                if found is not None:
                    result[found[0]] = found[1](child)
                elif child.tag in repeated:
                    groups.setdefault(child.tag, []).append(child)
            for tag, children in groups.items():
                key, read_all = repeated[tag]
                result[key] = read_all(children)
            for key, attribute, read_text in attributes:
                if attribute in element.attrib:
                    result[key] = read_text(element.attrib[attribute])
            return result

        return read

    def _items(self, shape: ListShape) -> Callable[[list[Element]], Any]:
        read_item = self.compile(shape.member)
        return lambda elements: [read_item(element) for element in elements]

    def _entries(self, shape: MapShape) -> Callable[[list[Element]], Any]:
        read_key, read_value = self.compile(shape.key), self.compile(shape.value)
        key_name = str(shape.key.serialization.get("name", "key"))
        value_name = str(shape.value.serialization.get("name", "value"))

        def read(elements: list[Element]) -> Any:
            result = {}
            for entry in elements:
                key, value = entry.find(key_name), entry.find(value_name)
                if key is not None and value is not None:
                    result[read_key(key)] = read_value(value)
            return result

        return read


class XmlWriterCompiler:
    """Compiles the writers of one service's shapes; a writer appends an element under the tag it was compiled for."""

    def __init__(self, flat_names: Mapping[str, FlatName], *, timestamp_format: str = "iso8601") -> None:
        self._flat_names = flat_names
        self._timestamp_format = timestamp_format
        self._members = CompiledStructures[ElementWriter]()

    def compile(self, shape: Shape, tag: str) -> ElementWriter:
        """The writer of a shape as one element (or, flattened, as several) of this tag."""
        if isinstance(shape, StructureShape):
            return self._structure(shape, tag)
        if isinstance(shape, ListShape):
            return self._list(shape, tag)
        if isinstance(shape, MapShape):
            return self._map(shape, tag)
        opening, closing = f"<{tag}{namespace_of(shape)}>", f"</{tag}>"
        write_text = text_writer(shape, self._timestamp_format)

        def write(value: Any, append: Append) -> None:
            append(f"{opening}{escape(write_text(value))}{closing}")

        return write

    def _structure(self, shape: StructureShape, tag: str) -> ElementWriter:
        start, closing = f"<{tag}{namespace_of(shape)}", f"</{tag}>"
        write_members = self._members.get(shape, self.members)
        attributes = [
            (key, str(member.serialization["name"]))
            for key, member in shape.members.items()
            if member.serialization.get("xmlAttribute")
        ]

        def write(value: Any, append: Append) -> None:
            append(start)
            for key, name in attributes:
                if value.get(key) is not None:
                    append(f' {name}="{escape(str(value[key]))}"')
            append(">")
            write_members(value, append)
            append(closing)

        return write

    def members(self, shape: StructureShape, names: Iterable[str] | None = None) -> ElementWriter:
        """The writer of a structure's members, or of those in the body, without an element around them."""
        members = {
            key: self.compile(shape.members[key], self._tag(key, shape.members[key]))
            for key in (shape.members if names is None else names)
            if not shape.members[key].serialization.get("xmlAttribute")
        }
        lookup = members.get

        def write(value: Any, append: Append) -> None:
            for key, item in value.items():
                if item is not None:
                    write_member = lookup(key)
                    if write_member is not None:
                        write_member(item, append)

        return write

    def _tag(self, key: str, shape: Shape) -> str:
        if shape.name in self._flat_names:
            return self._flat_names[shape.name].name
        if (
            isinstance(shape, ListShape)
            and shape.serialization.get("flattened")
            and "name" in shape.member.serialization
        ):
            return str(shape.member.serialization["name"])
        return str(shape.serialization.get("name", key))

    def _list(self, shape: ListShape, tag: str) -> ElementWriter:
        if shape.serialization.get("flattened"):
            write_flat = self.compile(shape.member, tag)

            def write_items(value: Any, append: Append) -> None:
                for item in value:
                    write_flat(item, append)

            return write_items
        write_item = self.compile(shape.member, str(shape.member.serialization.get("name", "member")))
        opening, closing = f"<{tag}{namespace_of(shape)}>", f"</{tag}>"

        def write(value: Any, append: Append) -> None:
            append(opening)
            for item in value:
                write_item(item, append)
            append(closing)

        return write

    def _map(self, shape: MapShape, tag: str) -> ElementWriter:
        flat_name = self._flat_names.get(shape.name)
        key_name = flat_name.key if flat_name else str(shape.key.serialization.get("name", "key"))
        value_name = flat_name.value if flat_name else str(shape.value.serialization.get("name", "value"))
        write_key, write_value = self.compile(shape.key, key_name), self.compile(shape.value, value_name)
        is_flat = bool(shape.serialization.get("flattened"))
        entry = tag if is_flat else "entry"
        opening, closing = ("", "") if is_flat else (f"<{tag}{namespace_of(shape)}>", f"</{tag}>")

        def write(value: Any, append: Append) -> None:
            append(opening)
            for key, item in value.items():
                if item is not None:
                    append(f"<{entry}>")
                    write_key(key, append)
                    write_value(item, append)
                    append(f"</{entry}>")
            append(closing)

        return write


def namespace_of(shape: Shape) -> str:
    """The ``xmlns`` attribute that the model gives a shape, with a leading space, or nothing."""
    namespace = shape.serialization.get("xmlNamespace")
    if namespace is None:
        return ""
    if isinstance(namespace, str):
        return f' xmlns="{namespace}"'
    prefix = namespace.get("prefix")
    return f' xmlns:{prefix}="{namespace["uri"]}"' if prefix else f' xmlns="{namespace["uri"]}"'
