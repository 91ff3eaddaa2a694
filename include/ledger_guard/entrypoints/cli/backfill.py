"""`backfill`: plan, force, verify and undo a tenant's wallet repair."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid
from ledger_guard.domain.pacing import Wanted
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.shown_text import lines_shown
from ledger_guard.entrypoints.cli.backfill_control import cancel, pause, resume
from ledger_guard.entrypoints.cli.backfill_script import run_script
from ledger_guard.entrypoints.cli.backfill_show import show
from ledger_guard.entrypoints.cli.backfill_text import plan_as_json, plan_lines, plan_with_summary
from ledger_guard.entrypoints.cli.keyed import say_if_unkeyed
from ledger_guard.entrypoints.cli.person import actor as actor_option
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill import dry_run as dry_running
from ledger_guard.use_cases.backfill import force as forcing
from ledger_guard.use_cases.backfill import verify as verifying
from ledger_guard.use_cases.backfill.dry_run_many import dry_run_many

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
_plan_id = click.option("--plan", "plan_id", required=True, metavar="ID", help="The plan's id, as `dry-run` printed it.")
_tenant_id = click.option("--tenant-id", required=True, metavar="T", help="Exactly one tenant; never empty, never a pattern.")


@click.group()
def backfill() -> None:
    """Repair wallets tenant by tenant: dry-run, force, verify, undo.

    \b
    Example:
      python -m ledger_guard backfill dry-run --tenant-id casino_7
      python -m ledger_guard backfill force --plan 7d0c…
      python -m ledger_guard backfill verify --tenant-id casino_7
    """  # noqa: D301


@backfill.command("dry-run")
@click.option(
    "--tenant-id", "tenant_ids", multiple=True, metavar="T", help="A tenant, never empty, never a pattern; may be repeated."
)
@click.option("--all-tenants", is_flag=True, help="Every tenant of the platform, one plan each.")
@click.option("--at-once", type=click.IntRange(1, 16), default=2, show_default=True, help="Most tenants at a time.")
@click.option("--mode", default="force", show_default=True, help="create-missing: missing rows only; force: differing rows too.")
@actor_option
@_as_json
def dry_run(tenant_ids: tuple[str, ...], all_tenants: bool, at_once: int, mode: str, actor: str, as_json: bool) -> None:
    """Compare players with wallets and store what force would change. Writes nothing to the platform.

    One tenant gives one plan; several or all give a list of plans, the most money first.

    \b
    Example: python -m ledger_guard backfill dry-run --tenant-id casino_7 --json
             python -m ledger_guard backfill dry-run --all-tenants --at-once 4
    """  # noqa: D301
    if all_tenants == bool(tenant_ids):
        raise BadInputError("dry-run: needs tenants; allowed: either --tenant-id T (may be repeated) or --all-tenants")
    deps = _deps()
    if len(tenant_ids) == 1:
        plan = dry_running.dry_run(deps, tenant_ids[0], mode, actor)
        _print(_summed_up(deps, plan) if as_json else plan_lines(plan))
        return
    found = dry_run_many(deps, None if all_tenants else tenant_ids, mode, actor, at_once)
    if as_json:
        _print({"plans": [plan_as_json(plan) for plan in found.plans], "failed": found.failed})
    else:
        _print([line for plan in found.plans for line in (*plan_lines(plan), "")])
    if found.failed:
        raise SourceUnavailable("; ".join(f"tenant {tenant}: no plan: {why}" for tenant, why in sorted(found.failed.items())))


@backfill.command()
@_plan_id
@click.option("--batch-size", type=click.IntRange(1, 100_000), help="Most rows a batch writes; default: the policy's.")
@actor_option
@_as_json
def force(plan_id: str, batch_size: int | None, actor: str, as_json: bool) -> None:
    """Write exactly the stored plan; exit code 3 when a safety rule refuses.

    Start a killed run again to continue where it stopped.

    \b
    Example: python -m ledger_guard backfill force --plan 7d0c… --json
    """  # noqa: D301
    deps = _deps()
    outcome = forcing.force(deps, plan_id, actor, batch_size)
    line = f"applied {outcome.applied}, drifted {outcome.drifted}, already applied {outcome.already_applied}"
    _print(asdict(outcome) if as_json else [line])
    say_if_unkeyed(deps)


@backfill.command()
@_tenant_id
@click.option("--plan", "plan_id", metavar="ID", help="Compare the tenant with this plan.")
@_as_json
def verify(tenant_id: str, plan_id: str | None, as_json: bool) -> None:
    """Compare a tenant again; exit code 1 while any wallet differs from the evidence.

    \b
    Example: python -m ledger_guard backfill verify --tenant-id casino_7
    """  # noqa: D301
    found = verifying.verify(_deps(), tenant_id, plan_id)
    as_data = {
        "tenant_id": tenant_id,
        "counts": asdict(found.counts),
        "is_clean": found.is_clean,
        "remaining": list(found.remaining),
        "planned_rows": [asdict(rows) for rows in found.planned_rows],
    }
    _print(as_data if as_json else ["clean" if found.is_clean else "not clean", *found.remaining])
    if not found.is_clean:
        raise SystemExit(1)


@backfill.command()
@_plan_id
@actor_option
@_as_json
def undo(plan_id: str, actor: str, as_json: bool) -> None:
    """Restore the before-values of a forced plan; needs a recorded approval (exit code 3 without).

    \b
    Example: python -m ledger_guard backfill undo --plan 7d0c…
    """  # noqa: D301
    deps = _deps()
    outcome = forcing.undo(deps, plan_id, actor)
    _print(asdict(outcome) if as_json else [f"restored {outcome.restored}, kept {outcome.kept}"])
    say_if_unkeyed(deps)


@backfill.command()
@click.option("--plan", "plan_id", metavar="ID", help="This plan.")
@click.option("--tenant-id", metavar="T", help="The tenant's newest plan.")
@_as_json
def status(plan_id: str | None, tenant_id: str | None, as_json: bool) -> None:
    """Show the progress of a plan.

    \b
    Example: python -m ledger_guard backfill status --tenant-id casino_7
    """  # noqa: D301
    if (plan_id is None) == (tenant_id is None):
        raise BadInputError("status: needs a plan or a tenant; allowed: exactly one of --plan ID and --tenant-id T")
    with _deps().state.transaction() as state:
        if plan_id is not None:
            plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        else:
            newest = state.plans.latest(checked_tenant_id(tenant_id))
            if newest is None:
                raise BadInputError(f"tenant {tenant_id}: has no plan; allowed: a tenant that `backfill dry-run` was run for")
            plan = newest
        rows = state.plans.row_counts(plan.plan_id)
        progress, order = state.backfill_orders.progress(plan.plan_id)[:1], state.backfill_orders.newest(plan.plan_id)
    if as_json:
        how_far = {"progress": [asdict(each) for each in progress], "wanted": order.wanted.value if order else "run"}
        _print({**plan_as_json(plan), "status": plan.status.value, "rows": rows, **how_far})
    else:
        states = ", ".join(f"{number} {state_name}" for state_name, number in sorted(rows.items())) or "none"
        told = [f"progress  {each.sentence()}" for each in progress]
        if order is not None and order.wanted is not Wanted.RUN:
            told.append(f"order     {order.wanted.value}, by {order.asked_by}: {order.reason}")
        _print([f"status    {plan.status.value}", f"rows      {states}", *told, *plan_lines(plan)])


for command in (run_script, pause, resume, cancel, show):
    backfill.add_command(command)


def _summed_up(deps: Dependencies, plan: Plan) -> dict[str, Any]:
    with deps.state.transaction() as state:
        return plan_with_summary(plan, state.plans.summary(plan.plan_id))


def _print(content: dict[str, Any] | list[str]) -> None:
    click.echo(json.dumps(content, indent=2, default=str) if isinstance(content, dict) else lines_shown(content))


def _deps() -> Dependencies:
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415

    return open_dependencies()
