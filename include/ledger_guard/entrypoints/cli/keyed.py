"""The warning of a writing command without an audit key."""

from __future__ import annotations

import click

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.ports import Dependencies


def say_if_unkeyed(deps: Dependencies) -> None:
    """Warn on stderr if this guard has no audit key."""
    with deps.state.snapshot() as state:
        is_keyed = state.audit.keys.newest is not None
    if not is_keyed:
        click.echo(UNKEYED_WORDS, err=True)
