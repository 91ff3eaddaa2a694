"""`rollout`'s commands that record something: freezes, overrides, rotations, deploys."""

from __future__ import annotations

from datetime import datetime

import click

from ledger_guard import wiring
from ledger_guard.domain.flags import EVERYWHERE, scope_words
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.entrypoints.cli.keyed import say_if_unkeyed
from ledger_guard.entrypoints.cli.person import by as by_option
from ledger_guard.use_cases.flags.freeze import freeze as open_freeze
from ledger_guard.use_cases.flags.override_freeze import end_override as end_freeze_override
from ledger_guard.use_cases.flags.record_deploy import record_deploy as record_platform_deploy
from ledger_guard.use_cases.remediation.plan_secret_rotation import complete_rotation, plan_one_rotation


@click.command()
@click.option("--flag", required=True, help="A flag of the policy.")
@click.option("--tenant-id", default=EVERYWHERE, show_default=True, help="One tenant; * freezes it for everyone.")
@click.option("--incident", "incident_id", help="The incident that it belongs to, if any.")
@click.option("--reason", required=True, help="Why nothing new may be enabled.")
@by_option("Who freezes it.")
def freeze(flag: str, tenant_id: str, incident_id: str | None, reason: str, by: str) -> None:
    """Block enabling a flag for anything new. What is on stays on.

    Only an approved run of flag_restore lifts it, with the root cause, its owner and link.

    \b
    Example:
      python -m ledger_guard rollout freeze --flag ledger_enforce_balance --reason "drift not understood" --by anna
    """  # noqa: D301
    deps = wiring.open_dependencies()
    found = open_freeze(deps, flag, tenant_id, incident_id, reason, by)
    click.echo(f"frozen: {flag} for {scope_words(tenant_id)} since {iso(found.opened_at)} ({found.freeze_id})")
    say_if_unkeyed(deps)


@click.command("end-override")
@click.option("--override", "override_id", required=True, help="Id of an active override, as `rollout status` shows it.")
@by_option("Who ends it.")
def end_override(override_id: str, by: str) -> None:
    """End an override before it expires. A tenant enabled with it stays enabled.

    \b
    Example:
      python -m ledger_guard rollout end-override --override 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --by anna
    """  # noqa: D301
    found = end_freeze_override(wiring.open_dependencies(), override_id, by)
    click.echo(f"ended: the override of {found.flag} for {scope_words(found.tenant_id)}")


@click.command("plan-rotation")
@click.option("--provider", required=True, help="A provider of the policy's secrets.names.")
@click.option("--owner", required=True, help="Who is responsible for it.")
@by_option("Who plans it.")
@click.option("--incident", "incident_id", help="The incident that it belongs to.")
def plan_rotation(provider: str, owner: str, by: str, incident_id: str | None) -> None:
    """Plan the rotation of a provider's secret: steps, owner, due time and overlap go on record.

    Refused (exit 3) while a rotation of the same secret is pending or still overlaps.

    \b
    Example:
      python -m ledger_guard rollout plan-rotation --provider mockpsp --owner payments-lead --by anna
    """  # noqa: D301
    plan = plan_one_rotation(wiring.open_dependencies(), provider, incident_id, owner, by)
    click.echo(f"planned: rotation {plan.rotation_id} of {plan.secret_name} by {plan.owner}, due {iso(plan.due_at)}")
    for number, step in enumerate(plan.steps, start=1):
        click.echo(f"  {number}. {step}")


@click.command()
@click.option("--rotation", "rotation_id", required=True, help="Id of a pending rotation, as `rollout status` shows it.")
@by_option("Who rotated the secret.")
def rotated(rotation_id: str, by: str) -> None:
    """Record that a planned secret rotation is done.

    \b
    Example:
      python -m ledger_guard rollout rotated --rotation 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 --by payments-lead
    """  # noqa: D301  click needs the backspace character itself
    plan = complete_rotation(wiring.open_dependencies(), rotation_id, by)
    click.echo(f"recorded: {plan.secret_name} of {plan.provider} was rotated by {by}")


@click.command("record-deploy")
@click.option("--version", required=True, help="What was deployed: a tag, a commit.")
@click.option("--at", "deployed_at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]), help="When, UTC; now unless given.")
@by_option("Who, or which pipeline, records it.")
def record_deploy(version: str, deployed_at: datetime | None, by: str) -> None:
    """Record a deploy of the platform: signature failures that begin within two hours are compared with it.

    \b
    Example:
      python -m ledger_guard rollout record-deploy --version v2.3 --at 2026-03-01T11:40:00Z --by deploy-pipeline
    """  # noqa: D301
    moment = deployed_at.replace(tzinfo=UTC) if deployed_at else None
    found = record_platform_deploy(wiring.open_dependencies(), version, moment, by)
    click.echo(f"recorded: deploy {found.version} at {iso(found.deployed_at)}")
