"""AssumeRoleWithWebIdentity: a provider's token, checked with the provider's published keys."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Provider:
    """An identity provider on a free port, with an RSA and an EC key."""

    def __init__(self):
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        documents = self._documents

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(documents()[self.path]).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _documents(self):
        rsa_numbers, ec_numbers = self.rsa.public_key().public_numbers(), self.ec.public_key().public_numbers()
        keys = [
            {"kid": "r", "kty": "RSA", "n": number(rsa_numbers.n), "e": number(rsa_numbers.e)},
            {"kid": "e", "kty": "EC", "crv": "P-256", "x": number(ec_numbers.x), "y": number(ec_numbers.y)},
        ]
        return {"/.well-known/openid-configuration": {"jwks_uri": f"{self.url}/keys"}, "/keys": {"keys": keys}}

    def token(self, key_id="r", signer=None, **claims):
        header = {"alg": "ES256" if key_id == "e" else "RS256", "kid": key_id}
        payload = {"iss": self.url, "sub": "pod-1", "aud": "sts.amazonaws.com", "exp": time.time() + 600, **claims}
        signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(payload).encode())}"
        if key_id == "e":
            pair = decode_dss_signature(self.ec.sign(signed.encode(), ec.ECDSA(SHA256())))
            signature = b"".join(part.to_bytes(32, "big") for part in pair)
        else:
            signature = (signer or self.rsa).sign(signed.encode(), padding.PKCS1v15(), SHA256())
        return f"{signed}.{encoded(signature)}"


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def role(aws, provider, account):
    """A role that trusts the provider's pod-1 alone."""
    iam = aws("iam")
    arn = iam.create_open_id_connect_provider(Url=provider.url, ClientIDList=["sts.amazonaws.com"])[
        "OpenIDConnectProviderArn"
    ]
    host = provider.url.removeprefix("http://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{host}:sub": "pod-1", f"{host}:aud": "sts.amazonaws.com"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return iam.create_role(RoleName="pod", AssumeRolePolicyDocument=document)["Role"]["Arn"]


@pytest.fixture
def assume(gateway, role):
    """Ask for the role with a token, without credentials."""
    import boto3

    from tests.support.in_process import _send

    sts = boto3.client(
        "sts", region_name="us-east-1", endpoint_url="http://localhost:4599", config=Config(signature_version=UNSIGNED)
    )
    sts.meta.events.register("before-send", lambda request, **_: _send(gateway, request, "127.0.0.1"))

    def ask(token, **more):
        return sts.assume_role_with_web_identity(
            **{"RoleArn": role, "RoleSessionName": "pod", "WebIdentityToken": token, **more}
        )

    return ask


@pytest.mark.parametrize("key_id", ["r", "e"])
def test_a_token_of_the_provider_is_enough(assume, aws, provider, key_id, account):
    answer = assume(provider.token(key_id))
    assert answer["SubjectFromWebIdentityToken"] == "pod-1"
    assert answer["Audience"] == "sts.amazonaws.com"
    credentials = answer["Credentials"]
    session = aws(
        "sts",
        key=credentials["AccessKeyId"],
        secret=credentials["SecretAccessKey"],
        token=credentials["SessionToken"],
    )
    assert session.get_caller_identity()["Arn"] == f"arn:aws:sts::{account.account_id}:assumed-role/pod/pod"


def code_of(assume, token, **more):
    with pytest.raises(ClientError) as raised:
        assume(token, **more)
    return raised.value.response["Error"]["Code"]


def test_the_role_decides_whose_tokens_it_takes(assume, provider):
    assert code_of(assume, provider.token(sub="pod-2")) == "AccessDenied"


def test_a_token_must_hold(assume, provider):
    forger = rsa.generate_private_key(65537, 2048)
    assert code_of(assume, provider.token(signer=forger)) == "InvalidIdentityToken"
    assert code_of(assume, provider.token(aud="others")) == "InvalidIdentityToken"
    assert code_of(assume, provider.token(exp=time.time() - 1)) == "ExpiredToken"
    assert code_of(assume, provider.token(iss="https://unknown.example")) == "InvalidIdentityToken"
    assert code_of(assume, "no.token.this") == "InvalidIdentityToken"
    assert code_of(assume, provider.token("unknown", signer=provider.rsa)) == "InvalidIdentityToken"


def test_saml_is_refused_plainly(aws, account):
    with pytest.raises(ClientError) as raised:
        aws("sts").assume_role_with_saml(
            RoleArn=f"arn:aws:iam::{account.account_id}:role/x",
            PrincipalArn=f"arn:aws:iam::{account.account_id}:saml-provider/x",
            SAMLAssertion="eA==",
        )
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "AssumeRoleWithSAML" in raised.value.response["Error"]["Message"]
