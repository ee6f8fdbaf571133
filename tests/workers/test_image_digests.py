"""The digest of an image on the engine is that of the repository by which it was asked for."""

import pytest

from workers.docker.observations import image_of_inspect

OURS, THEIRS = (f"sha256:{letter * 64}" for letter in "ab")


@pytest.mark.parametrize(
    ("name", "known", "digest"),
    [
        ("busybox:1", [f"busybox@{OURS}"], OURS),
        ("docker.io/library/busybox", [f"busybox@{OURS}"], OURS),
        ("localhost:4599/app:1", [f"localhost:5000/app@{THEIRS}", f"localhost:4599/app@{OURS}"], OURS),
        (f"localhost:4599/app@{OURS}", [f"localhost:4599/app@{OURS}"], OURS),
        ("localhost:4599/app:1", [f"localhost:5000/app@{THEIRS}"], ""),
        ("built-here", [], ""),
        ("built-here", None, ""),
    ],
)
def test_other_repositories_digests_of_the_same_content_are_theirs(
    name: str, known: list[str] | None, digest: str
) -> None:
    image = image_of_inspect({"Id": "sha256:0", "RepoDigests": known}, name)
    assert (image.id, image.digest) == ("sha256:0", digest)
