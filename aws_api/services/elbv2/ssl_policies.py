"""The security policies of TLS listeners: protocols and ciphers, as AWS has them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""

from dataclasses import dataclass
from typing import Any

DEFAULT = "ELBSecurityPolicy-2016-08"

_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_FORWARD_SECRET_GCM = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
)
_FORWARD_SECRET_SHA2 = (
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
)
_FORWARD_SECRET_SHA1 = (
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES256-SHA",
)
_RSA_SHA2 = ("AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256")
_RSA_SHA1 = ("AES128-SHA", "AES256-SHA")
_FORWARD_SECRET = _FORWARD_SECRET_GCM + _FORWARD_SECRET_SHA2
_ALL = _FORWARD_SECRET + _FORWARD_SECRET_SHA1 + _RSA_SHA2 + _RSA_SHA1
_FROM_1_0 = ("TLSv1", "TLSv1.1", "TLSv1.2")
_FROM_1_1 = ("TLSv1.1", "TLSv1.2")
_ONLY_1_2 = ("TLSv1.2",)


@dataclass(frozen=True, kw_only=True)
class SslPolicy:
    """A policy: its protocols from the oldest, and its ciphers by preference, in OpenSSL's names."""

    name: str
    protocols: tuple[str, ...]
    ciphers: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """AWS's shape."""
        return {
            "Name": self.name,
            "SslProtocols": list(self.protocols),
            "Ciphers": [{"Name": name, "Priority": place} for place, name in enumerate(self.ciphers, 1)],
            "SupportedLoadBalancerTypes": ["application", "network"],
        }


def _policies() -> dict[str, SslPolicy]:
    table: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "2016-08": (_FROM_1_0, _ALL),
        "2015-05": (_FROM_1_0, _ALL),
        "TLS-1-0-2015-04": (_FROM_1_0, (*_ALL, "DES-CBC3-SHA")),
        "TLS-1-1-2017-01": (_FROM_1_1, _ALL),
        "TLS-1-2-2017-01": (_ONLY_1_2, _FORWARD_SECRET + _RSA_SHA2),
        "TLS-1-2-Ext-2018-06": (_ONLY_1_2, _ALL),
        "FS-2018-06": (_FROM_1_0, _FORWARD_SECRET + _FORWARD_SECRET_SHA1),
        "FS-1-1-2019-08": (_FROM_1_1, _FORWARD_SECRET + _FORWARD_SECRET_SHA1),
        "FS-1-2-2019-08": (_ONLY_1_2, _FORWARD_SECRET + _FORWARD_SECRET_SHA1),
        "FS-1-2-Res-2019-08": (_ONLY_1_2, _FORWARD_SECRET),
        "FS-1-2-Res-2020-10": (_ONLY_1_2, _FORWARD_SECRET_GCM),
        "TLS13-1-0-2021-06": ((*_FROM_1_0, "TLSv1.3"), _TLS13 + _ALL),
        "TLS13-1-1-2021-06": ((*_FROM_1_1, "TLSv1.3"), _TLS13 + _ALL),
        "TLS13-1-2-2021-06": ((*_ONLY_1_2, "TLSv1.3"), _TLS13 + _FORWARD_SECRET),
        "TLS13-1-2-Ext1-2021-06": ((*_ONLY_1_2, "TLSv1.3"), _TLS13 + _FORWARD_SECRET + _RSA_SHA2),
        "TLS13-1-2-Ext2-2021-06": ((*_ONLY_1_2, "TLSv1.3"), _TLS13 + _ALL),
        "TLS13-1-2-Res-2021-06": ((*_ONLY_1_2, "TLSv1.3"), _TLS13 + _FORWARD_SECRET_GCM),
        "TLS13-1-3-2021-06": (("TLSv1.3",), _TLS13),
    }
    found = {}
    for short, (protocols, ciphers) in table.items():
        name = f"ELBSecurityPolicy-{short}"
        found[name] = SslPolicy(name=name, protocols=protocols, ciphers=ciphers)
    return found


POLICIES = _policies()
