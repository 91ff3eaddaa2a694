"""`backfill pause|resume|cancel`: orders for a running backfill, wherever it runs."""

from __future__ import annotations

import click

from ledger_guard.domain.pacing import Wanted
from ledger_guard.entrypoints.cli.person import actor as actor_option
from ledger_guard.use_cases.backfill.backfill_control import control_backfill

_plan_id = click.option("--plan", "plan_id", required=True, metavar="ID", help="The plan's id, as `dry-run` printed it.")
_reason = click.option("--reason", required=True, help="Why, in a sentence: others will read it.")


@click.command()
@_plan_id
@_reason
@actor_option
def pause(plan_id: str, reason: str, actor: str) -> None:
    """Pause the plan's backfill before its next batch, until it is resumed.

    \b
    Example: python -m ledger_guard backfill pause --plan 7d0c… --reason "checkout is slow"
    """  # noqa: D301
    _order(plan_id, Wanted.PAUSE, actor, reason)


@click.command()
@_plan_id
@actor_option
def resume(plan_id: str, actor: str) -> None:
    """Let a paused or cancelled backfill continue; one that has ended must be started again.

    \b
    Example: python -m ledger_guard backfill resume --plan 7d0c…
    """  # noqa: D301
    _order(plan_id, Wanted.RUN, actor, "")


@click.command()
@_plan_id
@_reason
@actor_option
def cancel(plan_id: str, reason: str, actor: str) -> None:
    """End the plan's backfill after the current batch. What was written stays in the journal and can be undone.

    \b
    Example: python -m ledger_guard backfill cancel --plan 7d0c… --reason "wrong tenant"
    """  # noqa: D301
    _order(plan_id, Wanted.CANCEL, actor, reason)


def _order(plan_id: str, wanted: Wanted, actor: str, reason: str) -> None:
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415

    order = control_backfill(open_dependencies(), plan_id, wanted, actor, reason)
    click.echo(f"plan {order.plan_id}: {order.wanted.value} from its next batch on")
