"""Entries of the access log."""

from datetime import UTC, datetime

from sidecar.load_balancer.reports import access_log_entry

NOW = datetime(2026, 11, 22, 18, 0, 1, 500_000, tzinfo=UTC)
_REST = '"GET http://a:80/ HTTP/1.1" "a b" - - arn:web "Root=1" "a" "-" 7 1795370400.250 "forward" "-" "-"'


def test_an_entry_has_moments_seconds_and_the_target_again_at_its_end() -> None:
    line = f"http 1795370400.250 app/web/1 10.0.0.1:5 10.0.0.2:80 0 12 3 200 200 10 20 {_REST}"
    assert access_log_entry(line, NOW) == (
        "http 2026-11-22T18:00:01.500000Z app/web/1 10.0.0.1:5 10.0.0.2:80 0.000 0.012 0.003 200 200 10 20 "
        '"GET http://a:80/ HTTP/1.1" "a b" - - arn:web "Root=1" "a" "-" 7 2026-11-22T18:00:00.250000Z "forward" "-" '
        '"-" "10.0.0.2:80" "200" "-" "-"'
    )


def test_where_no_target_was_asked_there_is_none() -> None:
    line = f"http 1795370400.250 app/web/1 10.0.0.1:5 -:- -1 -1 -1 503 503 10 20 {_REST}"
    entry = access_log_entry(line, NOW)
    assert " 10.0.0.1:5 - -1 -1 -1 503 - 10 20 " in entry
    assert entry.endswith('"-" "-" "-" "-"')
