"""The whole sandbox on one machine: embedded Postgres, the platform, guard state, Slack's stand-in, Airflow."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.migrate import upgrade
from ledger_guard.domain.runs import DAG_IDS
from ledger_sandbox.airflow_api import AirflowApi, wait_for
from ledger_sandbox.airflow_processes import USERS, AirflowPlaces, AirflowProcesses, airflow_environment
from ledger_sandbox.platform_requests import player_token
from ledger_sandbox.platform_schema import create_platform
from ledger_sandbox.platform_service import CANARY_PLAYER, PlatformService, flag_table, probes_section
from ledger_sandbox.postgres import EmbeddedPostgres
from ledger_sandbox.running import ENVIRONMENT_FILE, PLATFORM_ENVIRONMENT_FILE, REPOSITORY
from ledger_sandbox.slack import SlackStandIn

SHIPPED_POLICY = REPOSITORY / "include" / "policies" / "ledger_rollout.yaml"
PREFERRED_PORT = 18080


#: signs the canary's webhooks; opens nothing
CANARY_SECRET_VARIABLE, CANARY_SECRET = "LEDGER_GUARD_CANARY_SECRET", "sandbox-canary-signing-secret"
#: holds the token of the player that withdraws for the canary
CANARY_PLAYER_VARIABLE = "LEDGER_GUARD_CANARY_TOKEN"


PolicyChange = Callable[[dict[str, Any]], None]


def write_policy(target: Path, instances: list[PlatformService], change: PolicyChange) -> Path:
    """Write the shipped policy with probes of these instances, and with `change` made to it."""
    document = yaml.safe_load(SHIPPED_POLICY.read_text(encoding="utf-8"))
    # A rehearsal's hours take minutes of the wall clock, by which flags settle: a restore would hold what comes a day later.
    document["autonomy"]["settle_minutes"] = 0
    document["probes"] = probes_section(instances, CANARY_SECRET_VARIABLE, CANARY_PLAYER_VARIABLE)
    change(document)
    target.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return target


def free_port(preferred: int) -> int:
    """`preferred` when nothing listens there, else any free port; 0 prefers none."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            # a port of which only connections that are closing are left is free, as it is for a server
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback interface")


@dataclass
class Stack:
    """A running sandbox. Use as a context manager: everything stops at the end, whatever happened."""

    folder: Path
    #: told what is being waited for
    tick: Callable[[str], None]
    #: whether the health check runs by itself every five minutes
    scheduled: bool = False
    #: made to the policy document before anything reads it
    change_policy: PolicyChange = lambda _: None
    #: environment variables of Airflow besides the sandbox's own
    airflow_settings: Mapping[str, str] = field(default_factory=dict)
    #: done once Airflow's metadata database is there, before any of its processes is
    before_airflow_starts: Callable[[AirflowProcesses], None] = lambda _: None
    #: who may log in to Airflow besides the sandbox's own users, with their roles
    more_users: Mapping[str, str] = field(default_factory=dict)
    #: how often a waiting task looks
    poke_seconds: int = 2
    #: whether the scheduler loads the guard's code before it forks tasks
    preloads: bool = True
    #: where Airflow's UI listens if nothing else does; 0: anywhere, so that two sandboxes can start at the same time
    preferred_port: int = PREFERRED_PORT

    def __enter__(self) -> Stack:
        """Start everything from nothing; what an earlier sandbox left in the folder is removed."""
        if self.folder.exists():
            _stop_leftover_postgres(self.folder / "pgdata")
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        self.tick("the embedded Postgres")
        self.postgres = EmbeddedPostgres(self.folder / "pgdata")
        self.postgres.never_mind_power_cuts()
        self.processes: AirflowProcesses | None = None
        #: marks this sandbox's audit log; gone with the sandbox
        self.audit_key = f"sandbox:{secrets.token_hex(32)}"
        self.slack = SlackStandIn()
        self.instances: list[PlatformService] = []
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        self.platform_uri = self.postgres.create_database("platform")
        metadata_uri = self.postgres.create_database("airflow")
        create_platform(self.platform_uri)
        upgrade(ConnectionSettings.parse(self.platform_uri, "ledger_guard_db"))
        self.slack.start()
        value_of = flag_table(self.platform_uri)
        self.instances = [PlatformService(value_of, CANARY_SECRET, follows_table=True).start() for _ in range(2)]
        write_policy(self.policy_file, self.instances, self.change_policy)
        places = AirflowPlaces(
            home=self.folder / "airflow",
            repository=REPOSITORY,
            metadata_uri=metadata_uri,
            api_port=free_port(self.preferred_port),
            log_port=free_port(0),
            users={**USERS, **self.more_users},
        )
        self.environment = airflow_environment(
            places, {**self.guard_environment(), **self.airflow_settings}, preloads=self.preloads
        )
        self.processes = AirflowProcesses(places, self.environment)
        self.tick("Airflow's metadata database")
        self.processes.migrate()
        self.before_airflow_starts(self.processes)
        self.processes.start()

    def wait_until_ready(self) -> None:
        """Return when Airflow is healthy and has parsed the DAGs."""
        assert self.processes is not None, "entered"
        self.processes.wait_until_healthy(180, lambda missing: self.tick(f"Airflow to be healthy ({missing})"))
        api = AirflowApi(self.url, "admin")
        wait_for(lambda: api.dag_ids() >= {*DAG_IDS}, "the DAGs to be parsed", 120, self.tick)

    @property
    def url(self) -> str:
        """Address of Airflow's UI."""
        assert self.processes is not None, "entered"
        return self.processes.places.url

    @property
    def env_file(self) -> Path:
        """The platform's dotenv file with its webhook secrets."""
        return self.folder / PLATFORM_ENVIRONMENT_FILE

    @property
    def policy_file(self) -> Path:
        """The policy in force: the shipped one, with probes of this sandbox's own platform instances."""
        return self.folder / "policy.yaml"

    def guard_environment(self) -> dict[str, str]:
        """What the guard's tasks and commands need: connections, the rehearsal clock, short waits."""
        slack = {"conn_type": "slack", "password": self.slack.token, "extra": {"base_url": f"{self.slack.base_url}/api/"}}
        return {
            "AIRFLOW_CONN_LEDGER_DB": self.platform_uri,
            "AIRFLOW_CONN_LEDGER_GUARD_DB": self.platform_uri,
            "AIRFLOW_CONN_SLACK_LEDGER_OPS": json.dumps(slack),
            CANARY_SECRET_VARIABLE: CANARY_SECRET,
            CANARY_PLAYER_VARIABLE: player_token(*CANARY_PLAYER),
            "LEDGER_GUARD_AUDIT_KEY": self.audit_key,
            "LEDGER_GUARD_POLICY": str(self.policy_file),
            "LEDGER_GUARD_CLOCK": "rehearsal",
            "LEDGER_GUARD_ENV_FILE": str(self.env_file),
            "LEDGER_GUARD_POKE_SECONDS": str(self.poke_seconds),
            "LEDGER_GUARD_SCHEDULE": "on" if self.scheduled else "off",
        }

    def write_environment_file(self) -> Path:
        """Write the guard's environment as shell exports, for people who try the command line against this sandbox."""
        target = self.folder / ENVIRONMENT_FILE
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in self.guard_environment().items())
        target.write_text("".join(lines), encoding="utf-8")
        return target

    def command_environment(self) -> dict[str, str]:
        """For `python -m ledger_guard` against this sandbox."""
        return {**os.environ, "PYTHONPATH": str(REPOSITORY / "include"), **self.guard_environment()}

    def __exit__(self, *_: object) -> None:
        """Stop Airflow, then Slack's stand-in, then Postgres."""
        if self.processes is not None:
            self.processes.stop()
        self.slack.stop()
        for instance in self.instances:
            instance.stop()
        self.postgres.stop()


def _stop_leftover_postgres(folder: Path) -> None:
    """End the server that a killed sandbox left running, so that its folder can go."""
    if (folder / "postmaster.pid").exists():
        EmbeddedPostgres(folder).stop()
