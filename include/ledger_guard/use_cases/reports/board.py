"""board: everything the page shows, read from one snapshot of guard state. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledger_guard.domain.approvals import Approval
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.budgets import Used
from ledger_guard.domain.delegations import Delegation
from ledger_guard.domain.drills import LastDrill, last_drills
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState, Freeze
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.modes_on_record import RowMode, notable_modes
from ledger_guard.domain.money_at_risk import at_risk_now
from ledger_guard.domain.runs import DAG_IDS
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.stops import Stop, active_stop
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.approvals.budget import budget_used
from ledger_guard.use_cases.approvals.delegate import delegations_now
from ledger_guard.use_cases.approvals.held_up import held_up
from ledger_guard.use_cases.approvals.modes import modes_now
from ledger_guard.use_cases.approvals.orphaned_questions import orphans_among
from ledger_guard.use_cases.approvals.settle import what_settles
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand
from ledger_guard.use_cases.flags.watch_flags import flags_in_words
from ledger_guard.use_cases.reports.repairs import repairs_in_doubt

#: how many audit entries the page shows
AUDIT_ENTRIES = 10


@dataclass(frozen=True)
class TriggerState:
    """One trigger, as of its newest judged window."""

    trigger: Trigger
    #: as in `insufficient_funds`
    name: str
    description: str
    #: None when nothing was judged yet
    window: Window | None = None
    #: tenants of that window by severity
    tenants: Mapping[Severity, int] = field(default_factory=dict)
    #: the widest scope of its alarms; None without alarms
    scope: Scope | None = None
    #: tenants in alarm with their sentences, severe ones first
    alarms: tuple[Verdict, ...] = ()
    #: why the window could not be read; empty when it could
    no_data_reason: str = ""

    @property
    def severity(self) -> Severity:
        """The trigger as a whole: the worst alarm; else quiet if any tenant was judged; else why none was."""
        order = (Severity.SEVERE, Severity.MILD, Severity.NONE, Severity.INSUFFICIENT)
        return next((severity for severity in order if self.tenants.get(severity)), Severity.NO_DATA)


@dataclass(frozen=True)
class BoardState:
    """What the page shows."""

    #: wall-clock time: approvals, freezes and the audit log use it
    read_at: datetime
    #: event time: windows and incidents use it; differs from `read_at` only in a rehearsal
    event_now: datetime
    window_length: timedelta
    triggers: tuple[TriggerState, ...]
    #: not resolved, newest first
    incidents: tuple[Incident, ...]
    #: open questions whose run is still active, oldest first
    waiting: tuple[Approval, ...]
    freezes: tuple[Freeze, ...]
    #: newest first
    audit: tuple[AuditEntry, ...]
    #: per flag the global value (None where the store has none), then every tenant with a value of its own
    flags: tuple[FlagState, ...]
    #: why the flags could not be read; empty when they could
    flags_problem: str = ""
    #: whether this process has an audit key: without one, rows of guard state are trusted as they are
    is_keyed: bool = True
    #: what blocks runs from starting and questions from being answered, one sentence each
    held_up: tuple[str, ...] = ()
    #: how the flags differ from the guard's record: a sentence each, and whether it is a broken freeze
    flags_past_the_guard: tuple[tuple[str, bool], ...] = ()
    #: the stop that is active; None: the guard may write
    stop: Stop | None = None
    #: what may be written without a human, the hour's first
    budgets: tuple[Used, ...] = ()
    #: rows whose mode is not `act`, or not the policy's
    modes: tuple[RowMode, ...] = ()
    currency: str = "USD"
    #: `settling until … after …`; empty when nothing settles
    settling: str = ""
    #: repairs of the policy's days that did not hold, and tenants repaired again, a sentence each, newest first
    repairs: tuple[str, ...] = ()
    #: who answers instead of whom now
    delegations: tuple[Delegation, ...] = ()
    #: what each incident is about in its newest window in alarm, in words, by its id
    money_at_risk: Mapping[str, str] = field(default_factory=dict)
    #: of each trigger, in the policy's order
    drills: tuple[LastDrill, ...] = ()
    #: open questions of drills, oldest first; `waiting` has none of them
    waiting_drills: tuple[Approval, ...] = ()


def board(deps: Dependencies, scheduler: Scheduler | None = None) -> BoardState:
    """Read the board. Without a scheduler, the last check by a task counts for DAGs and runs.

    Raises:
        SourceUnavailable: guard state could not be read. Show that instead of the board: nothing is known.
    """
    paused, problem = _paused(scheduler)
    with deps.state.snapshot() as state:
        triggers = tuple(_trigger_state(deps, state, trigger) for trigger in deps.policy.triggers)
        incidents = tuple(state.incidents.listed(include_resolved=False))
        money = {incident.incident_id: _money_at_risk(deps, state, incident) for incident in incidents}
        waiting = tuple(state.approvals.waiting(deps.wall_clock.now()))
        freezes = tuple(freezes_that_stand(deps, state))
        is_keyed = state.audit.keys.newest is not None
        delegations = delegations_now(deps, state)
        audit, past = tuple(state.audit.latest(AUDIT_ENTRIES)), flags_in_words(deps, state)
        drills = last_drills(deps.policy.triggers, state.audit, deps.wall_clock.now(), deps.policy.drill.every)
        held, stop, budgets = held_up(deps, state, paused), active_stop(state.audit), budget_used(deps, state)
        settling, repairs = what_settles(deps, state), tuple(repairs_in_doubt(deps, state))
        modes = notable_modes(modes_now(deps, state))
    real = [each for each in waiting if not each.request.is_drill]
    orphans = orphans_among(real, scheduler) if scheduler is not None and paused is not None else []
    flags, flags_problem = _flags(deps)
    return BoardState(
        read_at=deps.wall_clock.now(),
        event_now=deps.clock.now(),
        window_length=timedelta(minutes=deps.policy.window_minutes),
        triggers=triggers,
        incidents=incidents,
        waiting=tuple(each for each in real if each not in orphans),
        freezes=freezes,
        audit=audit,
        flags=flags,
        flags_problem=flags_problem,
        is_keyed=is_keyed,
        held_up=(*problem, *held, *_without_a_run(len(orphans))),
        flags_past_the_guard=past,
        stop=stop,
        budgets=budgets,
        modes=modes,
        currency=deps.policy.platform.currency,
        settling=settling,
        repairs=repairs,
        delegations=delegations,
        money_at_risk=money,
        drills=tuple(drills),
        waiting_drills=tuple(each for each in waiting if each.request.is_drill),
    )


def _paused(scheduler: Scheduler | None) -> tuple[list[str] | None, tuple[str, ...]]:
    """Which DAGs are paused now, or None and the reason why this is not known."""
    if scheduler is None:
        return None, ()
    try:
        return [dag_id for dag_id in DAG_IDS if scheduler.is_paused(dag_id)], ()
    except SourceUnavailable as error:
        return None, (f"Which DAGs are paused and which runs have ended is not known now: {error}.",)


def _without_a_run(orphans: int) -> tuple[str, ...]:
    return (f"{orphans} open question(s) can't be answered: their runs have ended.",) if orphans else ()


def _trigger_state(deps: Dependencies, state: UnitOfWork, trigger: Trigger) -> TriggerState:
    name, description = deps.policy.trigger_name(trigger), deps.policy.trigger(trigger).description
    through = state.verdicts.judged_through(trigger)
    if through is None:
        return TriggerState(trigger, name, description)
    length = timedelta(minutes=deps.policy.window_minutes)
    window = Window(through - length, length)
    verdicts = state.verdicts.between(trigger, window.start, window.end)
    alarms = [verdict for verdict in verdicts if verdict.severity.is_alarm]
    sensed = state.readings.windows(trigger, window.start, window.end)
    return TriggerState(
        trigger=trigger,
        name=name,
        description=description,
        window=window,
        tenants=Counter(verdict.severity for verdict in verdicts),
        scope=_widest(alarms),
        alarms=tuple(sorted(alarms, key=lambda verdict: (verdict.severity is not Severity.SEVERE, verdict.tenant_id))),
        no_data_reason=sensed[-1].reason if sensed else "",
    )


def _money_at_risk(deps: Dependencies, state: UnitOfWork, incident: Incident) -> str:
    newest = Window(incident.last_alarm_window_start, timedelta(minutes=deps.policy.window_minutes))
    verdicts = state.verdicts.between(incident.trigger, newest.start, newest.end)
    return at_risk_now(verdicts, incident.tenants, deps.policy.platform.currency)


def _widest(alarms: list[Verdict]) -> Scope | None:
    if not alarms:
        return None
    return Scope.WIDESPREAD if any(alarm.scope is Scope.WIDESPREAD for alarm in alarms) else Scope.ISOLATED


def _flags(deps: Dependencies) -> tuple[tuple[FlagState, ...], str]:
    """The flag store may be another database: without it the rest of the board is still valid."""
    found: list[FlagState] = []
    try:
        for flag in deps.policy.flags:
            scopes = deps.flags.scopes(flag)
            if not any(scope.tenant_id == EVERYWHERE for scope in scopes):
                found.append(deps.flags.get(flag, EVERYWHERE))
            found.extend(scopes)
    except SourceUnavailable as error:
        return (), str(error)
    return tuple(found), ""
