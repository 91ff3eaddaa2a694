"""Starts the platform's own backfill script for exactly one tenant, as the tenant's only writer."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType

from ledger_guard.adapters.platform_script.bounded_process import Bounds, run_bounded
from ledger_guard.adapters.platform_script.command_environment import command_environment
from ledger_guard.adapters.postgres.connection import ConnectionSettings, translated_errors
from ledger_guard.adapters.postgres.wallet_rows import WalletRows
from ledger_guard.domain.command_outcome import CommandRun
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.policy.command_runner import CommandRunner
from ledger_guard.policy.platform import Platform

#: a line is kept and logged up to here
_LONGEST_SHOWN = 500
#: how often the caller is asked whether a run must end
_ASK_SECONDS = 1.0
#: from the last signal until the process and its last words are surely gone
_ENDING = timedelta(minutes=1)

_log = logging.getLogger(__name__)


class PlatformCommandRunner:
    """PlatformScript over a process. It judges nothing: what the script did is for the caller to find out."""

    def __init__(
        self, settings: CommandRunner, platform: ConnectionSettings, tables: Platform, own_environment: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._connection = platform
        self._tables = tables
        self._own_environment = own_environment
        self._cancelled = threading.Event()

    def check(self) -> None:
        """See PlatformScript."""
        program, folder = Path(self._settings.interpreter), Path(self._settings.working_directory)
        if not (program.is_file() and os.access(program, os.X_OK)):
            raise BadInputError(f"command_runner.interpreter: {program} is not a program here; allowed: the platform's Python")
        if not folder.is_dir():
            raise BadInputError(
                f"command_runner.working_directory: {folder} is not a folder here; allowed: where the script runs"
            )
        command_environment(self._settings, self._connection, self._own_environment)

    def cancel(self) -> None:
        """End the script that runs now, and start none any more. For `on_kill` and other threads."""
        self._cancelled.set()

    @contextmanager
    def as_only_writer(self, tenant_id: str) -> Iterator[None]:
        """See PlatformScript. Within the block SIGTERM cancels; whoever handled it before is called as well."""
        what = f"the writer lock of tenant {tenant_id}"
        with ExitStack() as stack:
            stack.enter_context(translated_errors(what))
            connection = stack.enter_context(self._connection.open("run_script"))
            connection.autocommit = True
            rows = WalletRows(connection, self._tables, checked_tenant_id(tenant_id), self._tables.currency)
            stack.enter_context(rows.as_only_writer())
            stack.enter_context(_on_sigterm(self.cancel))
            yield

    def wait(self, seconds: float) -> None:
        """See PlatformScript; a cancelled one does not wait."""
        self._cancelled.wait(seconds)

    def longest_run(self) -> timedelta:
        """See PlatformScript."""
        return timedelta(seconds=self._settings.timeout_seconds + self._settings.term_grace_seconds) + _ENDING

    def run(
        self, tenant_id: str, mode: BackfillMode, *, is_dry_run: bool, must_end: Callable[[], bool] = lambda: False
    ) -> CommandRun:
        """See PlatformScript."""
        command = self._command(checked_tenant_id(tenant_id), mode, is_dry_run=is_dry_run)
        environment, mask = command_environment(self._settings, self._connection, self._own_environment, tenant_id)
        kept: deque[str] = deque(maxlen=self._settings.keep_lines)
        lines = 0

        def keep(line: str) -> None:
            nonlocal lines
            lines += 1
            kept.append(_printable(mask.masked(line)))
            _log.info("run_script %s: %s", tenant_id, kept[-1])

        began = time.monotonic()
        bounds = Bounds(self._settings.timeout_seconds, self._settings.term_grace_seconds)
        is_over = _AskedSeldom(must_end)
        end, exit_code = run_bounded(
            *(command, self._settings.working_directory, environment, bounds),
            lambda: self._cancelled.is_set() or is_over(),
            keep,
        )
        shown = tuple(mask.masked(argument) for argument in command)
        return CommandRun(shown, end, exit_code, time.monotonic() - began, tuple(kept), lines - len(kept))

    def _command(self, tenant_id: str, mode: BackfillMode, *, is_dry_run: bool) -> tuple[str, ...]:
        settings = self._settings
        return (
            settings.interpreter,
            *settings.interpreter_arguments,
            *("-m", settings.module),
            # One argument: nothing that follows can be taken for the tenant.
            f"--tenant-id={tenant_id}",
            f"--batch-size={settings.batch_rows}",
            *(["--force"] if mode is BackfillMode.FORCE else []),
            *(["--dry-run"] if is_dry_run else []),
        )


class _AskedSeldom:
    """A question that is asked at once, then at most once a second, and never again after a yes."""

    def __init__(self, question: Callable[[], bool]) -> None:
        self._question, self._asked_at, self._is_so = question, float("-inf"), False

    def __call__(self) -> bool:
        if not self._is_so and time.monotonic() - self._asked_at >= _ASK_SECONDS:
            self._is_so, self._asked_at = self._question(), time.monotonic()
        return self._is_so


@contextmanager
def _on_sigterm(cancel: Callable[[], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may handle signals; whoever runs this elsewhere calls `cancel`.
        yield
        return
    previous = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: FrameType | None) -> None:
        cancel()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in line[:_LONGEST_SHOWN])
