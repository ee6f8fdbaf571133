"""Where the base image's packages come from."""

import pytest

from simfra.stack.images import find_mirror

DEB822 = """\
Types: deb
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://packages.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://packages.example/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/some.gpg] http://packages.example/ubuntu jammy main universe
deb http://packages.example/ubuntu-security jammy-security main
"""


@pytest.mark.parametrize(
    ("sources", "codename", "mirror"),
    [
        pytest.param([DEB822], "bookworm", "http://packages.example/debian", id="deb822"),
        pytest.param([DEB822], "bookworm-security", "http://packages.example/debian-security", id="later stanza"),
        pytest.param([ONE_LINE], "jammy", "http://packages.example/ubuntu", id="one line, with options"),
        pytest.param(["", ONE_LINE], "jammy", "http://packages.example/ubuntu", id="second file"),
        pytest.param([DEB822, ONE_LINE], "trixie", "", id="a release that apt does not know"),
        pytest.param([ONE_LINE], "bookworm", "", id="comments and source packages do not count"),
    ],
)
def test_the_mirror_is_the_one_that_apt_uses(sources: list[str], codename: str, mirror: str) -> None:
    assert find_mirror(sources, codename) == mirror
