"""`wake`: who is called, and whether a pager works."""

from __future__ import annotations

import click

from ledger_guard import wiring
from ledger_guard.use_cases.wake.status import calls_now, try_pager


@click.group()
def wake() -> None:
    """Try a pager, or show who would be called now."""


@wake.command()
def status() -> None:
    """Print what people are called for now: who was called, who took it, who is next.

    \b
    Example: python -m ledger_guard wake status
    """  # noqa: D301
    click.echo("\n".join(calls_now(wiring.open_dependencies())) or "nothing that people are called for")


@wake.command()
@click.argument("pager")
def test(pager: str) -> None:
    """Call through PAGER, as the policy names it, and end the call at once. People are really called.

    \b
    Example: python -m ledger_guard wake test oncall
    """  # noqa: D301
    click.echo(try_pager(wiring.open_dependencies(), pager))
