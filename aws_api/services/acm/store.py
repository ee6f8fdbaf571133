"""Finding certificates, and keeping their keys."""

from aws_api.core.arns import Arn
from aws_api.core.context import Context
from aws_api.core.encryption import decrypt, encrypt
from aws_api.core.ids import new_uuid
from aws_api.services.acm.models import Certificate
from aws_api.services.acm.shapes import InvalidArnException, ResourceNotFoundException

_PURPOSE = "acm certificate"


def find_certificate(context: Context, arn: str, *, locked: bool = False) -> Certificate:
    """A certificate of the caller's account and region. Raises InvalidArn, ResourceNotFound."""
    if Arn.parse(arn).service != "acm":
        raise InvalidArnException(f"The ARN {arn} is not valid for Certificate Manager.")
    rows = Certificate.objects.select_for_update() if locked else Certificate.objects.all()
    row = rows.filter(account_id=context.account_id, region=context.region, arn=arn).first()
    if row is None:
        raise ResourceNotFoundException(f"Could not find certificate {arn} in account {context.account_id}.")
    return row


def new_arn(context: Context) -> str:
    return f"arn:aws:acm:{context.region}:{context.account_id}:certificate/{context.forced_id() or new_uuid()}"


def protect_key(arn: str, private_key: str) -> bytes:
    return encrypt(_PURPOSE, arn, private_key.encode())


def private_key(row: Certificate) -> str:
    return decrypt(_PURPOSE, row.arn, bytes(row.encrypted_key)).decode()
