"""ParameterFilters and the older Filters, as conditions on the rows of the latest versions.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
"""

from collections.abc import Collection, Iterable, Sequence

from django.db.models import Q

from aws_api.core.errors import ValidationException
from aws_api.services.ssm.names import check_path
from aws_api.services.ssm.shapes import (
    InvalidFilterKey,
    InvalidFilterOption,
    InvalidFilterValue,
    ParametersFilter,
    ParameterStringFilter,
)

DESCRIBE_KEYS = ("Name", "Type", "KeyId", "Path", "Tier", "DataType")
BY_PATH_KEYS = ("Type", "KeyId", "Label")
_COLUMNS = {
    "Name": "parameter__name",
    "Type": "type",
    "KeyId": "key_id",
    "Tier": "tier",
    "DataType": "data_type",
}
_LOOKUPS = {"Equals": "", "BeginsWith": "__startswith", "Contains": "__contains"}
_OPTIONS = {"Name": ("Equals", "BeginsWith", "Contains"), "KeyId": ("Equals", "BeginsWith")}
_TAG = "tag:"


def string_filters(filters: Iterable[ParameterStringFilter], keys: Collection[str]) -> Q:
    """The condition of all filters together; ``keys`` are those that the operation takes."""
    condition = Q()
    seen: set[str] = set()
    for given in filters:
        key = given["Key"]
        if key in seen:
            raise InvalidFilterKey(
                f"The following filter is duplicated in the request: {key}. A request can contain only one occurrence "
                "of a specific filter."
            )
        seen.add(key)
        condition &= _condition(key, given.get("Option"), given.get("Values") or [], keys)
    return condition


def old_filters(filters: Iterable[ParametersFilter]) -> Q:
    """The condition of the older filters, which know names by their beginning."""
    condition = Q()
    for given in filters:
        lookup = "__startswith" if given["Key"] == "Name" else ""
        condition &= _any(_COLUMNS[given["Key"]] + lookup, given["Values"])
    return condition


def one_level(path: str) -> Q:
    """Parameters right below a path that ends with a slash."""
    below = path.count("/")
    return Q(parameter__name__startswith=path) & Q(parameter__name__regex=rf"^(/[^/]+){{{below}}}$")


def recursive(path: str) -> Q:
    """Parameters anywhere below a path that ends with a slash."""
    return Q(parameter__name__startswith=path)


def _condition(key: str, option: str | None, values: Sequence[str], keys: Collection[str]) -> Q:
    is_tag = key.startswith(_TAG) and "Path" in keys
    if key not in keys and not is_tag:
        valid = ", ".join((*keys, "tag:<key>") if "Path" in keys else keys)
        raise InvalidFilterKey(f"The following filter key is not valid: {key}. Valid filter keys include: [{valid}].")
    if is_tag:
        return _tag(key.removeprefix(_TAG), values)
    if not values:
        raise InvalidFilterValue(f"The following filter values are missing : null for filter key {key}")
    if key == "Path":
        return _path(option or "OneLevel", values)
    if key == "Label":
        return _label(values)
    valid_options = _OPTIONS.get(key, ("Equals",))
    option = option or "Equals"
    if option not in valid_options:
        raise InvalidFilterOption(
            f"The following filter option is not valid: {option}. Valid options include: [{', '.join(valid_options)}]."
        )
    return _any(_COLUMNS[key] + _LOOKUPS[option], values)


def _any(lookup: str, values: Iterable[str]) -> Q:
    condition = Q()
    for value in values:
        condition |= Q((lookup, value))
    return condition


def _path(option: str, values: Sequence[str]) -> Q:
    kinds = {"OneLevel": one_level, "Recursive": recursive}
    if option not in kinds:
        raise InvalidFilterOption(
            f"The following filter option is not valid: {option}. Valid options include: [Recursive, OneLevel]."
        )
    condition = Q()
    for value in values:
        try:
            condition |= kinds[option](check_path(value))
        except ValidationException as error:
            raise InvalidFilterValue(error.message) from error
    return condition


def _label(values: Sequence[str]) -> Q:
    condition = Q()
    for value in values:
        condition |= Q(labels__contains=[value])
    return condition


def _tag(key: str, values: Sequence[str]) -> Q:
    if not values:
        return Q(parameter__tags__has_key=key)
    condition = Q()
    for value in values:
        condition |= Q(parameter__tags__contains={key: value})
    return condition
