"""A MariaDB of the tests' own: the Debian package's server over a folder, reached through a socket there."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from tests.folders import run_folder

from ledger_sandbox.airflow_api import wait_for

#: a time zone of the server's that is not UTC: whoever forgets to say UTC is three hours off
SERVER_ZONE = "+03:00"
_database_numbers = itertools.count(1)


class MariaDb:
    """A running server."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def uri(self, database: str = "") -> str:
        """For SQLAlchemy."""
        return f"mysql+pymysql://root@localhost/{database}?unix_socket={self._socket}"

    def create_database(self) -> str:
        """A fresh database; returns its URI."""
        name = f"case_{next(_database_numbers)}"
        engine = create_engine(self.uri())
        with engine.begin() as connection:
            connection.execute(text(f"create database {name}"))
        engine.dispose()
        return self.uri(name)


def why_there_is_none() -> str:
    """Why no server can be started here; empty where one can."""
    return "" if _program() else "mariadb-server is not installed"


@contextmanager
def running_mariadb() -> Iterator[MariaDb]:
    """A server that ends with the tests: also when they are killed, where `setpriv` is there."""
    folder = run_folder("mariadb")
    (folder / "data").mkdir()
    socket = folder / "socket"
    program = _program()
    assert program, why_there_is_none()
    with_its_parent = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    # without grant tables the empty folder is all that it needs
    server = subprocess.Popen(
        [*with_its_parent, program, "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}", f"--socket={socket}",
         f"--pid-file={folder}/pid", "--skip-networking", "--skip-grant-tables", f"--default-time-zone={SERVER_ZONE}",
         "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0",
         *(["--user=root"] if os.geteuid() == 0 else [])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(socket.exists, "MariaDB to be ready", 60, lambda _: None, every_seconds=0.05)
        yield MariaDb(socket)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str | None:
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
