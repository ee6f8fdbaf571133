"""Rows of Certificate Manager as AWS's shapes."""

import hashlib
from datetime import datetime
from typing import Any

from aws_api.core.certificates import users_of_certificate
from aws_api.services.acm.models import Certificate, CertificateType

Shape = dict[str, Any]

_SUMMARISED_NAMES = 100


def status_of(row: Certificate, now: datetime) -> str:
    return "EXPIRED" if row.not_after <= now else "ISSUED"


def certificate_detail(row: Certificate, now: datetime) -> Shape:
    users = users_of_certificate(row.arn)
    shape: Shape = {
        "CertificateArn": row.arn,
        "DomainName": row.domain_name,
        "SubjectAlternativeNames": row.names,
        **row.document,
        "CreatedAt": row.created_at,
        "Status": status_of(row, now),
        "NotBefore": row.not_before,
        "NotAfter": row.not_after,
        "KeyAlgorithm": row.key_algorithm,
        "InUseBy": users,
        "Type": row.type,
        "RenewalEligibility": _renewal_eligibility(row, users),
        "Options": row.options,
    }
    if row.type == CertificateType.IMPORTED:
        return {**shape, "ImportedAt": row.issued_at}
    return {
        **shape,
        "IssuedAt": row.issued_at,
        "DomainValidationOptions": [_validation(row, name) for name in row.names],
    }


def certificate_summary(row: Certificate, now: datetime) -> Shape:
    users = users_of_certificate(row.arn)
    at = "ImportedAt" if row.type == CertificateType.IMPORTED else "IssuedAt"
    return {
        "CertificateArn": row.arn,
        "DomainName": row.domain_name,
        "SubjectAlternativeNameSummaries": row.names[:_SUMMARISED_NAMES],
        "HasAdditionalSubjectAlternativeNames": len(row.names) > _SUMMARISED_NAMES,
        "Status": status_of(row, now),
        "Type": row.type,
        "KeyAlgorithm": row.key_algorithm,
        "KeyUsages": [usage["Name"] for usage in row.document["KeyUsages"]],
        "ExtendedKeyUsages": [usage["Name"] for usage in row.document["ExtendedKeyUsages"]],
        "InUse": bool(users),
        "RenewalEligibility": _renewal_eligibility(row, users),
        "NotBefore": row.not_before,
        "NotAfter": row.not_after,
        "CreatedAt": row.created_at,
        at: row.issued_at,
    }


def _renewal_eligibility(row: Certificate, users: list[str]) -> str:
    return "ELIGIBLE" if row.type == CertificateType.AMAZON_ISSUED and users else "INELIGIBLE"


def _validation(row: Certificate, name: str) -> Shape:
    """The DNS record that would prove the domain; it is taken as proven."""
    base = name.removeprefix("*.")
    digest = hashlib.sha256(f"{row.account_id} {base}".encode()).hexdigest()
    return {
        "DomainName": name,
        "ValidationDomain": base,
        "ValidationStatus": "SUCCESS",
        "ValidationMethod": row.options.get("ValidationMethod", "DNS"),
        "ResourceRecord": {
            "Name": f"_{digest[:32]}.{base}.",
            "Type": "CNAME",
            "Value": f"_{digest[32:]}.acm-validations.aws.",
        },
    }
