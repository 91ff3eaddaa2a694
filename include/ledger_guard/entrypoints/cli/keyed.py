"""What a command that wrote says where no audit key is set."""

from __future__ import annotations

import click

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.ports import Dependencies


def say_if_unkeyed(deps: Dependencies) -> None:
    """Say on stderr that this guard has no audit key; nothing where it has one."""
    with deps.state.snapshot() as state:
        is_keyed = state.audit.keys.newest is not None
    if not is_keyed:
        click.echo(UNKEYED_WORDS, err=True)
