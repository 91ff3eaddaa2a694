"""`audit`: prove that the audit log is whole, and hand its entries on."""

from __future__ import annotations

import json

import click

from ledger_guard import wiring
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.use_cases.audit_log import as_line, export_audit, verify_audit

_FAILED = 1


@click.group()
def audit() -> None:
    """Verify or export the audit log."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Recompute the chain of every entry: exit 0 when it is whole, 1 with the first fault named.

    Edits, gaps, reordered entries and a cut or replaced end are found.

    \b
    Example:
      python -m ledger_guard audit verify --json
    """  # noqa: D301
    found = verify_audit(wiring.open_guard())
    if as_json:
        shown = {"is_whole": found.fault is None, "entries": found.entries, "head_hash": found.head_hash, "fault": found.fault}
        click.echo(json.dumps(shown, indent=2))
        if found.fault is not None:
            context.exit(_FAILED)
        return
    if found.fault is not None:
        raise LedgerInvariantError(f"audit log: {found.fault}")
    click.echo(f"whole: {found.entries} entries, the last one {found.head_hash}")


@audit.command()
@click.option("--incident", "incident_id", help="Only entries of this incident.")
@click.option("--tenant", "tenant_id", help="Only entries of this tenant.")
def export(incident_id: str | None, tenant_id: str | None) -> None:
    """Print entries as JSON Lines, oldest first, each with its hash and the one before it.

    \b
    Examples:
      python -m ledger_guard audit export --incident 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 > incident.jsonl
      python -m ledger_guard audit export --tenant default_casino
    """  # noqa: D301
    tenant_id = None if tenant_id is None else checked_tenant_id(tenant_id)
    for entry in export_audit(wiring.open_guard(), incident_id, tenant_id):
        click.echo(as_line(entry))
