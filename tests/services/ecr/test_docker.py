"""The real docker client and engine against a gateway process: push, pull, login, load."""

import base64
import io
import json
import os
import subprocess
import tarfile
from urllib.parse import urlsplit

import pytest

from aws_api.core.images import image_source

pytestmark = pytest.mark.docker
TIMEOUT_S = 120


class Docker:
    """The docker command with a configuration of its own; removes the names it made."""

    def __init__(self, directory):
        self._environment = {**os.environ, "DOCKER_CONFIG": str(directory)}
        self._names = []

    def __call__(self, *arguments, stdin=b""):
        done = subprocess.run(
            ["docker", *arguments],
            input=stdin,
            capture_output=True,
            env=self._environment,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    def run(self, *arguments, stdin=b""):
        """Run what must succeed; returns what it printed."""
        code, output = self(*arguments, stdin=stdin)
        assert code == 0, output
        return output

    def make_image(self, name, size=200_000):
        """An image of one layer that nobody else has."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            member = tarfile.TarInfo("random")
            member.size = size
            tar.addfile(member, io.BytesIO(os.urandom(size)))
        self.run("import", "--change", 'CMD ["/bin/true"]', "-", name, stdin=packed.getvalue())
        self._names.append(name)

    def layers_of(self, name):
        return json.loads(self.run("image", "inspect", name))[0]["RootFS"]["Layers"]

    def has(self, name):
        return self("image", "inspect", name)[0] == 0

    def remove(self, name):
        self.run("rmi", name)

    def close(self):
        for name in self._names:
            self("rmi", "--force", name)


@pytest.fixture
def docker(tmp_path):
    docker = Docker(tmp_path)
    yield docker
    docker.close()


@pytest.fixture
def image(live_gateway, name):
    return f"{urlsplit(live_gateway).netloc}/{name}:1"


def test_an_image_is_pushed_without_login_and_pulled_again(docker, image, aws):
    docker.make_image(image)
    pushed = docker.layers_of(image)
    docker.run("push", image)
    [described] = aws("ecr").describe_images(repositoryName="app")["imageDetails"]
    assert described["imageTags"] == ["1"]
    docker.remove(image)
    assert not docker.has(image)
    output = docker.run("pull", image)
    assert described["imageDigest"] in output
    assert docker.layers_of(image) == pushed


def test_a_layer_that_is_there_is_not_sent_again_and_one_of_another_repository_is_mounted(docker, image, aws):
    docker.make_image(image)
    docker.run("push", image)
    assert "Layer already exists" in docker.run("push", image)
    aws("ecr").create_repository(repositoryName="other")
    other = image.replace("/app:", "/other:")
    docker.run("tag", image, other)
    try:
        assert "Mounted from" in docker.run("push", other)
    finally:
        docker.remove(other)


def test_a_push_to_no_repository_says_so(docker, image):
    nothing = image.replace("/app:", "/nothing:")
    docker.make_image(nothing)
    code, output = docker("push", nothing)
    assert code != 0
    assert "The repository with name 'nothing' does not exist in the registry with id" in output


def test_a_strict_gateway_wants_the_password_of_get_authorization_token(docker, strict_gateway, name, aws):
    image = f"{strict_gateway}/{name}:1"
    docker.make_image(image)
    code, output = docker("push", image)
    assert code != 0
    assert "no basic auth credentials" in output
    code, output = docker("login", "-u", "AWS", "--password-stdin", strict_gateway, stdin=b"wrong")
    assert code != 0
    [data] = aws("ecr").get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).partition(b":")[2]
    assert "Login Succeeded" in docker.run("login", "-u", "AWS", "--password-stdin", strict_gateway, stdin=password)
    docker.run("push", image)
    docker.remove(image)
    docker.run("pull", image)


def test_a_pushed_image_is_loaded_under_its_name_at_aws(docker, image, account):
    docker.make_image(image)
    pushed = docker.layers_of(image)
    docker.run("push", image)
    docker.remove(image)
    at_aws = f"{account.account_id}.dkr.ecr.us-east-1.amazonaws.com/app:1"
    source = image_source(at_aws)
    assert source is not None
    archive = source.archive(at_aws)
    try:
        assert f"Loaded image: {at_aws}" in docker.run("load", stdin=b"".join(archive.chunks))
        assert docker.layers_of(archive.name) == pushed
    finally:
        docker.remove(at_aws)
    by_digest = f"{account.account_id}.dkr.ecr.us-east-1.amazonaws.com/app@{archive.digest}"
    archive = source.archive(by_digest)
    docker.run("load", stdin=b"".join(archive.chunks))
    assert docker.layers_of(archive.name) == pushed
    docker.remove(archive.name)
