"""Listeners as HAProxy's frontends."""

from collections.abc import Iterator

from aws_api.services.elbv2.attributes import RESPONSE_HEADER_PREFIX, RESPONSE_HEADERS
from aws_api.services.elbv2.rendering.answering import (
    SERVER,
    holds,
    request_lines,
    response_lines,
    weighted_lines,
)
from aws_api.services.elbv2.rendering.matching import acl_lines
from aws_api.services.elbv2.rendering.quoting import literal, quoted
from aws_api.services.elbv2.specification import ListenerSpec, LoadBalancerSpec
from aws_api.services.elbv2.ssl_policies import DEFAULT, POLICIES

#: Where the agent writes what the configuration names.
FILES = "/run/simfra/files"
NO_TARGETS = (
    'http-request return status 503 content-type "text/html" string "<html>\\r\\n<head><title>503 Service Temporarily '
    "Unavailable</title></head>\\r\\n<body>\\r\\n<center><h1>503 Service Temporarily Unavailable</h1></center>\\r\\n"
    '</body>\\r\\n</html>\\r\\n"'
)
_ALPN = {
    "HTTP1Only": "http/1.1",
    "HTTP2Only": "h2",
    "HTTP2Optional": "http/1.1,h2",
    "HTTP2Preferred": "h2,http/1.1",
}
_XFF = "X-Forwarded-For"
_FOUND = f"{{ req.fhdr({_XFF}) -m found }}"
_NEW_TRACE = "1-%[date,hex,bytes(8,8),lower]-" + 3 * "%[rand,hex,bytes(8,8),lower]"


def frontend_name(listener: ListenerSpec) -> str:
    return f"listener-{listener.port}"


def certificate_list(listener: ListenerSpec) -> str:
    """The file that names a listener's certificates."""
    return f"{FILES}/{frontend_name(listener)}.crt-list"


def frontend_lines(load_balancer: LoadBalancerSpec, listener: ListenerSpec) -> Iterator[str]:
    """The lines of a listener's frontend. UDP is not HAProxy's: its listeners have none."""
    yield f"frontend {frontend_name(listener)}"
    lines = _http(load_balancer, listener) if load_balancer.type == "application" else _tcp(load_balancer, listener)
    for line in lines:
        yield f"  {line}"


def _bind(load_balancer: LoadBalancerSpec, listener: ListenerSpec, alpn: str) -> str:
    places = ",".join(f"{address}:{listener.port}" for address in load_balancer.addresses)
    if not listener.certificates:
        return f"bind {places}"
    policy = POLICIES.get(listener.ssl_policy) or POLICIES[DEFAULT]
    words = [f"bind {places} ssl crt-list {certificate_list(listener)}"]
    words.append(f"ssl-min-ver {_version(policy.protocols[0])} ssl-max-ver {_version(policy.protocols[-1])}")
    if older := [cipher for cipher in policy.ciphers if not cipher.startswith("TLS_")]:
        words.append(f"ciphers {':'.join(older)}")
    if newer := [cipher for cipher in policy.ciphers if cipher.startswith("TLS_")]:
        words.append(f"ciphersuites {':'.join(newer)}")
    if alpn:
        words.append(f"alpn {alpn}")
    return " ".join(words)


def _version(protocol: str) -> str:
    return "TLSv1.0" if protocol == "TLSv1" else protocol


# Application load balancers -------------------------------------------------------------------------------------------


def _http(load_balancer: LoadBalancerSpec, listener: ListenerSpec) -> Iterator[str]:
    attributes = load_balancer.attributes
    yield "mode http"
    # A reload ends no connection on which a request may be on its way: it is told with the next answer.
    yield "option idle-close-on-response"
    yield _bind(load_balancer, listener, "h2,http/1.1" if attributes["routing.http2.enabled"] == "true" else "http/1.1")
    # HTTP/2 has no such header: HAProxy ends its connections by their idle timeout alone.
    yield "tcp-request connection set-var(sess.began) date"
    is_old = f"{{ date,sub(sess.began) -m int ge {attributes['client_keep_alive.seconds']} }}"
    yield f"http-after-response set-header Connection close if {is_old}"
    if attributes["access_logs.s3.enabled"] == "true":
        yield "log /run/simfra/access-log.sock local0 info"
        yield f"log-format {quoted(_log_format(load_balancer, listener))}"
    # Only where something names them: they cost every request a little.
    if attributes["access_logs.s3.enabled"] == "true" or any(r.action["Type"] == "redirect" for r in listener.rules):
        yield from _variables(listener)
    yield from _headers(load_balancer, listener)
    if attributes["access_logs.s3.enabled"] == "true":
        yield "http-request set-var(txn.agent) req.fhdr(User-Agent)"
        yield "http-request set-var(txn.trace) req.fhdr(X-Amzn-Trace-Id)"
    for number, rule in enumerate(listener.rules):
        names = [f"rule-{number}-{place}" for place in range(len(rule.conditions))]
        for name, condition in zip(names, rule.conditions, strict=True):
            yield from acl_lines(name, condition)
        conditions = " ".join(["!{ var(txn.rule) -m found }", *names])
        yield f"http-request set-var(txn.rule) int({number}) if {conditions}"
    for number, rule in enumerate(listener.rules):
        if attributes["access_logs.s3.enabled"] == "true":
            yield f"http-request set-var(txn.priority) int({rule.priority or 0}) if {holds(number)}"
            yield f"http-request set-var(txn.action) str({rule.action['Type']}) if {holds(number)}"
        yield from request_lines(load_balancer, number, rule)
    if attributes["access_logs.s3.enabled"] == "true":
        for group in load_balancer.target_groups:
            yield f"http-request set-var(txn.arn) str({group.arn}) if {{ var(txn.group) -m str {group.key} }}"
    yield "http-request set-var(txn.own) bool(true) unless { var(txn.group) -m found }"
    yield f"{NO_TARGETS} unless {{ var(txn.group) -m found }}"
    for group in load_balancer.target_groups:
        # A process that was replaced counts no servers any more, but has them.
        empty = f"{{ var(txn.group) -m str {group.key} }} {{ nbsrv({group.key}) eq 0 }} !{{ stopping }}"
        yield f"http-request set-var(txn.own) bool(true) if {empty}"
        yield f"{NO_TARGETS} if {empty}"
    for number, rule in enumerate(listener.rules):
        yield from response_lines(load_balancer, number, rule)
    yield from _response_headers(listener)
    yield "use_backend %[var(txn.group)]"


def _variables(listener: ListenerSpec) -> Iterator[str]:
    """What redirects and logs name."""
    yield f"http-request set-var(txn.scheme) str({listener.protocol.lower()})"
    yield f"http-request set-var(txn.port) int({listener.port})"
    yield "http-request set-var(txn.host) req.hdr(host),host_only"
    yield "http-request set-var(txn.path) path,bytes(1)"
    yield "http-request set-var(txn.query) query"
    yield 'http-request set-var-fmt(txn.query_suffix) "?%[query]" if { query -m len gt 0 }'


def _headers(load_balancer: LoadBalancerSpec, listener: ListenerSpec) -> Iterator[str]:
    """What targets are told of the client.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    attributes = load_balancer.attributes
    if attributes["routing.http.drop_invalid_header_fields.enabled"] == "true":
        yield 'http-request del-header "[^-A-Za-z0-9]" -m reg'
    client = "%[src]:%[src_port]" if attributes["routing.http.xff_client_port.enabled"] == "true" else "%[src]"
    mode = attributes["routing.http.xff_header_processing.mode"]
    if mode == "append":
        yield f'http-request set-header {_XFF} "%[req.fhdr({_XFF})], {client}" if {_FOUND}'
        yield f'http-request set-header {_XFF} "{client}" unless {_FOUND}'
    elif mode == "remove":
        yield f"http-request del-header {_XFF}"
    yield f"http-request set-header X-Forwarded-Proto {listener.protocol.lower()}"
    yield f"http-request set-header X-Forwarded-Port {listener.port}"
    trace = "req.fhdr(X-Amzn-Trace-Id)"
    yield f'http-request set-header X-Amzn-Trace-Id "Self={_NEW_TRACE};%[{trace}]" if {{ {trace} -m sub Root= }}'
    yield f'http-request set-header X-Amzn-Trace-Id "Root={_NEW_TRACE}" unless {{ {trace} -m found }}'
    if (
        listener.protocol == "HTTPS"
        and attributes["routing.http.x_amzn_tls_version_and_cipher_suite.enabled"] == "true"
    ):
        prefix = "routing.http.request.x_amzn_"
        yield f"http-request set-header {listener.attributes[prefix + 'tls_version.header_name']} %[ssl_fc_protocol]"
        yield f"http-request set-header {listener.attributes[prefix + 'tls_cipher_suite.header_name']} %[ssl_fc_cipher]"


def _response_headers(listener: ListenerSpec) -> Iterator[str]:
    yield f"http-after-response set-header Server {SERVER} if {{ var(txn.own) -m bool }}"
    for name, header in RESPONSE_HEADERS.items():
        if value := listener.attributes[f"{RESPONSE_HEADER_PREFIX}{name}.header_value"]:
            yield f"http-after-response set-header {header} {quoted(literal(value))}"
    if listener.attributes[f"{RESPONSE_HEADER_PREFIX}server.enabled"] == "false":
        yield "http-after-response del-header Server"


def _log_format(load_balancer: LoadBalancerSpec, listener: ListenerSpec) -> str:
    """An entry of AWS's access log up to its error reason; the agent completes it (sidecar/load_balancer/reports.py).

    What nobody knows is ``-``.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
    """
    name = load_balancer.arn.rpartition(":loadbalancer/")[2]
    return (
        f"{listener.protocol.lower()} %Ts.%ms "
        f"{literal(name)} %ci:%cp %si:%sp %Tw %Tr %Td "
        '%ST %ST %U %B "%HM %[var(txn.scheme)]://%{+E}[var(txn.host)]:%[var(txn.port)]%{+E}HU %HV" '
        '"%{+E}[var(txn.agent)]" %sslc %sslv %[var(txn.arn)] "%{+E}[var(txn.trace)]" "%{+E}[var(txn.host)]" "-" '
        '%[var(txn.priority)] %Ts.%ms "%[var(txn.action)]" "-" "-"'
    )


# Network load balancers -----------------------------------------------------------------------------------------------


def _tcp(load_balancer: LoadBalancerSpec, listener: ListenerSpec) -> Iterator[str]:
    rule = listener.rules[-1]
    yield "mode tcp"
    yield _bind(load_balancer, listener, _ALPN.get(listener.alpn_policy, ""))
    idle_s = listener.attributes.get("tcp.idle_timeout.seconds", "350")
    yield f"timeout client {idle_s}s"
    entries = rule.action["ForwardConfig"]["TargetGroups"]
    if len(entries) == 1:
        yield f"default_backend {load_balancer.group(entries[0]['TargetGroupArn']).key}"
        return
    yield from weighted_lines("tcp-request content", "txn.group", load_balancer, rule, "")
    yield "use_backend %[var(txn.group)]"
