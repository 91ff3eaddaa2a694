"""`backfill pause|resume|cancel`: orders for a backfill that runs somewhere."""

from __future__ import annotations

import getpass

import click

from ledger_guard.domain.pacing import Wanted
from ledger_guard.use_cases.backfill.backfill_control import control_backfill

_plan_id = click.option("--plan", "plan_id", required=True, metavar="ID", help="The plan's id, as `dry-run` printed it.")
_actor = click.option("--actor", default=getpass.getuser, show_default="your user name", help="Who does this, for the audit log.")
_reason = click.option("--reason", required=True, help="Why, in a sentence: whoever waits will read it.")


@click.command()
@_plan_id
@_reason
@_actor
def pause(plan_id: str, reason: str, actor: str) -> None:
    """Let the plan's backfill wait before its next batch, until it is resumed.

    \b
    Example: python -m ledger_guard backfill pause --plan 7d0c… --reason "checkout is slow"
    """  # noqa: D301
    _order(plan_id, Wanted.PAUSE, actor, reason)


@click.command()
@_plan_id
@_actor
def resume(plan_id: str, actor: str) -> None:
    """Let a paused or cancelled backfill go on; one that has ended has to be started again.

    \b
    Example: python -m ledger_guard backfill resume --plan 7d0c…
    """  # noqa: D301
    _order(plan_id, Wanted.RUN, actor, "")


@click.command()
@_plan_id
@_reason
@_actor
def cancel(plan_id: str, reason: str, actor: str) -> None:
    """End the plan's backfill after the batch at hand; what was done stays journaled and can be undone.

    \b
    Example: python -m ledger_guard backfill cancel --plan 7d0c… --reason "wrong tenant"
    """  # noqa: D301
    _order(plan_id, Wanted.CANCEL, actor, reason)


def _order(plan_id: str, wanted: Wanted, actor: str, reason: str) -> None:
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415

    order = control_backfill(open_dependencies(), plan_id, wanted, actor, reason)
    click.echo(f"plan {order.plan_id}: {order.wanted.value} from its next batch on")
