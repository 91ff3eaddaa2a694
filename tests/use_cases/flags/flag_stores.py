"""The flag stores that are no database, on files of a test's own folder and on the stand-in server."""

from __future__ import annotations

from pathlib import Path

from tests.use_cases.flags.rollout_world import BALANCE, NOW, SIGNATURE

from ledger_guard.adapters.flag_stores.dotenv import DotenvFlagStore
from ledger_guard.adapters.flag_stores.flagd import FlagdFlagStore
from ledger_guard.adapters.flag_stores.http import HttpFlagStore
from ledger_guard.adapters.flag_stores.unleash import UnleashFlagStore
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.flag_writer import PostgresOneWriter
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.policy.flag_store import DotenvFile, FlagdFile, FlagServer, RestartCommand, UnleashServer
from ledger_sandbox import unleash
from ledger_sandbox.flag_server import TOKEN, FlagServerStandIn

ENV_NAMES = {BALANCE: "LEDGER_ENFORCE_BALANCE", SIGNATURE: "WEBHOOK_SIGNATURE_ENFORCED"}


class CountingRestarter:
    """Restarts nothing, and fails as often as it is told."""

    def __init__(self) -> None:
        self.failures = 0
        self.restarts: list[str] = []

    def restart(self, flag: str, *, is_enabled: bool, change: str) -> None:
        """Succeed or fail."""
        if self.failures:
            self.failures -= 1
            raise SourceUnavailable("restart: exit code 1")
        self.restarts.append(flag)


def dotenv_store(folder: Path, content: bytes | None = b"# platform\nSECRET=x\n", restarter=None) -> DotenvFlagStore:
    """A store over `folder/.env`."""
    path = folder / ".env"
    if content is not None:
        path.write_bytes(content)
    restart = RestartCommand(kind="command", command=("/bin/true",))
    settings = DotenvFile(kind="dotenv", path=str(path), restart=restart, lock_wait_seconds=5)
    return DotenvFlagStore(settings, ENV_NAMES, restarter or CountingRestarter(), SettableClock(NOW))


def flagd_store(folder: Path, text: str | None = '{"flags": {}}') -> FlagdFlagStore:
    """A store over `folder/flags.json`."""
    path = folder / "flags.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return FlagdFlagStore(FlagdFile(kind="flagd", path=str(path), lock_wait_seconds=5), SettableClock(NOW))


def http_store(server: FlagServerStandIn, pauses: list[float] | None = None, token: str = TOKEN) -> HttpFlagStore:
    """A store over the stand-in; pauses between tries are noted, not made."""
    noted = pauses if pauses is not None else []
    caller = HttpCaller(timeout_seconds=5, attempts=4, token=lambda: token, sleep=noted.append)
    return HttpFlagStore(FlagServer(kind="http", base_url=server.base_url), caller)


def unleash_store(server: unleash.UnleashServer, database_uri: str, token: str = unleash.TOKEN, **settings) -> UnleashFlagStore:
    """A store over the real server; its writers wait for each other in the platform's database."""
    caller = HttpCaller(timeout_seconds=20, attempts=2, token=lambda: token, sleep=lambda _: None)
    section = UnleashServer.model_validate(
        {"kind": "unleash", "base_url": server.base_url, "environment": "production", **settings}
    )
    one_writer = PostgresOneWriter(ConnectionSettings.parse(database_uri, "ledger_db"), 30)
    return UnleashFlagStore(section, caller, one_writer, SettableClock(NOW))
