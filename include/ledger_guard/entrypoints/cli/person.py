"""The option of every command that takes a person's name: no login proves it, so it is recorded as stated, not proved."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any

import click

from ledger_guard.domain.identities import NOT_PROVED, is_visible, stated

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def as_stated(_ctx: click.Context, _param: click.Parameter, given: str) -> str:
    """The name as it is recorded; of one that can't be seen nothing is left, for the use case to refuse as empty."""
    return stated(given) if is_visible(given) else ""


def by(who: str) -> Decorator:
    """`--by`, required. `who` says what the person does, in a sentence."""
    return click.option("--by", required=True, callback=as_stated, help=f"{who} Recorded as {NOT_PROVED}.")


actor = click.option(
    "--actor",
    default=getpass.getuser,
    show_default="your user name",
    callback=as_stated,
    help=f"Who does this, for the audit log. Recorded as {NOT_PROVED}.",
)
