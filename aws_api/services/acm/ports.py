"""The core's port for certificates with their keys, on Certificate Manager's rows."""

from aws_api.core.certificates import CertificateMaterial, register_certificate_store
from aws_api.services.acm.models import Certificate
from aws_api.services.acm.store import private_key


class AcmCertificates:
    """Certificates of the caller's account."""

    def find(self, account_id: str, region: str, arn: str) -> CertificateMaterial | None:
        row = Certificate.objects.filter(account_id=account_id, region=region, arn=arn).first()
        if row is None:
            return None
        return CertificateMaterial(
            arn=row.arn,
            names=tuple(row.names),
            certificate=row.certificate,
            chain=row.chain,
            private_key=private_key(row),
        )


register_certificate_store(AcmCertificates())
