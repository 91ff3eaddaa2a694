"""`release`: let a stopped guard write again."""

from __future__ import annotations

import getpass

import click

from ledger_guard import wiring
from ledger_guard.use_cases.bounds.stop import release as release_guard


@click.command()
@click.option("--reason", required=True, help="Why it may write again, in at least 10 characters.")
@click.option(
    "--by", default=getpass.getuser, show_default="your user name", help="Who releases it. Recorded as stated, not proved."
)
def release(reason: str, by: str) -> None:
    """Let a stopped guard write again. Refused (exit 3) for whoever stopped it, and when it is not stopped.

    What the stop held does not start by itself: clear the failed tasks, or start the runs again.

    \b
    Example: python -m ledger_guard release --reason "the double payment was a test" --by boris
    """  # noqa: D301
    ended = release_guard(wiring.open_dependencies(), reason, by, is_proved=False)
    click.echo(f"released; it was {ended.sentence}")
