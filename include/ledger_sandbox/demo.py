"""`demo` and `up`: a stack for people to look at."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.table import Table

from ledger_sandbox import clock
from ledger_sandbox.airflow_processes import USERS, password_of
from ledger_sandbox.demo_scenario import DemoScenario, ScenarioError, StepResult, seed
from ledger_sandbox.rehearsal import Rehearsal
from ledger_sandbox.running import FOLDER
from ledger_sandbox.stack import Stack
from ledger_sandbox.traffic import play

#: how often `up` delivers the traffic of the time that went by
TRAFFIC_EVERY_SECONDS = 20


class Interrupted(Exception):
    """SIGTERM: end as Ctrl-C would, so that nothing is left running."""


def _interrupt(*_: object) -> None:
    raise Interrupted


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    """On a terminal a line that changes; elsewhere a line whenever what is waited for changes."""
    if console.is_terminal:
        with console.status("starting") as status:
            yield lambda what: status.update(f"waiting for {what}")
        return
    said: list[str] = []

    def say(what: str) -> None:
        if said[-1:] != [what]:
            said.append(what)
            console.print(f"    … {what}", highlight=False)

    yield say


def _tell_users(console: Console, stack: Stack) -> None:
    console.print(f"  Airflow   {stack.url}   the board: {stack.url}/plugin/ledger-guard", highlight=False)
    console.print(f"  Channel   {stack.slack.base_url}/   (Slack's stand-in)", highlight=False)
    environment = stack.write_environment_file()
    console.print(f"  Commands  source {environment}; .venv/bin/python -m ledger_guard --help", highlight=False)
    console.print(
        "  Users     " + ", ".join(f"{user} / {password_of(user)} ({role})" for user, role in USERS.items()), highlight=False
    )


def demo() -> int:
    """Play the demo scenario; 0 when every step happened. On a terminal the UI stays up until Enter or Ctrl-C."""
    console = Console(soft_wrap=True)
    signal.signal(signal.SIGTERM, _interrupt)
    began, rows, failed = time.monotonic(), [], False
    try:
        with _progress(console) as tick, Stack(FOLDER, tick) as stack:
            console.print("[bold]Ledger Guard: the demo[/]  (real Postgres, real Airflow, a stand-in for Slack)")
            seeded = seed(stack, tick)
            stack.wait_until_ready()
            _tell_users(console, stack)
            console.print(f"  Seeded    {seeded.happened}; ready after {time.monotonic() - began:.0f} s\n", highlight=False)
            for number, (title, step) in enumerate(DemoScenario(Rehearsal(stack, tick)).steps(), start=1):
                row, failed = _play(console, number, title, step)
                rows.append(row)
                if failed:
                    break
            _show(console, rows, time.monotonic() - began)
            if sys.stdin.isatty() and console.is_terminal:
                _stay_up(console, stack)
    except (KeyboardInterrupt, Interrupted):
        console.print("stopped; nothing is left running")
        return 130
    return 1 if failed else 0


def _play(console: Console, number: int, title: str, step: Callable[[], StepResult]) -> tuple[tuple[str, ...], bool]:
    """One step: what happened and where to look, or why not."""
    began = time.monotonic()
    try:
        told = step()
    except (ScenarioError, TimeoutError, RuntimeError) as error:
        console.print(f"[red]✗ {number:2} {title}[/]\n     {error}", highlight=False)
        return (str(number), title, f"did not happen: {error}", f"{time.monotonic() - began:.0f} s"), True
    console.print(
        f"[green]✓[/] {number:2} [bold]{title}[/]\n     {told.happened}\n     [dim]see {told.where}[/]", highlight=False
    )
    return (str(number), title, told.happened, f"{time.monotonic() - began:.0f} s"), False


def _show(console: Console, rows: list[tuple[str, ...]], seconds: float) -> None:
    table = Table(title=f"{len(rows)} steps in {seconds:.0f} s", title_justify="left")
    for heading in ("", "step", "what happened", "took"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _stay_up(console: Console, stack: Stack) -> None:
    console.print(f"\nThe stack stays up: {stack.url}  Press Enter (or Ctrl-C) to stop it.", highlight=False)
    sys.stdin.readline()


def up() -> int:
    """The same stack with scheduled health checks and steady traffic, until Ctrl-C."""
    console = Console(soft_wrap=True)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _progress(console) as tick, Stack(FOLDER, tick, scheduled=True) as stack:
            seed(stack, tick)
            stack.wait_until_ready()
            _tell_users(console, stack)
            console.print("  Break something: .venv/bin/python -m ledger_sandbox scenario --help     Ctrl-C stops everything")
            _keep_traffic(stack)
    except (KeyboardInterrupt, Interrupted):
        console.print("stopped; nothing is left running")
    return 0


def _keep_traffic(stack: Stack) -> None:
    rng = np.random.default_rng()
    delivered = clock.now(stack.platform_uri)
    while True:
        time.sleep(TRAFFIC_EVERY_SECONDS)
        until = clock.now(stack.platform_uri)
        play(stack.platform_uri, delivered, until, rng)
        delivered = until
