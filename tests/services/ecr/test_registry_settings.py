"""What an account sets for its registry is kept, answered, and honest about what nothing acts on."""

import json
from typing import Any

import pytest

from tests.services.ecr.registry import digest_of, layer, manifest, push_blob, push_image, push_manifest
from tests.services.ecr.test_ecr import POLICY, refused


@pytest.fixture
def ecr(aws: Any) -> Any:
    return aws("ecr")


def test_the_registrys_policy_is_written_read_and_deleted(ecr: Any, account: Any) -> None:
    refused("RegistryPolicyNotFoundException", ecr.get_registry_policy)
    refused("InvalidParameterException", ecr.put_registry_policy, policyText="{")
    assert ecr.put_registry_policy(policyText=POLICY)["registryId"] == account.account_id
    assert ecr.get_registry_policy()["policyText"] == POLICY
    ecr.delete_registry_policy()
    refused("RegistryPolicyNotFoundException", ecr.delete_registry_policy)


def test_replication_is_stored_and_says_that_it_does_not_happen(
    ecr: Any, account: Any, registry: Any, name: str
) -> None:
    there = {"region": "eu-west-1", "registryId": account.account_id}
    rules = [{"destinations": [there], "repositoryFilters": [{"filter": "ap", "filterType": "PREFIX_MATCH"}]}]
    ecr.put_replication_configuration(replicationConfiguration={"rules": rules})
    assert ecr.describe_registry()["replicationConfiguration"] == {"rules": rules}
    push_image(registry, name, "1", layer(file=b"x"))
    (status,) = ecr.describe_image_replication_status(repositoryName="app", imageId={"imageTag": "1"})[
        "replicationStatuses"
    ]
    assert (status["region"], status["status"], status["failureCode"]) == ("eu-west-1", "FAILED", "NOT_SUPPORTED")
    here = {"region": "us-east-1", "registryId": account.account_id}
    refused(
        "InvalidParameterException",
        ecr.put_replication_configuration,
        replicationConfiguration={"rules": [{"destinations": [here]}]},
    )


def test_scans_say_that_there_are_none(ecr: Any, registry: Any, name: str) -> None:
    push_image(registry, name, "1", layer(file=b"x"))
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"] == rules
    for operation in (ecr.start_image_scan, ecr.describe_image_scan_findings):
        status = operation(repositoryName="app", imageId={"imageTag": "1"})["imageScanStatus"]
        assert status["status"] == "UNSUPPORTED_IMAGE"
        assert status["description"].startswith("NOT_SUPPORTED")
    ecr.put_image_scanning_configuration(repositoryName="app", imageScanningConfiguration={"scanOnPush": True})
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=["app", "none"])
    assert [one["scanFrequency"] for one in answer["scanningConfigurations"]] == ["SCAN_ON_PUSH"]
    assert [one["failureCode"] for one in answer["failures"]] == ["REPOSITORY_NOT_FOUND"]
    (image,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert image["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"


def test_blob_mounting_can_be_turned_off(ecr: Any, registry: Any, name: str, account: Any) -> None:
    ecr.create_repository(repositoryName="other")
    content = layer(file=b"x")
    push_blob(registry, name, content)
    target = f"/v2/{account.account_id}/other/blobs/uploads/?mount={digest_of(content)}&from={name}"
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "ENABLED"
    ecr.put_account_setting(name="BLOB_MOUNTING", value="DISABLED")
    assert registry.ask("POST", target).status == 202
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert registry.ask("POST", target).status == 201
    refused("InvalidParameterException", ecr.put_account_setting, name="BLOB_MOUNTING", value="MAYBE")
    refused("InvalidParameterException", ecr.get_account_setting, name="SOMETHING_ELSE")


def test_pulls_of_who_is_excluded_are_not_written_down(ecr: Any, registry: Any, name: str, account: Any) -> None:
    push_image(registry, name, "1", layer(file=b"x"))
    root = f"arn:aws:iam::{account.account_id}:root"
    role = f"arn:aws:iam::{account.account_id}:role/scanner"
    refused("ExclusionNotFoundException", ecr.deregister_pull_time_update_exclusion, principalArn=role)
    ecr.register_pull_time_update_exclusion(principalArn=role)
    refused("ExclusionAlreadyExistsException", ecr.register_pull_time_update_exclusion, principalArn=role)
    assert ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"] == [role]
    assert root != role
    ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "1"}])
    assert "lastRecordedPullTime" in ecr.describe_images(repositoryName="app")["imageDetails"][0]


def test_a_template_is_written_changed_and_deleted(ecr: Any) -> None:
    made = ecr.create_repository_creation_template(prefix="ROOT", appliedFor=["PULL_THROUGH_CACHE"])
    assert made["repositoryCreationTemplate"]["imageTagMutability"] == "MUTABLE"
    refused(
        "TemplateAlreadyExistsException",
        ecr.create_repository_creation_template,
        prefix="ROOT",
        appliedFor=["PULL_THROUGH_CACHE"],
    )
    ecr.update_repository_creation_template(prefix="ROOT", description="all of them")
    (template,) = ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]
    assert template["description"] == "all of them"
    ecr.delete_repository_creation_template(prefix="ROOT")
    refused("TemplateNotFoundException", ecr.delete_repository_creation_template, prefix="ROOT")


def test_signing_is_stored_and_signs_nothing(ecr: Any, registry: Any, name: str) -> None:
    refused("SigningConfigurationNotFoundException", ecr.get_signing_configuration)
    rules = [{"signingProfileArn": "arn:aws:signer:us-east-1:111122223333:/signing-profiles/pp"}]
    ecr.put_signing_configuration(signingConfiguration={"rules": rules})
    assert ecr.get_signing_configuration()["signingConfiguration"] == {"rules": rules}
    push_image(registry, name, "1", layer(file=b"x"))
    answer = ecr.describe_image_signing_status(repositoryName="app", imageId={"imageTag": "1"})
    assert answer["signingStatuses"] == []
    ecr.delete_signing_configuration()


def test_referrers_are_listed_by_subject_and_type(ecr: Any, registry: Any, name: str) -> None:
    subject = push_image(registry, name, "1", layer(file=b"x"))
    content = b"{}"
    push_blob(registry, name, content)
    body = json.loads(manifest(content, media_type="application/vnd.oci.image.manifest.v1+json"))
    body |= {"artifactType": "application/signature", "annotations": {"by": "me"}}
    body["subject"] = {"mediaType": "m", "digest": subject, "size": 1}
    signature = push_manifest(registry, name, "sig", json.dumps(body).encode(), body["mediaType"])
    (referrer,) = ecr.list_image_referrers(repositoryName="app", subjectId={"imageDigest": subject})["referrers"]
    assert (referrer["digest"], referrer["annotations"]) == (signature, {"by": "me"})
    other = {"artifactTypes": ["application/sbom"]}
    subject_id = {"imageDigest": subject}
    assert ecr.list_image_referrers(repositoryName="app", subjectId=subject_id, filter=other)["referrers"] == []
