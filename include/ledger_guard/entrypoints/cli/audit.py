"""`audit`: verify and export the audit log, and record its head elsewhere."""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ledger_guard import wiring
from ledger_guard.adapters.audit.audit_heads_file import add_head, read_heads
from ledger_guard.domain.audit_keys import MINIMUM_KEY_BYTES, parse_audit_keys
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.entrypoints.cli.audit_text import check_sentences, export_sentence
from ledger_guard.entrypoints.cli.person import by as by_option
from ledger_guard.use_cases.audit.audit_export import (
    ExportCheck,
    as_line,
    check_export,
    export_audit,
    missing_from_log,
    read_export,
)
from ledger_guard.use_cases.audit.audit_log import audit_head, use_audit_key, verify_audit
from ledger_guard.use_cases.flags.attested_freezes import take_as_lifted

_FAILED = 1
_FILE = click.Path(dir_okay=False, path_type=Path)


def _narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--tenant", "tenant_id", help="Only entries of this tenant.")(command)
    return click.option("--incident", "incident_id", help="Only entries of this incident.")(command)


def _without_key(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--without-key", is_flag=True, help="Do not check the marks made with keys.")(command)


@click.group()
def audit() -> None:
    """Verify or export the audit log."""


@audit.command()
@click.option("--heads", "heads_file", type=_FILE, help="A file of `audit export-head`: the log must still hold each head.")
@_without_key
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(context: click.Context, heads_file: Path | None, without_key: bool, as_json: bool) -> None:
    """Recompute the chain of every entry: exit 0 when it is intact, 1 with the first fault named.

    It finds edits, gaps, reordered entries and a cut or replaced end. With the key (LEDGER_GUARD_AUDIT_KEY) it also finds a log
    that was rewritten without the key; with --heads also a log that was cut together with its stored head.

    \b
    Examples:
      python -m ledger_guard audit verify --json
      python -m ledger_guard audit verify --heads /srv/audit/heads.jsonl
    """  # noqa: D301
    heads = () if heads_file is None else read_heads(heads_file)
    found = verify_audit(wiring.open_dependencies(), None if without_key else wiring.audit_keys(), heads)
    if as_json:
        click.echo(json.dumps({"is_whole": found.fault is None, **json_of(found)}, indent=2))
        if found.fault is not None:
            context.exit(_FAILED)
        return
    if found.fault is not None:
        raise LedgerInvariantError(f"audit log: {found.fault}")
    for sentence in check_sentences(found):
        click.echo(sentence)


@audit.command()
@_narrowing
def export(incident_id: str | None, tenant_id: str | None) -> None:
    """Print entries as JSON Lines, oldest first, each with its hash, the one before it, and its mark.

    `audit verify-export` checks such lines.

    \b
    Examples:
      python -m ledger_guard audit export --incident 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1 > incident.jsonl
      python -m ledger_guard audit export --tenant default_casino
    """  # noqa: D301
    tenant_id = None if tenant_id is None else checked_tenant_id(tenant_id)
    for entry in export_audit(wiring.open_dependencies(), incident_id, tenant_id):
        click.echo(as_line(entry))


@audit.command("verify-export")
@click.argument("file", type=click.File(encoding="utf-8"))
@_narrowing
@click.option("--offline", is_flag=True, help="Check only the lines; use no database.")
@_without_key
def verify_export(file: Any, incident_id: str | None, tenant_id: str | None, offline: bool, without_key: bool) -> None:
    """Check lines of `audit export` (`-`: standard input): exit 0 when all are valid, 1 with the first fault named.

    Each line must match its hash and its mark, and be in the log. With the same --incident or --tenant as the export, missing
    entries are found too. Offline, only the lines and the key are needed.

    \b
    Examples:
      python -m ledger_guard audit verify-export incident.jsonl --incident 6a0c4f9e-52cb-4c3e-9d6e-0d8ed4b0a9d1
      python -m ledger_guard audit verify-export --offline incident.jsonl
    """  # noqa: D301
    if offline and (incident_id or tenant_id):
        raise click.UsageError("--offline can't find missing entries of an incident or tenant: this needs the log")
    tenant_id = None if tenant_id is None else checked_tenant_id(tenant_id)
    found = ExportCheck()
    keys = None if without_key else wiring.audit_keys()
    lines = check_export(read_export(file, file.name), keys, found)
    if offline:
        missing = None
        deque(lines, maxlen=0)
    else:
        missing = missing_from_log(wiring.open_dependencies(), lines, incident_id, tenant_id)
    fault = found.fault or missing
    if fault is not None:
        raise LedgerInvariantError(f"{file.name}: {fault}")
    click.echo(export_sentence(found, is_in_log=not offline, is_mark_checked=keys is not None))


@audit.command("export-head")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def export_head(file: Path) -> None:
    """Add the log's head to FILE, one line (`-`: print it). Cheap: run it every few minutes, and keep FILE elsewhere.

    Exit 1 without adding anything when the log no longer holds FILE's last head.

    \b
    Example:
      python -m ledger_guard audit export-head /srv/audit/heads.jsonl
    """  # noqa: D301
    deps, keys = wiring.open_dependencies(), wiring.audit_keys()
    if str(file) == "-":
        click.echo(audit_head(deps, keys).line)
        return
    head = add_head(file, lambda earlier: audit_head(deps, keys, earlier))
    click.echo(f"entry {head.sequence}, {head.entry_hash}, was added to {file}")


@audit.command("new-key")
@click.argument("key_id")
def new_key(key_id: str) -> None:
    """Print a new key with this id for LEDGER_GUARD_AUDIT_KEY. It is not stored.

    Append it to the existing keys on every component, then run `audit use-key`. Keep old keys: they verify old entries.

    \b
    Example:
      python -m ledger_guard audit new-key 2026-03
    """  # noqa: D301
    text = f"{key_id}:{secrets.token_hex(MINIMUM_KEY_BYTES)}"
    parse_audit_keys(text, "audit new-key")
    click.echo(text)


@audit.command("use-key")
@by_option("Who adds the key.")
def use_key(by: str) -> None:
    """Mark the log's end with the newest key, in its own entry: from then on an unmarked end is a fault.

    Freezes lifted before the log had a key are accepted as lifted, and listed: the last time that rows alone count.

    \b
    Example:
      python -m ledger_guard audit use-key --by anna
    """  # noqa: D301
    if not by.strip():
        raise click.UsageError("--by is empty; name the person")
    keys = wiring.audit_keys()
    deps = wiring.open_dependencies()
    sequence, lifted_freezes = use_audit_key(deps, keys, by.strip()), take_as_lifted(deps, by.strip())
    newest = keys.newest.key_id if keys.newest else ""
    if sequence is None:
        click.echo(f"the log already ends with key {newest}")
    else:
        click.echo(f"from entry {sequence} on: key {newest}")
    for each in lifted_freezes:
        lifted = f"lifted by {each.lifted_by}: {each.root_cause}"
        click.echo(f"accepted as lifted before the key: freeze {each.freeze_id} of {each.flag}@{each.tenant_id}, {lifted}")
