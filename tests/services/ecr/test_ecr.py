"""ECR's API, and that it and the registry are two doors to the same images."""

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.ecr.registry import (
    OCI_INDEX,
    Client,
    config,
    digest_of,
    layer,
    manifest,
    push_blob,
    push_image,
    push_manifest,
)

POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
_OLD = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": _OLD, "action": {"type": "expire"}}]})


@pytest.fixture
def ecr(aws):
    return aws("ecr")


def refused(code: str, call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    assert raised.value.response["Error"]["Code"] == code
    return str(raised.value.response["Error"]["Message"])


class TestRepositories:
    def test_a_repository_is_created_described_and_deleted(self, ecr, account):
        created = ecr.create_repository(
            repositoryName="team/app",
            imageScanningConfiguration={"scanOnPush": True},
            tags=[{"Key": "a", "Value": "1"}],
        )["repository"]
        arn = f"arn:aws:ecr:us-east-1:{account.account_id}:repository/team/app"
        assert (created["repositoryArn"], created["registryId"]) == (arn, account.account_id)
        assert created["repositoryUri"] == f"localhost:4599/{account.account_id}/team/app"
        assert created["imageTagMutability"] == "MUTABLE"
        assert created["encryptionConfiguration"] == {"encryptionType": "AES256"}
        described = ecr.describe_repositories(repositoryNames=["team/app"])["repositories"]
        assert described == [created]
        assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "1"}]
        ecr.delete_repository(repositoryName="team/app")
        message = refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["team/app"])
        assert message == (
            f"The repository with name 'team/app' does not exist in the registry with id '{account.account_id}'"
        )

    def test_a_name_is_taken_once_per_region(self, ecr, aws, repository, account):
        message = refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="app")
        assert message == (
            f"The repository with name 'app' already exists in the registry with id '{account.account_id}'"
        )
        elsewhere = aws("ecr", region_name="eu-west-1").create_repository(repositoryName="app")["repository"]
        assert elsewhere["repositoryUri"] == f"{account.account_id}.dkr.ecr.eu-west-1.localhost:4599/app"

    def test_repositories_are_listed_in_pages(self, ecr):
        for name in ("aa", "bb", "cc"):
            ecr.create_repository(repositoryName=name)
        pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
        assert [[found["repositoryName"] for found in page["repositories"]] for page in pages] == [["aa", "bb"], ["cc"]]
        refused("InvalidParameterException", ecr.describe_repositories, nextToken="!")

    def test_another_accounts_registry_shows_nothing(self, ecr, repository):
        refused("AccessDeniedException", ecr.describe_repositories, registryId="999999999999")
        refused("AccessDeniedException", ecr.list_images, registryId="999999999999", repositoryName="app")

    def test_a_repository_with_images_is_deleted_only_by_force(self, ecr, registry, name):
        push_image(registry, name, "1", layer(file=b"x"))
        message = refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName="app")
        assert "cannot be deleted because it still contains images" in message
        ecr.delete_repository(repositoryName="app", force=True)
        assert registry.ask("GET", f"/v2/{name}/tags/list").error == "NAME_UNKNOWN"

    def test_policies_are_stored_and_given_back(self, ecr, repository):
        refused("RepositoryPolicyNotFoundException", ecr.get_repository_policy, repositoryName="app")
        refused("InvalidParameterException", ecr.set_repository_policy, repositoryName="app", policyText="{")
        ecr.set_repository_policy(repositoryName="app", policyText=POLICY)
        assert ecr.get_repository_policy(repositoryName="app")["policyText"] == POLICY
        assert ecr.delete_repository_policy(repositoryName="app")["policyText"] == POLICY
        refused("LifecyclePolicyNotFoundException", ecr.get_lifecycle_policy, repositoryName="app")
        ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=LIFECYCLE)
        assert ecr.get_lifecycle_policy(repositoryName="app")["lifecyclePolicyText"] == LIFECYCLE
        ecr.delete_lifecycle_policy(repositoryName="app")
        refused("LifecyclePolicyNotFoundException", ecr.delete_lifecycle_policy, repositoryName="app")

    def test_settings_are_described(self, ecr, repository):
        ecr.put_image_tag_mutability(repositoryName="app", imageTagMutability="IMMUTABLE")
        ecr.put_image_scanning_configuration(repositoryName="app", imageScanningConfiguration={"scanOnPush": True})
        [described] = ecr.describe_repositories(repositoryNames=["app"])["repositories"]
        assert described["imageTagMutability"] == "IMMUTABLE"
        assert described["imageScanningConfiguration"] == {"scanOnPush": True}

    def test_tags_are_written_and_removed(self, ecr, repository):
        arn = repository["repositoryArn"]
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        ecr.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}]
        for key in ("", "\0", "<", "k" * 129):
            refused("InvalidTagParameterException", ecr.tag_resource, resourceArn=arn, tags=[{"Key": key, "Value": ""}])
        refused("InvalidParameterException", ecr.list_tags_for_resource, resourceArn="arn:aws:sqs:us-east-1::x")


class TestImages:
    def test_a_pushed_image_is_described(self, ecr, registry, name):
        content = layer(file=b"x")
        digest = push_image(registry, name, "1", content)
        push_manifest(registry, name, "2", registry.ask("GET", f"/v2/{name}/manifests/1").body)
        [image] = ecr.describe_images(repositoryName="app")["imageDetails"]
        assert (image["imageDigest"], image["imageTags"]) == (digest, ["1", "2"])
        assert image["imageSizeInBytes"] == len(content) + len(config(content))
        assert "lastRecordedPullTime" in image
        assert ecr.describe_images(repositoryName="app", imageIds=[{"imageTag": "2"}])["imageDetails"] == [image]
        message = refused(
            "ImageNotFoundException", ecr.describe_images, repositoryName="app", imageIds=[{"imageTag": "3"}]
        )
        assert message.startswith("The image with imageId {imageDigest:'null', imageTag:'3'} does not exist")

    def test_images_are_listed_by_tag_and_the_untagged_by_digest(self, ecr, registry, name):
        first, second = (push_image(registry, name, "1", layer(file=content)) for content in (b"1", b"2"))
        ids = ecr.list_images(repositoryName="app")["imageIds"]
        assert sorted(ids, key=str) == sorted(
            [{"imageDigest": first}, {"imageDigest": second, "imageTag": "1"}], key=str
        )
        untagged = ecr.list_images(repositoryName="app", filter={"tagStatus": "UNTAGGED"})["imageIds"]
        assert untagged == [{"imageDigest": first}]
        tagged = ecr.describe_images(repositoryName="app", filter={"tagStatus": "TAGGED"})["imageDetails"]
        assert [image["imageDigest"] for image in tagged] == [second]
        pages = ecr.get_paginator("list_images").paginate(repositoryName="app", PaginationConfig={"PageSize": 1})
        assert [len(page["imageIds"]) for page in pages] == [1, 1]

    def test_manifests_are_got_and_what_is_not_there_is_a_failure(self, ecr, registry, name):
        digest = push_image(registry, name, "1", layer(file=b"x"))
        answer = ecr.batch_get_image(
            repositoryName="app",
            imageIds=[
                {"imageTag": "1"},
                {"imageTag": "2"},
                {"imageDigest": digest, "imageTag": "2"},
                {"imageDigest": "sha256:x"},
            ],
        )
        [image] = answer["images"]
        assert image["imageId"] == {"imageDigest": digest, "imageTag": "1"}
        assert digest_of(image["imageManifest"].encode()) == digest
        assert [failure["failureCode"] for failure in answer["failures"]] == [
            "ImageNotFound",
            "ImageTagDoesNotMatchDigest",
            "InvalidImageDigest",
        ]

    def test_images_are_deleted_with_their_last_tag_or_by_digest(self, ecr, registry, name):
        digest = push_image(registry, name, "1", layer(file=b"x"))
        push_manifest(registry, name, "2", registry.ask("GET", f"/v2/{name}/manifests/1").body)
        first = ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "1"}])
        assert first["imageIds"] == [{"imageDigest": digest, "imageTag": "1"}]
        assert registry.ask("HEAD", f"/v2/{name}/manifests/{digest}").status == 200
        ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "2"}])
        assert registry.ask("HEAD", f"/v2/{name}/manifests/{digest}").status == 404
        again = ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageDigest": digest}])
        assert again["failures"][0]["failureCode"] == "ImageNotFound"

    def test_an_image_of_a_list_is_not_deleted(self, ecr, registry, name):
        digest = push_image(registry, name, "1", layer(file=b"x"))
        entry = {"mediaType": "m", "size": 1, "digest": digest}
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
        parent = push_manifest(registry, name, "all", index, OCI_INDEX)
        answer = ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageDigest": digest}])
        [failure] = answer["failures"]
        assert failure["failureCode"] == "ImageReferencedByManifestList"
        assert failure["failureReason"] == f"Requested image referenced by manifest list: [{parent}]"

    def test_an_image_is_put_once(self, ecr, registry, name):
        content = layer(file=b"x")
        for blob in (content, config(content)):
            push_blob(registry, name, blob)
        body = manifest(config(content), content).decode()
        put = ecr.put_image(repositoryName="app", imageManifest=body, imageTag="1")["image"]
        assert put["imageId"] == {"imageDigest": digest_of(body.encode()), "imageTag": "1"}
        message = refused(
            "ImageAlreadyExistsException", ecr.put_image, repositoryName="app", imageManifest=body, imageTag="1"
        )
        assert "and tag '1' already exists in the repository with name 'app'" in message
        ecr.put_image(repositoryName="app", imageManifest=body, imageTag="2")
        refused(
            "ImageDigestDoesNotMatchException",
            ecr.put_image,
            repositoryName="app",
            imageManifest=body,
            imageTag="3",
            imageDigest=digest_of(b""),
        )
        refused("InvalidParameterException", ecr.put_image, repositoryName="app", imageManifest="{")
        missing = manifest(b"other", b"never pushed").decode()
        message = refused("LayersNotFoundException", ecr.put_image, repositoryName="app", imageManifest=missing)
        assert digest_of(b"never pushed") in message


class TestLayers:
    def test_a_layer_is_uploaded_in_parts_and_pulled_from_the_registry(self, ecr, registry, name):
        content = bytes(range(256)) * 4096
        upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
        half = len(content) // 2
        for first in (0, half):
            answer = ecr.upload_layer_part(
                repositoryName="app",
                uploadId=upload,
                partFirstByte=first,
                partLastByte=first + half - 1,
                layerPartBlob=content[first : first + half],
            )
            assert answer["lastByteReceived"] == first + half - 1
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        done = ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[digest])
        assert done["layerDigest"] == digest
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest}").body == content

    def test_a_part_out_of_place_is_refused(self, ecr, repository):
        upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
        message = refused(
            "InvalidLayerPartException",
            ecr.upload_layer_part,
            repositoryName="app",
            uploadId=upload,
            partFirstByte=5,
            partLastByte=6,
            layerPartBlob=b"xx",
        )
        assert "must begin at byte 0" in message

    def test_an_upload_is_completed_only_with_its_digest(self, ecr, repository):
        upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
        finish = {"repositoryName": "app", "uploadId": upload, "layerDigests": [digest_of(b"other")]}
        refused("EmptyUploadException", ecr.complete_layer_upload, **finish)
        ecr.upload_layer_part(
            repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=1, layerPartBlob=b"xx"
        )
        refused("InvalidLayerException", ecr.complete_layer_upload, **finish)
        refused("UploadNotFoundException", ecr.complete_layer_upload, **finish)

    def test_availability_is_told_per_layer(self, ecr, registry, name):
        there, missing = push_blob(registry, name, b"there"), digest_of(b"missing")
        answer = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[there, missing, "sha256:x"])
        assert [(found["layerDigest"], found["layerAvailability"]) for found in answer["layers"]] == [
            (there, "AVAILABLE"),
            (missing, "UNAVAILABLE"),
        ]
        assert answer["failures"][0]["failureCode"] == "InvalidLayerDigest"
        refused("LayersNotFoundException", ecr.get_download_url_for_layer, repositoryName="app", layerDigest=missing)


def test_the_authorization_token_logs_in(ecr, gateway, account):
    [data] = ecr.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == "http://localhost:4599"
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    assert len(password) < 2500
    task = Client(gateway, client_host="198.19.0.7")
    task.headers = {"authorization": f"Basic {data['authorizationToken']}"}
    assert task.ask("GET", "/v2/").status == 200
