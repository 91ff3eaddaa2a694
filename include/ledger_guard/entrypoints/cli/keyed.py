"""What a command that wrote says where no audit key is set."""

from __future__ import annotations

import click

from ledger_guard.domain.attestations import UNKEYED_WORDS
from ledger_guard.ports import Guard


def say_if_unkeyed(guard: Guard) -> None:
    """Say on stderr that this guard has no audit key; nothing where it has one."""
    with guard.state.snapshot() as state:
        is_keyed = state.audit.keys.newest is not None
    if not is_keyed:
        click.echo(UNKEYED_WORDS, err=True)
