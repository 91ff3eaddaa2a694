"""What the sessions of these tests are opened on: a database of the platform, a real pooler, a real replica."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from session_servers import UNPRIVILEGED, Replicated, can_connect, wait_until
from tests.folders import run_folder

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_sandbox.platform_schema import create_platform
from ledger_sandbox.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def platform_uri(postgres_server, migrated_template) -> str:
    """One database for all tests here: the platform's tables and guard state, empty unless a test fills and empties them."""
    return postgres_server.create_database("session_tests", template=migrated_template)


@pytest.fixture
def settings(platform_uri) -> ConnectionSettings:
    return ConnectionSettings.parse(platform_uri, "ledger_db")


# --- a pooler in between ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def through_pooler(platform_uri) -> Iterator[Callable[..., str]]:
    """Start a PgBouncer before the database, with settings of its own; gives the URI that leads through it."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    server = psycopg.conninfo.conninfo_to_dict(platform_uri)
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="ledger-guard-pooler-") as home:
        if os.geteuid() == 0:
            os.chown(home, pwd.getpwnam(UNPRIVILEGED).pw_uid, -1)

        def start(**pooler: str) -> str:
            port = str(6432 + len(running))
            lines = {
                "listen_addr": "",
                "listen_port": port,
                "unix_socket_dir": home,
                "auth_type": "any",
                "logfile": f"{home}/{port}.log",
                **pooler,
            }
            database = f"{server['dbname']} = host={server['host']} dbname={server['dbname']} user={server['user']}"
            config = Path(home, f"{port}.ini")
            body = "\n".join(f"{name} = {text}" for name, text in lines.items())
            config.write_text(f"[databases]\n{database}\n[pgbouncer]\n{body}\n")
            user = ["-u", UNPRIVILEGED] if os.geteuid() == 0 else []
            running.append(subprocess.Popen([program, "-q", *user, str(config)], stderr=subprocess.DEVNULL))
            uri = f"postgresql://{server['user']}@/{server['dbname']}?host={home}&port={port}"
            wait_until(lambda: can_connect(uri))
            return uri

        yield start
        for process in running:
            process.terminate()
            process.wait()


# --- a replica -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def replicated() -> Iterator[Replicated]:
    """Two servers of their own, so that there is little to copy."""
    folder = run_folder("primary")
    primary = EmbeddedPostgres(folder)
    primary.never_mind_power_cuts()
    create_platform(primary.create_database("platform"))
    home = run_folder("replica")
    user = UNPRIVILEGED if os.geteuid() == 0 else getpass.getuser()
    os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    programs, data = primary._server.bin_path, home / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        subprocess.run(command, check=True, user=user, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    source = psycopg.conninfo.conninfo_to_dict(primary.uri("postgres"))
    run("pg_basebackup", "-h", source["host"], "-U", "postgres", "-D", str(data), "-R", "-c", "fast", "-X", "stream")
    run("pg_ctl", "-w", "-D", str(data), "-l", str(home / "log"), "-o", f"-k {home} -h ''", "start")
    pair = Replicated(primary.uri("platform"), f"postgresql://postgres@/platform?host={home}")
    pair.commit_on_primary()
    pair.catch_up()
    yield pair
    run("pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")
    primary.stop()
    for place in (home, folder):
        shutil.rmtree(place, ignore_errors=True)
