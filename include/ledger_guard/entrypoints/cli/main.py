"""The command line's frame: loads a command when it is called, and turns every error into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ledger_guard.domain.errors import BadInputError, LedgerGuardError, PolicyError, SafetyRefusal
from ledger_guard.domain.shown_text import controls_shown
from ledger_guard.entrypoints.cli.command_errors import one_line, usage_sentence

VERSION = "0.1.0"
PROGRAM = "python -m ledger_guard"
#: set to 1 to see where an unexpected error came from
TRACEBACK_VARIABLE = "LEDGER_GUARD_TRACEBACK"

DONE, FAILED, BAD_INPUT, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

#: command, and what it does in a few words; the module `commands.<name>` holds a click command of the same name
COMMANDS = {
    "audit": "Verify or export the audit log.",
    "backfill": "Plan, force, verify or undo a tenant's wallet backfill.",
    "backtest": "Judge a file of readings as the health check would.",
    "budget": "Show how much may still be written without a human.",
    "db": "Bring guard state's schema up to date.",
    "drill": "Start a drill, or show the last ones.",
    "incident": "List, show and close incidents, and print their reports.",
    "ingest": "Read access logs into guard state.",
    "mode": "Show or lower how far each matrix row may go by itself.",
    "platform": "Check the policy against the platform's schema, ledger words, flags, log and secrets.",
    "policy": "Check the policy file.",
    "release": "Let a stopped guard write again.",
    "rollout": "Check whether a flag may be enabled; freezes, overrides, secrets.",
    "silence": "Call nobody for a while; show or end such times.",
    "source": "Check where a trigger's readings come from.",
    "status": "Show whether the guard is stopped, and what waits.",
    "stop": "Hold every write of the guard.",
    "wake": "Try a pager, or show who would be called now.",
    "watch": "Report problems of the guard itself; for cron, outside Airflow.",
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called, so that help is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Names of all commands, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import and return the command, or None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        found = getattr(importlib.import_module(f"ledger_guard.entrypoints.cli.{cmd_name}"), cmd_name)
        if not isinstance(found, click.Command):
            raise TypeError(f"ledger_guard.entrypoints.cli.{cmd_name}.{cmd_name} is not a click command")
        return found

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and flush its output here, where click still handles a closed pipe."""
        result = super().invoke(ctx)
        sys.stdout.flush()
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION, prog_name="ledger_guard", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch a ledger rollout, repair tenant by tenant, roll flags back behind approvals.

    \b
    Examples:
      python -m ledger_guard policy check
      python -m ledger_guard incident list --json
      python -m ledger_guard backfill dry-run --tenant-id default_casino
      python -m ledger_guard rollout check --flag ledger_enforce_balance

    \b
    Exit codes: 0 done, 1 failed while working, 2 bad input, 3 refused by a safety rule.
    """  # noqa: D301  \b is the mark that keeps click from joining these lines


class ShownStream:
    """A text stream that escapes control characters: an id from a log must not control the terminal."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write; returns the length of `text`."""
        self._stream.write(controls_shown(text) if isinstance(text, str) else text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _shown_output() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = shown = ShownStream(sys.stdout), ShownStream(sys.stderr)
    try:
        yield
    finally:
        # click wraps a stream whose reader is gone in another one; keep that
        sys.stdout = before[0] if sys.stdout is shown[0] else sys.stdout
        sys.stderr = before[1] if sys.stderr is shown[1] else sys.stderr


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors end as one line on stderr, never as a traceback.

    A command ends with `ctx.exit(code)` or by returning a whole number for another code than 0. Whatever a command prints,
    control characters are escaped.
    """
    with _shown_output():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    try:
        result = cli.main(args=None if argv is None else list(argv), prog_name=PROGRAM, standalone_mode=False)
    except SystemExit as ended:
        # click exits this way, quietly, when the reader of its output is gone
        return ended.code if isinstance(ended.code, int) else FAILED
    except (click.Abort, KeyboardInterrupt):
        return _ended("interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _ended(_typed_wrongly(error), BAD_INPUT)
    except LedgerGuardError as error:
        return _ended(one_line(_sentence(error)), _code(error))
    except Exception as error:  # noqa: BLE001  the outermost frame: people get one line, and a way to see more
        return _ended(_unexpected(error), FAILED)
    return result if type(result) is int else DONE


def _typed_wrongly(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        # the help text itself, with its lines
        return error.format_message()
    return one_line(usage_sentence(error) if isinstance(error, click.UsageError) else error.format_message())


def _unexpected(error: Exception) -> str:
    if os.environ.get(TRACEBACK_VARIABLE) == "1":
        traceback.print_exception(error)
    return one_line(f"unexpected {type(error).__name__}: {error}; set {TRACEBACK_VARIABLE}=1 to see where it happened")


def _code(error: LedgerGuardError) -> int:
    if isinstance(error, BadInputError):
        return BAD_INPUT
    return REFUSED if isinstance(error, SafetyRefusal) else FAILED


def _sentence(error: LedgerGuardError) -> str:
    if isinstance(error, PolicyError) and len(error.problems) > 1:
        return f"{error.problems[0]} (and {len(error.problems) - 1} more: {PROGRAM} policy check shows all)"
    return str(error)


def _ended(text: str, code: int) -> int:
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201  this is the command line
    except OSError:
        # no one reads stderr; the exit code is enough
        return code
    return code
