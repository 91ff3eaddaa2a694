"""The three Airflow processes that the guard needs, started, started again when one ends by itself, and stopped one by one.

No `airflow standalone`: ended by a signal it leaves its children behind.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ledger_sandbox.ends_with_us import EndsWithUs

COMPONENTS = ("api-server", "scheduler", "dag-processor")
HEALTH_KEYS = ("metadatabase", "scheduler", "dag_processor")
#: how often a component that ended by itself is started again; one that keeps ending is broken
MOST_RESTARTS = 5
#: SimpleAuthManager's users and roles in a sandbox; each one's password is `<name>-pw`
USERS = {"admin": "admin", "oncall": "user", "payments-lead": "user", "ops-lead": "user", "viewer": "viewer"}


@dataclass(frozen=True)
class AirflowPlaces:
    """Where one sandbox Airflow keeps its files and listens."""

    home: Path
    repository: Path
    metadata_uri: str
    api_port: int
    log_port: int
    #: SimpleAuthManager's users and their roles
    users: Mapping[str, str] = field(default_factory=lambda: dict(USERS))

    @property
    def url(self) -> str:
        """Address of the UI and the API."""
        return f"http://localhost:{self.api_port}"


def password_of(user: str) -> str:
    """A sandbox user's password."""
    return f"{user}-pw"


def airflow_environment(places: AirflowPlaces, extra: Mapping[str, str], *, preloads: bool = True) -> dict[str, str]:
    """The environment that every Airflow process of one sandbox shares; writes the users' passwords file.

    `preloads`: have the scheduler load the guard's code before it forks tasks.
    """
    places.home.mkdir(parents=True, exist_ok=True)
    passwords = places.home / "passwords.json"
    passwords.write_text(json.dumps({user: password_of(user) for user in places.users}), encoding="utf-8")
    if preloads:
        _load_once(places)
    root = places.repository
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(root / "include"),
        "AIRFLOW_HOME": str(places.home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{places.url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in places.users.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": places.metadata_uri.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(places.api_port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": places.url,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(48),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # a file that changed is parsed at once; parsing all of them every half minute would take a good part of a core
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(places.log_port),
        **extra,
    }


def _load_once(places: AirflowPlaces) -> None:
    """Have the scheduler load what every task needs before it forks them, as in production."""
    shutil.copytree(places.repository / "config", places.home / "config", dirs_exist_ok=True)


@dataclass
class AirflowProcesses:
    """Running components; `stop` ends each with its own signal and waits.

    A component that ends by itself is started again, as systemd or a container's restart policy would: Airflow's scheduler ends
    when a run is deleted while it schedules it.
    """

    places: AirflowPlaces
    environment: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    #: what each is started with; its name is the last word
    command: tuple[str, ...] = ("airflow",)
    look_seconds: float = 0.5
    restarts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COMPONENTS, 0))
    _watches: dict[str, EndsWithUs] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _keeper: threading.Thread | None = None

    def migrate(self) -> None:
        """Bring the metadata database up to date. Raises CalledProcessError with its output in `migrate.log`."""
        with (self.places.home / "migrate.log").open("wb") as log:
            subprocess.run(["airflow", "db", "migrate"], env=dict(self.environment), stdout=log, stderr=log, check=True)  # noqa: S607

    def start(self) -> None:
        """Start the components and keep them running; their output goes to `<component>.log` in the Airflow home."""
        for name in COMPONENTS:
            self._start(name)
        self._keeper = threading.Thread(target=self._keep_running, name="keeps Airflow running", daemon=True)
        self._keeper.start()

    def _start(self, name: str) -> None:
        with (self.places.home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603
                [*self.command, name],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._watches[name] = EndsWithUs([self.running[name].pid])

    def _keep_running(self) -> None:
        while not self._stopping.wait(self.look_seconds):
            for name in COMPONENTS:
                if self.running[name].poll() is not None and self.restarts[name] < MOST_RESTARTS:
                    self.restarts[name] += 1
                    self._watches[name].dismiss()
                    self._start(name)

    def wait_until_healthy(self, patience_seconds: float, tick: Callable[[str], None]) -> None:
        """Return when all three say that they are healthy; `tick` is told what is missing meanwhile.

        Raises:
            RuntimeError: one of them keeps ending, or the patience did; the message names the log to read.
        """
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            for name, process in self.running.items():
                if self.restarts[name] >= MOST_RESTARTS and process.poll() is not None:
                    raise RuntimeError(f"airflow {name} ended with {process.returncode}; read {self.places.home / name}.log")
            missing = self._unhealthy()
            if not missing:
                return
            tick(", ".join(missing))
            time.sleep(0.5)
        raise RuntimeError(f"Airflow was not healthy within {patience_seconds:.0f} s; read the logs in {self.places.home}")

    def _unhealthy(self) -> list[str]:
        try:
            health = httpx.get(f"{self.places.url}/api/v2/monitor/health", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return ["api_server"]
        return [key for key in HEALTH_KEYS if (health.get(key) or {}).get("status") != "healthy"]

    def stop(self, patience_seconds: float = 25) -> None:
        """Terminate each component by itself (a signal to the whole group hangs the scheduler), then wait, then kill."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + patience_seconds
        for process in self.running.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()
        # last: a test run that is killed while it waits here leaves nothing either
        for watch in self._watches.values():
            watch.dismiss()
