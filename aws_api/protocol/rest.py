"""Which operation of a REST service a method and a path name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel

from aws_api.protocol.failures import MalformedQueryString
from aws_api.protocol.limits import MAX_QUERY_PARAMETERS
from aws_api.protocol.models import operation_model, operation_names

# A path segment's kinds, in the order in which they are tried.
_LITERAL, _LABEL, _GREEDY = range(3)


@dataclass(frozen=True, slots=True)
class UriTemplate:
    """A ``requestUri``: path segments (kind, text) and the query parameters it fixes (None: whatever value)."""

    segments: tuple[tuple[int, str], ...]
    literals: tuple[tuple[str, str | None], ...]

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The labels' values, percent-decoded, where the raw path is of this form."""
        wanted = self.segments
        greedy = next((index for index, (kind, _) in enumerate(wanted) if kind == _GREEDY), None)
        path = raw_path.removeprefix("/")
        if greedy is None:
            path = path.removesuffix("/")
        given = path.split("/") if path else []
        if greedy is not None and len(given) >= len(wanted):
            after = len(given) - (len(wanted) - greedy - 1)
            given = [*given[:greedy], "/".join(given[greedy:after]), *given[after:]]
        if len(given) != len(wanted):
            return None
        labels: dict[str, str] = {}
        for (kind, text), segment in zip(wanted, given, strict=True):
            if kind == _LITERAL:
                if unquote(segment) != text:
                    return None
            elif not segment:
                return None
            else:
                labels[text] = unquote(segment)
        return labels


@cache
def uri_template(request_uri: str) -> UriTemplate:
    """The template of a model's ``requestUri``: ``/{Bucket}/{Key+}?tagging``."""
    path, _, query = request_uri.partition("?")
    path = path.removeprefix("/").removesuffix("/")
    segments: list[tuple[int, str]] = []
    for text in path.split("/") if path else []:
        if text.startswith("{") and text.endswith("+}"):
            segments.append((_GREEDY, text[1:-2]))
        elif text.startswith("{") and text.endswith("}"):
            segments.append((_LABEL, text[1:-1]))
        else:
            segments.append((_LITERAL, text))
    literals: list[tuple[str, str | None]] = []
    for pair in query.split("&") if query else []:
        name, has_value, value = pair.partition("=")
        literals.append((name, value if has_value else None))
    return UriTemplate(tuple(segments), tuple(literals))


@dataclass(frozen=True, slots=True)
class _Route:
    operation: str
    template: UriTemplate
    required_query: frozenset[str]
    required_headers: frozenset[str]

    def rank(self, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bool, int] | None:
        """How well the route explains a query and headers; None where a parameter that it fixes differs.

        S3 tells GetObject from ListParts, and PutObject from CopyObject, by what the operation requires alone.
        """
        for name, value in self.template.literals:
            if name not in query or (value is not None and query[name] != value):
                return None
        required = len(self.required_query) + len(self.required_headers)
        is_satisfied = self.required_query <= query.keys() and self.required_headers <= headers.keys()
        return len(self.template.literals), is_satisfied, required if is_satisfied else -required


def match_rest(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]] | None:
    """The operation that a request names and its URI labels, or None; ``path`` is the raw one.

    Literal segments come before labels, labels before greedy ones; then the more of the query is fixed or required.
    """
    parameters = {name: values[0] for name, values in parse_query(query).items()}
    for template, routes in _table(service).get(method, ()):
        if template.match(path) is None:
            continue
        ranked = [(rank, route) for route in routes if (rank := route.rank(parameters, headers or {})) is not None]
        if ranked:
            # Of equals the first by name: max keeps the first it meets.
            route = max(ranked, key=lambda pair: pair[0])[1]
            return route.operation, route.template.match(path) or {}
    return None


def parse_query(query: str) -> dict[str, list[str]]:
    """The parameters of a query string with all their values, in order."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise MalformedQueryString("The query string is malformed.") from error
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    return parameters


@cache
def _table(service: str) -> dict[str, list[tuple[UriTemplate, list[_Route]]]]:
    """The routes of a service by method, those of one path together, the most literal path first."""
    paths: dict[tuple[str, tuple[tuple[int, str], ...]], list[_Route]] = {}
    operations = [operation_model(service, name) for name in operation_names(service)]
    # What AWS deprecated comes after what replaced it on the same path.
    for operation in sorted(operations, key=lambda operation: (operation.deprecated, operation.name)):
        route = _route(operation)
        form = tuple((kind, text if kind == _LITERAL else "") for kind, text in route.template.segments)
        paths.setdefault((operation.http.get("method", "POST"), form), []).append(route)
    table: dict[str, list[tuple[UriTemplate, list[_Route]]]] = {}
    for (method, _), routes in sorted(paths.items(), key=lambda item: item[0][1]):
        table.setdefault(method, []).append((routes[0].template, routes))
    return table


def _route(operation: OperationModel) -> _Route:
    template = uri_template(operation.http.get("requestUri", "/"))
    required: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        member = shape.members[name]
        location = member.serialization.get("location")
        if location in required:
            required[location].add(str(member.serialization.get("name", name)))
    headers = frozenset(name.lower() for name in required["header"])
    return _Route(operation.name, template, frozenset(required["querystring"]), headers)
