"""Parameter names: what they may be, how requests select a version, and their ARNs.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
"""

import re
from dataclasses import dataclass

from aws_api.core.arns import Arn, is_arn
from aws_api.core.context import Context
from aws_api.core.errors import AccessDeniedException, ValidationException
from aws_api.services.ssm.shapes import HierarchyLevelLimitExceededException

MAX_LEVELS = 15
#: Of the whole ARN.
MAX_ARN_LENGTH = 1011
_SYMBOLS = re.compile(r"[a-zA-Z0-9_.\-/]+\Z")
_PATH_REQUIREMENTS = (
    "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "
    '"/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the '
    "following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if "
    'specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """A parameter as a request names it. ``alternative`` is its other possible name: the ARNs of ``a`` and ``/a`` are
    the same."""

    name: str
    alternative: str | None = None
    version: int | None = None
    label: str | None = None

    @property
    def selector(self) -> str:
        """As answers repeat it: ``:3``, ``:prod``, or nothing."""
        if self.version is not None:
            return f":{self.version}"
        return f":{self.label}" if self.label is not None else ""


def parse_selection(context: Context, text: str) -> Selection:
    """``name``, ``name:version``, ``name:label``, or an ARN with either. Raises ValidationException."""
    if is_arn(text):
        arn = Arn.parse(text)
        if arn.service != "ssm" or not arn.resource.startswith("parameter/"):
            raise ValidationException(f"Invalid parameter ARN: {text}")
        if arn.region != context.region:
            raise ValidationException(f"The parameter ARN {text} is not of the region {context.region}.")
        if arn.account_id not in (context.account_id, ""):
            raise AccessDeniedException(
                f"User: {context.principal.arn} is not authorized to access the parameter {text}: it is not shared "
                f"with the account {context.account_id}"
            )
        path, _, selector = arn.resource.removeprefix("parameter/").partition(":")
        if "/" in path:
            return _selection(f"/{path}", None, selector)
        return _selection(path, f"/{path}", selector)
    name, _, selector = text.partition(":")
    return _selection(name, None, selector)


def parameter_arn(account_id: str, region: str, name: str) -> str:
    """The ARN of a parameter."""
    return f"arn:aws:ssm:{region}:{account_id}:parameter/{name.removeprefix('/')}"


def check_new_name(context: Context, name: str) -> None:
    """Raise where no parameter may be called that."""
    lowered = name.lower().removeprefix("/")
    is_path = name.count("/") > 1
    if lowered.startswith(("aws", "ssm")):
        if name.lower().startswith("/aws") and is_path:
            raise AccessDeniedException(f"No access to reserved parameter name: {name}.")
        if not is_path:
            raise ValidationException('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
        raise ValidationException(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
    if not _SYMBOLS.match(name):
        raise ValidationException(
            "Parameter name: can only contain letters, numbers and the following symbols .-_/ and must not contain "
            "spaces"
        )
    if "/" in name and not name.startswith("/"):
        raise ValidationException("Parameter name must be a fully qualified name.")
    if "//" in name or name.endswith("/"):
        raise ValidationException("Parameter name must not contain empty sub-paths or end with a slash.")
    if name.count("/") > MAX_LEVELS:
        raise HierarchyLevelLimitExceededException(
            f"Parameter hierarchies are limited to a maximum depth of {MAX_LEVELS} levels. Enter another name and "
            "try again."
        )
    if len(parameter_arn(context.account_id, context.region, name)) > MAX_ARN_LENGTH:
        raise ValidationException(
            f"Parameter name is too long: together with its ARN it has a maximum length of {MAX_ARN_LENGTH} characters."
        )


def check_path(path: str) -> str:
    """A path of a hierarchy, ending with a slash. Raises ValidationException."""
    if not path.startswith("/") or not _SYMBOLS.match(path) or "//" in path:
        raise ValidationException(_PATH_REQUIREMENTS)
    return path if path.endswith("/") else f"{path}/"


def _selection(name: str, alternative: str | None, selector: str) -> Selection:
    if not selector:
        return Selection(name=name, alternative=alternative)
    # No number fits but a version that a row may have.
    if selector.isascii() and selector.isdigit() and len(selector) <= 9:
        return Selection(name=name, alternative=alternative, version=int(selector))
    return Selection(name=name, alternative=alternative, label=selector)
