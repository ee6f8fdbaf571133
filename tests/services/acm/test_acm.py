"""Certificate Manager through boto3."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from aws_api.core.certificates import find_certificate


@pytest.fixture
def acm(aws: Callable[..., Any]) -> Any:
    return aws("acm")


@pytest.fixture
def certificate(acm: Any) -> str:
    made = acm.request_certificate(
        DomainName="example.com", SubjectAlternativeNames=["*.example.com"], Tags=[{"Key": "a", "Value": "1"}]
    )
    return str(made["CertificateArn"])


def test_a_requested_certificate_is_issued_at_once(acm: Any, certificate: str) -> None:
    found = acm.describe_certificate(CertificateArn=certificate)["Certificate"]
    assert found["Status"] == "ISSUED"
    assert found["Type"] == "AMAZON_ISSUED"
    assert found["SubjectAlternativeNames"] == ["example.com", "*.example.com"]
    assert found["DomainValidationOptions"][0]["ValidationStatus"] == "SUCCESS"
    assert found["DomainValidationOptions"][0]["ResourceRecord"]["Type"] == "CNAME"
    acm.get_waiter("certificate_validated").wait(CertificateArn=certificate)


def test_it_is_signed_by_the_accounts_authority(acm: Any, certificate: str) -> None:
    found = acm.get_certificate(CertificateArn=certificate)
    issued = x509.load_pem_x509_certificate(found["Certificate"].encode())
    authority = x509.load_pem_x509_certificate(found["CertificateChain"].encode())
    issued.verify_directly_issued_by(authority)
    assert issued.not_valid_after_utc - issued.not_valid_before_utc > x509_lifetime()


def x509_lifetime() -> Any:
    from datetime import timedelta

    return timedelta(days=390)


def test_a_certificate_is_imported_and_imported_again(
    acm: Any, certificate: str, account: Any, aws: Callable[..., Any]
) -> None:
    material = find_certificate(account.account_id, "us-east-1", certificate)
    assert material is not None
    pair = {"Certificate": material.certificate.encode(), "PrivateKey": material.private_key.encode()}
    imported = acm.import_certificate(**pair, CertificateChain=material.chain.encode())["CertificateArn"]
    found = acm.describe_certificate(CertificateArn=imported)["Certificate"]
    assert (found["Type"], found["DomainName"]) == ("IMPORTED", "example.com")
    assert acm.import_certificate(CertificateArn=imported, **pair)["CertificateArn"] == imported
    assert "CertificateChain" not in acm.get_certificate(CertificateArn=imported)


def test_a_key_of_another_certificate_is_refused(acm: Any, certificate: str, account: Any) -> None:
    other = acm.request_certificate(DomainName="other.com")["CertificateArn"]
    one, two = (find_certificate(account.account_id, "us-east-1", arn) for arn in (certificate, other))
    assert one is not None
    assert two is not None
    for certificate_text, key in ((one.certificate, two.private_key), ("nonsense", two.private_key)):
        with pytest.raises(ClientError) as refused:
            acm.import_certificate(Certificate=certificate_text.encode(), PrivateKey=key.encode())
        assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_lists_tags_and_deletion(acm: Any, certificate: str) -> None:
    acm.add_tags_to_certificate(CertificateArn=certificate, Tags=[{"Key": "b", "Value": "2"}])
    acm.remove_tags_from_certificate(CertificateArn=certificate, Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
    assert acm.list_tags_for_certificate(CertificateArn=certificate)["Tags"] == [{"Key": "a", "Value": "1"}]
    acm.request_certificate(DomainName="curve.com", KeyAlgorithm="EC_prime256v1")
    assert [one["CertificateArn"] for one in acm.list_certificates()["CertificateSummaryList"]] == [certificate]
    curves = acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})["CertificateSummaryList"]
    assert [one["DomainName"] for one in curves] == ["curve.com"]
    acm.delete_certificate(CertificateArn=certificate)
    with pytest.raises(ClientError) as refused:
        acm.describe_certificate(CertificateArn=certificate)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_the_same_request_is_answered_with_the_same_certificate(acm: Any) -> None:
    arns = {
        acm.request_certificate(DomainName="once.com", IdempotencyToken="token")["CertificateArn"] for _ in range(2)
    }
    assert len(arns) == 1


def test_only_exportable_certificates_are_exported(acm: Any, certificate: str) -> None:
    with pytest.raises(ClientError) as refused:
        acm.export_certificate(CertificateArn=certificate, Passphrase=b"secret")
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    arn = acm.request_certificate(DomainName="out.com", Options={"Export": "ENABLED"})["CertificateArn"]
    exported = acm.export_certificate(CertificateArn=arn, Passphrase=b"secret")
    serialization.load_pem_private_key(exported["PrivateKey"].encode(), b"secret")
