"""What was written to a tenant's wallets before a plan, and what of it counts as a repair."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.facts.backfill import PlanAdvanced
from ledger_guard.domain.facts.codec import SomeFact, told
from ledger_guard.domain.facts.repairs import RepairFollowed
from ledger_guard.domain.plans import PlanStatus
from ledger_guard.domain.repairs import Repair
from ledger_guard.domain.script_writes import KIND, VERB, ScriptWrite, script_writes
from ledger_guard.ports.guard_state import UnitOfWork


def script_runs(state: UnitOfWork) -> list[ScriptWrite]:
    """Every run of the platform's own script on record."""
    return script_writes(state.audit.of_kind(KIND, VERB), state.audit.keys)


def tenant_writes(state: UnitOfWork, tenant_id: str, since: datetime, now: datetime, plan_id: str) -> list[Repair]:
    """What other plans wrote to a tenant after `since`, undone ones and the platform's own script included.

    The plan that this one follows up in the same run is left out: both are one repair.
    """
    by_script = [run.as_repair(now) for run in script_runs(state) if run.tenant_id == tenant_id and run.rows]
    found = [*state.plans.repairs(since, tenant_id), *(each for each in by_script if each.ended_at > since)]
    own = (plan_id, followed(state, plan_id))
    return sorted((each for each in found if each.plan_id not in own), key=lambda each: each.ended_at)


def past_repairs(state: UnitOfWork, tenant_id: str, since: datetime, now: datetime, plan_id: str) -> list[Repair]:
    """As `tenant_writes`, without what was undone; a plan and the one that followed it up in the same run are one repair."""
    writes = tenant_writes(state, tenant_id, since, now, plan_id)
    found = {each.plan_id: each for each in writes if not is_undone(state, each.plan_id)}
    for each in list(found.values()):
        first = found.get(followed(state, each.plan_id) or "")
        if first is not None:
            found[first.plan_id] = first.with_follow_up(found.pop(each.plan_id))
    return sorted(found.values(), key=lambda each: each.ended_at)


def followed(state: UnitOfWork, plan_id: str) -> str | None:
    """The plan whose drifted rows this one is for; None: it follows none."""
    fact = newest_marked(state, f"plan:{plan_id}", RepairFollowed)
    return fact.follows if fact else None


def is_undone(state: UnitOfWork, plan_id: str) -> bool:
    """Whether the plan was undone to its end; where a key is set, by a marked entry."""
    advanced = newest_marked(state, f"plan:{plan_id}", PlanAdvanced, "undo")
    return advanced is not None and advanced.status is PlanStatus.UNDONE


def newest_marked(state: UnitOfWork, subject: str, kind: type[SomeFact], verb: str | None = None) -> SomeFact | None:
    """The newest fact of this kind about a subject; where a key is set, of marked entries alone."""
    keys = state.audit.keys
    for entry in reversed(state.audit.about(subject, (verb,) if verb else kind.verbs)):
        if (fact := told(entry.event, kind)) and (keys.newest is None or is_marked(entry, keys)):
            return fact
    return None
