"""Secret names and ARNs. A request names a secret by its name, its ARN, or its ARN without the random end.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
"""

import re
import string
from dataclasses import dataclass

from aws_api.core.arns import Arn, is_arn
from aws_api.core.context import Context
from aws_api.core.errors import AccessDeniedException, ValidationException
from aws_api.core.ids import new_suffix
from aws_api.services.secretsmanager.shapes import ResourceNotFoundException

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+\Z")
_SUFFIX_LENGTH = 6
_ENDS_LIKE_AN_ARN = re.compile(r"(?P<name>.+)-(?P<suffix>[A-Za-z0-9]{6})\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretName:
    """A secret as a request names it: by ``full_name``, or by ``short_name`` and ``suffix`` where those are given.

    ``secret:db-Ab12Cd`` is the ARN of the secret ``db``, or the one of ``db-Ab12Cd`` without its random end.
    """

    full_name: str
    short_name: str | None = None
    suffix: str | None = None


def parse_secret_id(context: Context, text: str) -> SecretName:
    """What a SecretId means. Raises ResourceNotFoundException for another region's, AccessDenied for an account's."""
    if not is_arn(text):
        return SecretName(full_name=text)
    arn = Arn.parse(text)
    if arn.service != "secretsmanager" or not arn.resource.startswith("secret:"):
        raise ValidationException("Invalid ARN: it is not the ARN of a secret.")
    if arn.region != context.region:
        raise secret_not_found()
    if arn.account_id != context.account_id:
        raise AccessDeniedException(
            f"User: {context.principal.arn} is not authorized to access the resource: {text} because no "
            "resource-based policy allows it"
        )
    name = arn.resource.removeprefix("secret:")
    if match := _ENDS_LIKE_AN_ARN.match(name):
        return SecretName(full_name=name, short_name=match["name"], suffix=match["suffix"])
    return SecretName(full_name=name)


def check_new_name(name: str) -> None:
    """Raise ValidationException where no secret may be called that."""
    if not _NAME.match(name):
        raise ValidationException(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )


def secret_arn(account_id: str, region: str, name: str, suffix: str) -> str:
    """The ARN of a secret."""
    return f"arn:aws:secretsmanager:{region}:{account_id}:secret:{name}-{suffix}"


def new_arn_suffix() -> str:
    """The random end of a new secret's ARN."""
    return new_suffix(_SUFFIX_LENGTH, string.ascii_letters + string.digits)


def secret_not_found() -> ResourceNotFoundException:
    """AWS's word for a secret that is not there."""
    return ResourceNotFoundException("Secrets Manager can't find the specified secret.")
