"""Whatever a client sends, the registry answers an error of its own and nothing is left half done."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.ecr.registry import digest_of

METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
DIGEST = digest_of(b"x")
PIECES = st.sampled_from(
    ["blobs", "uploads", "manifests", "tags", "list", "referrers", "_catalog", "_layers", "app", DIGEST, "latest", ".."]
) | st.text(max_size=8).filter(lambda text: "?" not in text)
QUERIES = st.dictionaries(
    st.sampled_from(["n", "last", "digest", "mount", "from", "artifactType", "x"]),
    st.sampled_from(["", "0", "-1", "99999999999999999999", DIGEST, "sha256:", "a/b", "%00", "%ff", "&=&"]),
    max_size=3,
)
HEADERS = st.dictionaries(
    st.sampled_from(["range", "content-range", "content-type", "authorization", "host"]),
    st.sampled_from(["", "bytes=0-", "bytes=-", "0-0", "9999999999999999999-0", "Basic", "Basic =", "x", "\xff", ":"]),
    max_size=3,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.tuples(METHODS, st.lists(PIECES, max_size=4), QUERIES, HEADERS, st.binary(max_size=64)))
def test_no_request_breaks_the_registry(registry, name, sent):
    method, pieces, query, headers, body = sent
    path = "/".join(["/v2", name, *pieces])
    text = "&".join(f"{key}={value}" for key, value in query.items())
    encoded = {key: value.encode("utf-8").decode("latin-1") for key, value in headers.items()}
    answer = registry.ask(method, f"{path}?{text}", body, encoded)
    assert 200 <= answer.status < 500
    if answer.status >= 400 and method != "HEAD":
        assert answer.error.isupper()
