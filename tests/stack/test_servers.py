"""The embedded servers: what they keep, whom they let in, and what a crash costs."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis

from simfra.stack.servers import EmbeddedServers, ServerError
from tests.stack.conftest import ROOT
from tests.support.waiting import wait_for

#: A user of every Debian; initdb wants one that has a name.
OTHER_USER = pwd.getpwnam("daemon").pw_uid


def test_rows_are_there_after_a_stop_and_a_start_on_the_same_ports(servers: EmbeddedServers) -> None:
    with servers:
        urls = servers.database_url, servers.redis_url
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    with servers, psycopg.connect(servers.database_url) as connection:
        assert (servers.database_url, servers.redis_url) == urls
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_postgres_that_was_killed_recovers_every_answered_write(servers: EmbeddedServers) -> None:
    servers.start()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    process = servers.postgres.process
    assert process is not None
    process.kill()
    process.wait(10)
    servers.postgres.start()
    servers.postgres.wait_until_ready()
    with psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_data_directory_that_was_deleted_by_hand_begins_anew(servers: EmbeddedServers) -> None:
    with servers:
        pass
    first_home = servers.home
    shutil.rmtree(servers.data_dir)
    servers.data_dir.mkdir(mode=0o700)
    again = EmbeddedServers(servers.data_dir, "process")
    try:
        with again, psycopg.connect(again.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        again.remove()
        shutil.rmtree(first_home, ignore_errors=True)


def test_neither_server_lets_anybody_in_without_the_password(servers: EmbeddedServers) -> None:
    with servers:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(servers.database_url.replace(servers.postgres.password, "wrong"))
        with pytest.raises(redis.AuthenticationError), redis.Redis(port=servers.valkey.port) as stranger:
            stranger.ping()


def test_the_passwords_and_the_data_are_for_their_owner_alone(servers: EmbeddedServers) -> None:
    with servers:
        secrets = list((servers.data_dir / "secrets").iterdir())
        assert secrets
        assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
        assert stat.S_IMODE(servers.data_dir.stat().st_mode) == 0o700
        for server in (servers.postgres, servers.valkey):
            assert stat.S_IMODE(server.directory.stat().st_mode) & 0o077 == 0
            assert server.password not in Path(f"/proc/{server.process.pid}/cmdline").read_text()  # type: ignore[union-attr]


def test_no_directory_that_was_there_before_changes_its_permissions(tmp_path: Path) -> None:
    watched = [tmp_path, *tmp_path.parents, Path(sys.prefix), *Path(sys.prefix).parents]
    before = {path: (path.stat().st_mode, path.stat().st_uid) for path in watched}
    servers = EmbeddedServers(tmp_path / "data", durability="process")
    try:
        with servers:
            pass
        assert {path: (path.stat().st_mode, path.stat().st_uid) for path in watched} == before
    finally:
        servers.remove()


def test_two_data_directories_have_servers_of_their_own_at_the_same_time(
    servers: EmbeddedServers, tmp_path: Path
) -> None:
    others = EmbeddedServers(tmp_path / "other", durability="process")
    try:
        with servers, others:
            ports = {server.port for each in (servers, others) for server in (each.postgres, each.valkey)}
            assert len(ports) == 4
            with psycopg.connect(servers.database_url, autocommit=True) as connection:
                connection.execute("CREATE TABLE mine ()")
            with psycopg.connect(others.database_url) as connection:
                assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    finally:
        others.remove()


def test_a_server_that_cannot_start_says_why(servers: EmbeddedServers) -> None:
    with servers:
        pass
    (servers.postgres.directory / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match="data directory was initialized by PostgreSQL version 9"):
        servers.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is a part of util-linux")
def test_an_ordinary_user_runs_them_too() -> None:
    # Not below pytest's own directory: nobody else can enter that.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chown(directory, OTHER_USER, OTHER_USER)
        script = (
            "import sys; from pathlib import Path; from simfra.stack.servers import EmbeddedServers\n"
            "with EmbeddedServers(Path(sys.argv[1]) / 'data', 'process') as servers: print(servers.home)"
        )
        as_other = ["setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups"]
        result = subprocess.run(
            [*as_other, sys.executable, "-c", script, directory],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.stdout.strip() == f"{directory}/data/servers", result.stderr


def test_servers_end_with_the_process_that_started_them_however_it_ends(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from simfra.stack.servers import EmbeddedServers\n"
        "servers = EmbeddedServers(Path(sys.argv[1]), 'process'); servers.start()\n"
        "print(servers.postgres.process.pid, servers.valkey.process.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(_runs(pid) for pid in pids), timeout_s=15, what="the servers' end")
    EmbeddedServers(tmp_path / "data").remove()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # a zombie has none
    except FileNotFoundError:
        return False
