"""The warning of a writing command without an audit key."""

from __future__ import annotations

import click

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.ports import Dependencies


def say_if_unkeyed(deps: Dependencies) -> None:
    """Warn on stderr if this guard has no audit key."""
    if not _is_keyed(deps):
        click.echo(UNKEYED_WORDS, err=True)


def say_if_it_may_not_count(deps: Dependencies) -> None:
    """Warn on stderr if this command has no audit key: a guard that has one passes over what lacks its mark, without a word."""
    if not _is_keyed(deps):
        click.echo("unkeyed: this command has no audit key; a guard that has one calls people all the same", err=True)


def _is_keyed(deps: Dependencies) -> bool:
    with deps.state.snapshot() as state:
        return state.audit.keys.newest is not None
