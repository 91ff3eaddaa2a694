"""A real Unleash server, from the npm package `unleash-server`, on a Postgres that runs already."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

import httpx
import psycopg

from ledger_sandbox.ends_with_us import EndsWithUs

#: opens the server that is started here, and nothing else
TOKEN = "*:*.sandbox-unleash"  # noqa: S105
_SERVER = Path("node_modules", "unleash-server", "dist", "server.js")
_START_SECONDS = 90.0


def missing_for_unleash(folder: Path) -> str:
    """What is not here to run it, for people; empty when it can be started from `folder`."""
    if shutil.which("node") is None:
        return "no node on this machine; the server needs Node.js 20 or newer"
    if not (folder / _SERVER).exists():
        return f"unleash-server is not installed in {folder}; `make unleash` does it, with npm"
    return ""


class UnleashServer:
    """Serves on the loopback interface until `stop`, or until this process is gone."""

    def __init__(self, folder: Path, database_uri: str) -> None:
        """Start it from `folder`, where npm installed it, on an empty database."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"
        self._said = TemporaryFile()  # noqa: SIM115  closed by stop
        self._process = subprocess.Popen(  # noqa: S603
            [str(shutil.which("node")), str(folder / _SERVER)],
            env=_environment(database_uri, port),
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._ends_with_us = EndsWithUs([self._process.pid])
        try:
            self._wait()
        except RuntimeError:
            self.stop()
            raise

    def forget(self, flag: str) -> None:
        """Take the flag away for good; what happened to it stays among the server's events."""
        headers = {"Authorization": TOKEN}
        admin = f"{self.base_url}/api/admin"
        httpx.delete(f"{admin}/projects/default/features/{flag}", headers=headers, timeout=30)
        httpx.delete(f"{admin}/archive/{flag}", headers=headers, timeout=30)

    def as_a_person(self, method: str, path: str, json: object = None) -> httpx.Response:
        """One call below `/api/admin`, as somebody at Unleash's own pages makes it."""
        answer = httpx.request(
            method, f"{self.base_url}/api/admin{path}", headers={"Authorization": TOKEN}, json=json, timeout=30
        )
        return answer.raise_for_status()

    def stop(self) -> None:
        """End; may be called twice."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ends_with_us.dismiss()
        self._said.close()

    def _wait(self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        until = clock() + _START_SECONDS
        while clock() < until and self._process.poll() is None:
            try:
                if httpx.get(f"{self.base_url}/health", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            sleep(0.2)
        self._said.seek(0)
        said = self._said.read()[-2000:].decode(errors="replace")
        raise RuntimeError(f"unleash-server did not start: {said}")


def _environment(database_uri: str, port: int) -> Mapping[str, str]:
    found = psycopg.conninfo.conninfo_to_dict(database_uri)
    return {
        "PATH": os.environ.get("PATH", ""),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "DATABASE_HOST": str(found.get("host") or "localhost"),
        "DATABASE_PORT": str(found.get("port") or 5432),
        "DATABASE_USERNAME": str(found.get("user") or "postgres"),
        "DATABASE_PASSWORD": str(found.get("password") or ""),
        "DATABASE_NAME": str(found["dbname"]),
        "DATABASE_SSL": "false",
        "INIT_ADMIN_API_TOKENS": TOKEN,
        # it asks nobody outside for anything
        "CHECK_VERSION": "false",
        "SEND_TELEMETRY": "false",
        "LOG_LEVEL": "warn",
    }
