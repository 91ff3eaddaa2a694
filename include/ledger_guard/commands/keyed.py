"""What a command that wrote says where no audit key is set."""

from __future__ import annotations

import click

from ledger_guard.domain.attestations import UNKEYED_WORDS


def say_if_unkeyed() -> None:
    """Say on stderr that this process has no audit key; nothing where it has one."""
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import audit_keys  # noqa: PLC0415

    if audit_keys().newest is None:
        click.echo(UNKEYED_WORDS, err=True)
