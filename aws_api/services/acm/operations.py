"""The operations of Certificate Manager. https://docs.aws.amazon.com/acm/latest/APIReference/API_Operations.html"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.certificates import users_of_certificate
from aws_api.core.changes import StateChange, publish
from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.acm import shapes, x509
from aws_api.services.acm.authority import authority_of
from aws_api.services.acm.describe import certificate_detail, certificate_summary, status_of
from aws_api.services.acm.models import Certificate, CertificateType
from aws_api.services.acm.service import acm
from aws_api.services.acm.store import find_certificate, new_arn, private_key, protect_key

Shape = dict[str, Any]

#: The kind of the changes that are published: who uses a certificate takes the new one.
KIND = "acm.certificate"
DEFAULT_PAGE = 1000
MAX_TAGS = 50
DEFAULT_KEY_ALGORITHM = "RSA_2048"
#: Without a filter only these are listed, as on AWS.
_LISTED_KEYS = ("RSA_1024", "RSA_2048")


@acm.operation
def import_certificate(context: Context, request: shapes.ImportCertificateRequest) -> Shape:
    """Keep a certificate made elsewhere; with an ARN, in the place of the one that is there."""
    chain = request.get("CertificateChain", b"")
    try:
        pair = x509.check_pair(request["Certificate"], request["PrivateKey"], chain)
        facts = x509.read(pair.certificate)
    except x509.Unreadable as error:
        raise shapes.ValidationException(str(error)) from error
    if facts.not_after <= context.clock.now():
        raise shapes.ValidationException("The certificate has expired.")
    if arn := request.get("CertificateArn"):
        row = find_certificate(context, arn, locked=True)
        _check_import_again(row, request)
        _replace(context, row, pair, chain.decode())
        return {"CertificateArn": arn}
    row = _new_row(context, CertificateType.IMPORTED, pair, chain.decode(), request)
    return {"CertificateArn": row.arn}


@acm.operation
def request_certificate(context: Context, request: shapes.RequestCertificateRequest) -> Shape:
    """Have a certificate issued: at once, since nobody has to prove that the domain is theirs."""
    if "CertificateAuthorityArn" in request:
        raise shapes.InvalidArnException("Simfra has no private certificate authorities (acm-pca).")
    token = request.get("IdempotencyToken", "")
    names = list(dict.fromkeys((request["DomainName"], *request.get("SubjectAlternativeNames", ()))))
    earlier = Certificate.objects.filter(
        account_id=context.account_id, region=context.region, idempotency_token=token, domain_name=names[0]
    ).first()
    if token and earlier and earlier.names == names:
        return {"CertificateArn": earlier.arn}
    authority = authority_of(context)
    algorithm = request.get("KeyAlgorithm", DEFAULT_KEY_ALGORITHM)
    issued = x509.issue(authority, names, algorithm, context.clock.now())
    row = _new_row(context, CertificateType.AMAZON_ISSUED, issued, authority.certificate, request)
    return {"CertificateArn": row.arn}


@acm.operation
def describe_certificate(context: Context, request: shapes.DescribeCertificateRequest) -> Shape:
    """Describe a certificate."""
    row = find_certificate(context, request["CertificateArn"])
    return {"Certificate": certificate_detail(row, context.clock.now())}


@acm.operation
def get_certificate(context: Context, request: shapes.GetCertificateRequest) -> Shape:
    """The certificate and its chain, without the key."""
    row = find_certificate(context, request["CertificateArn"])
    return {"Certificate": row.certificate, **({"CertificateChain": row.chain} if row.chain else {})}


@acm.operation
def export_certificate(context: Context, request: shapes.ExportCertificateRequest) -> Shape:
    """The same with the key, under the caller's passphrase, where the certificate was requested as exportable."""
    row = find_certificate(context, request["CertificateArn"])
    if row.options.get("Export") != "ENABLED":
        raise shapes.ValidationException(f"Certificate ARN: {row.arn} is not a private certificate")
    key = x509.encrypted_key(private_key(row), request["Passphrase"])
    return {"Certificate": row.certificate, "CertificateChain": row.chain, "PrivateKey": key}


@acm.operation
def list_certificates(context: Context, request: shapes.ListCertificatesRequest) -> Shape:
    """The account's certificates, page by page."""
    includes = request.get("Includes", {})
    rows = Certificate.objects.filter(
        account_id=context.account_id,
        region=context.region,
        key_algorithm__in=includes.get("keyTypes") or _LISTED_KEYS,
    )
    page, token = page_of_rows(
        rows,
        by="id",
        token=request.get("NextToken"),
        limit=request.get("MaxItems", DEFAULT_PAGE),
        error=shapes.ValidationException,
    )
    now = context.clock.now()
    statuses = request.get("CertificateStatuses")
    found = [
        certificate_summary(row, now)
        for row in page
        if (not statuses or status_of(row, now) in statuses) and _is_included(row, includes)
    ]
    return {"CertificateSummaryList": found, **({"NextToken": token} if token else {})}


@acm.operation
def delete_certificate(context: Context, request: shapes.DeleteCertificateRequest) -> None:
    """Delete a certificate that nobody uses."""
    row = find_certificate(context, request["CertificateArn"], locked=True)
    if users_of_certificate(row.arn):
        raise shapes.ResourceInUseException(f"Certificate {row.arn} in account {row.account_id} is in use.")
    row.delete()


@acm.operation
def renew_certificate(context: Context, request: shapes.RenewCertificateRequest) -> None:
    """Issue an exportable certificate again, with a new key."""
    row = find_certificate(context, request["CertificateArn"], locked=True)
    if row.type != CertificateType.AMAZON_ISSUED or row.options.get("Export") != "ENABLED":
        raise shapes.RequestInProgressException(f"Certificate {row.arn} is not eligible for renewal.")
    issued = x509.issue(authority_of(context), row.names, row.key_algorithm, context.clock.now())
    _replace(context, row, issued, row.chain)


@acm.operation
def update_certificate_options(context: Context, request: shapes.UpdateCertificateOptionsRequest) -> None:
    """Change whether the certificate is logged and exported; nothing is logged here."""
    row = find_certificate(context, request["CertificateArn"], locked=True)
    row.options = {**row.options, **request["Options"]}
    row.save(update_fields=["options"])


@acm.operation
def resend_validation_email(context: Context, request: shapes.ResendValidationEmailRequest) -> None:
    """Refused: every certificate is issued already."""
    row = find_certificate(context, request["CertificateArn"])
    raise shapes.InvalidStateException(f"Certificate {row.arn} is not in a state that allows validation emails.")


# Tags -----------------------------------------------------------------------------------------------------------------


@acm.operation
def add_tags_to_certificate(context: Context, request: shapes.AddTagsToCertificateRequest) -> None:
    """Add tags, or change their values."""
    row = find_certificate(context, request["CertificateArn"], locked=True)
    row.tags = _checked_tags({**row.tags, **tags_from_list(request["Tags"])})
    row.save(update_fields=["tags"])


@acm.operation
def remove_tags_from_certificate(context: Context, request: shapes.RemoveTagsFromCertificateRequest) -> None:
    """Remove tags; one that is given with a value only where it has that value."""
    row = find_certificate(context, request["CertificateArn"], locked=True)
    for tag in request["Tags"]:
        if "Value" not in tag or row.tags.get(tag["Key"]) == tag["Value"]:
            row.tags.pop(tag["Key"], None)
    row.save(update_fields=["tags"])


@acm.operation
def list_tags_for_certificate(context: Context, request: shapes.ListTagsForCertificateRequest) -> Shape:
    """The tags of a certificate."""
    return {"Tags": tags_to_list(find_certificate(context, request["CertificateArn"]).tags)}


# The parts ------------------------------------------------------------------------------------------------------------


def _new_row(
    context: Context, type_: CertificateType, pair: x509.Issued, chain: str, request: Mapping[str, Any]
) -> Certificate:
    facts = x509.read(pair.certificate)
    arn = new_arn(context)
    now = context.clock.now()
    options = {"CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED"}
    if type_ is CertificateType.IMPORTED:
        options["CertificateTransparencyLoggingPreference"] = "DISABLED"
    else:
        options["ValidationMethod"] = request.get("ValidationMethod", "DNS")
    return Certificate.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=now,
        tags=_checked_tags(tags_from_list(request.get("Tags"))),
        arn=arn,
        type=type_,
        # A long domain does not fit into the subject.
        domain_name=request.get("DomainName", facts.domain_name),
        idempotency_token=request.get("IdempotencyToken", ""),
        options={**options, **request.get("Options", {})},
        issued_at=now,
        chain=chain,
        **_columns(arn, pair, facts),
    )


def _check_import_again(row: Certificate, request: shapes.ImportCertificateRequest) -> None:
    if row.type != CertificateType.IMPORTED:
        raise shapes.ValidationException(f"Certificate {row.arn} was not imported and cannot be imported again.")
    if request.get("Tags"):
        raise shapes.ValidationException("Tagging is not permitted on re-import.")


def _replace(context: Context, row: Certificate, pair: x509.Issued, chain: str) -> None:
    facts = x509.read(pair.certificate)
    now = context.clock.now()
    columns = {**_columns(row.arn, pair, facts), "chain": chain, "issued_at": now}
    if row.type == CertificateType.IMPORTED:
        columns["domain_name"] = facts.domain_name
    Certificate.objects.filter(pk=row.pk).update(**columns)
    publish(
        StateChange(
            kind=KIND,
            key=row.arn,
            account_id=row.account_id,
            region=row.region,
            before="ISSUED",
            after="ISSUED",
            cause="the certificate was replaced",
            at=now,
        )
    )


def _columns(arn: str, pair: x509.Issued, facts: x509.CertificateFacts) -> dict[str, Any]:
    return {
        "names": list(facts.names),
        "key_algorithm": facts.key_algorithm,
        "not_before": facts.not_before,
        "not_after": facts.not_after,
        "document": dict(facts.document),
        "certificate": pair.certificate,
        "encrypted_key": protect_key(arn, pair.private_key),
    }


def _is_included(row: Certificate, includes: Mapping[str, Any]) -> bool:
    usages = {usage["Name"] for usage in row.document["KeyUsages"]}
    extended = {usage["Name"] for usage in row.document["ExtendedKeyUsages"]}
    return (
        (not includes.get("keyUsage") or not usages.isdisjoint(includes["keyUsage"]))
        and (not includes.get("extendedKeyUsage") or not extended.isdisjoint(includes["extendedKeyUsage"]))
        and includes.get("exportOption", row.options.get("Export")) == row.options.get("Export")
        and "managedBy" not in includes
    )


def _checked_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise shapes.TooManyTagsException(f"The number of tags exceeds the limit of {MAX_TAGS}.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise shapes.InvalidTagException("Tag keys may not begin with aws:.")
    return tags
