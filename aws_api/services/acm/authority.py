"""An account's own authority: made when first needed, its key encrypted at rest."""

from aws_api.core.context import Context
from aws_api.core.encryption import decrypt, encrypt
from aws_api.services.acm import x509
from aws_api.services.acm.models import Authority

_PURPOSE = "acm authority"


def authority_of(context: Context) -> x509.Issued:
    """The authority of the caller's account."""
    row = Authority.objects.filter(account_id=context.account_id).first() or _make(context)
    key = decrypt(_PURPOSE, row.account_id, bytes(row.encrypted_key)).decode()
    return x509.Issued(certificate=row.certificate, private_key=key)


def _make(context: Context) -> Authority:
    made = x509.make_authority(context.account_id, context.clock.now())
    # Who was faster has it made; the other's is forgotten.
    row, _ = Authority.objects.get_or_create(
        account_id=context.account_id,
        defaults={
            "certificate": made.certificate,
            "encrypted_key": encrypt(_PURPOSE, context.account_id, made.private_key.encode()),
        },
    )
    return row
