"""What the platform's own script writes, as budgets and later repairs count it: from the audit log alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.budgets import BeingWritten, Written
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.script_writes import ScriptWriteBegun, ScriptWriteEnded
from ledger_guard.domain.money import Cents
from ledger_guard.domain.repairs import Repair

#: kind of the subjects of these entries, and their verb
KIND, VERB = "script", "script_writes"


@dataclass(frozen=True)
class ScriptWrite:
    """One run of the script that may write."""

    plan_id: str
    tenant_id: str
    actor: str
    began_at: datetime
    #: the process is gone by then, whatever happened
    until: datetime
    #: what it wrote; while it runs, or where that is not known, the whole plan
    rows: int
    cents: Cents
    #: None: not on record
    ended_at: datetime | None = None

    def runs(self, now: datetime) -> bool:
        """Whether it may still write."""
        return self.ended_at is None and now <= self.until

    def last_write(self, now: datetime) -> datetime:
        """When it wrote last, at the latest."""
        return self.began_at if self.runs(now) else self.ended_at or self.until

    def as_repair(self, now: datetime) -> Repair:
        """As what it did to its tenant."""
        return Repair(self.plan_id, self.tenant_id, self.began_at, self.last_write(now), self.rows, self.cents, self.actor)


def script_writes(entries: Iterable[AuditEntry], keys: AuditKeys) -> list[ScriptWrite]:
    """All runs of the script on record, in order. Where a key is set, only a marked entry ends one."""
    found: dict[str, list[ScriptWrite]] = {}
    for entry in entries:
        event = entry.event
        if begun := told(event, ScriptWriteBegun):
            run = ScriptWrite(
                begun.plan_id, event.tenant_id or "", event.actor, event.at, begun.until, max(begun.rows, 0), max(begun.cents, 0)
            )
            found.setdefault(begun.plan_id, []).append(run)
        elif (ended := told(event, ScriptWriteEnded)) and (keys.newest is None or is_marked(entry, keys)):
            runs = found.get(ended.plan_id, [])
            if runs and runs[-1].ended_at is None:
                rows, cents = (ended.written_rows, ended.written_cents) if ended.is_known else (runs[-1].rows, runs[-1].cents)
                runs[-1] = replace(runs[-1], ended_at=event.at, rows=rows, cents=cents)
    return sorted((run for runs in found.values() for run in runs), key=lambda run: run.began_at)


def written_by_script(runs: Iterable[ScriptWrite], since: datetime, now: datetime) -> Iterator[Written]:
    """What runs that have ended wrote after a moment."""
    for run in runs:
        if not run.runs(now) and run.rows and run.last_write(now) > since:
            yield Written(run.last_write(now), run.tenant_id, run.rows, run.cents)


def being_written_by_script(runs: Iterable[ScriptWrite], now: datetime, without: str) -> Iterator[BeingWritten]:
    """What runs that may still write have reserved, without one plan's."""
    for run in runs:
        if run.runs(now) and run.plan_id != without:
            yield BeingWritten(run.tenant_id, run.rows, run.cents)
