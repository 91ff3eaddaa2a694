"""What the audit log records: each kind has one JSON form, comes back from it as it was, and reads what earlier versions left."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import replace
from datetime import datetime

import pytest

import ledger_guard.domain.facts
from ledger_guard.domain.audit import AuditEvent, chained
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.facts.approvals import (
    ApprovalAnswered,
    ApprovalEscalated,
    ApprovalRequested,
    ApprovalVerified,
    ApprovalVoided,
    ApprovalWithdrawn,
    GlassBroken,
)
from ledger_guard.domain.facts.attested import AttestedRow
from ledger_guard.domain.facts.backfill import (
    BackfillOrdered,
    BatchAnnounced,
    BatchWritten,
    PlanAdvanced,
    PlanMade,
    PlanReviewed,
    PlayerGroup,
    ScriptFinished,
    ScriptInterrupted,
    ScriptNotCompared,
    ScriptRehearsed,
    ScriptRun,
    ScriptStarted,
    TenantCompared,
    WriteRefused,
)
from ledger_guard.domain.facts.codec import Fact, json_of, recorded, told, told_for_certain
from ledger_guard.domain.facts.delegations import Delegated, DelegationWithdrawn
from ledger_guard.domain.facts.drills import DrillBegun, DrillEnded, DrillJudged, DrillRequested, DrillTold
from ledger_guard.domain.facts.flags import (
    ChangeConfirmed,
    FlagFrozen,
    FlagWriteFailed,
    FlagWriteIntended,
    FreezeLifted,
    OverrideEnded,
    OverrideGranted,
    Restored,
    RollbackAsked,
    RollbackReminded,
    RollbackWithheld,
    RolledBack,
)
from ledger_guard.domain.facts.incidents import (
    CaseTaken,
    Decided,
    IncidentClosed,
    LateData,
    MissingVerdictsTold,
    NoRotationNeeded,
    ReviewRequested,
    RotationCompleted,
    RotationPlanned,
    RotationPlannedByHand,
    RotationRefused,
    SecretsChecked,
    Triaged,
    WindowsJudged,
)
from ledger_guard.domain.facts.modes import HeldInShadow, ModeLowered, ModeRaised, ModesSeen
from ledger_guard.domain.facts.past_the_guard import (
    ChangedPastTheGuard,
    FlagChangesTold,
    FlagNotRead,
    FlagReadAgain,
    FlagValuesSeen,
    FreezeBreachEnded,
)
from ledger_guard.domain.facts.records import (
    DeployRecorded,
    FileIngested,
    KeyUsed,
    LogLost,
    NoticeFailed,
    NoticeHeld,
    NoticePosted,
    PartitionDropped,
    SourceAdvanced,
    WindowsSensed,
)
from ledger_guard.domain.facts.repairs import RepairCompared, RepairedAgain, RepairFollowed
from ledger_guard.domain.facts.script_writes import ScriptWriteBegun, ScriptWriteEnded
from ledger_guard.domain.facts.stops import GuardReleased, GuardStopped
from ledger_guard.domain.facts.wake import (
    CallAcknowledged,
    CallEnded,
    CallFailed,
    CallsSilenced,
    PeopleCalled,
    SilenceEnded,
)
from ledger_guard.domain.flag_values import FlagValue
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.pacing import Wanted
from ledger_guard.domain.plans import BackfillMode, PlanStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import UTC

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRECISELY = NOON.replace(microsecond=250_000)
ROW = AttestedRow("plan", "p-1", "d" * 64, {"tenant_id": "0" * 16})
RUN = ScriptRun(command=("backfill", "--force"), end="exited", exit_code=0, milliseconds=12, output=("done",), lines_dropped=0)
QUESTION = {"kind": "backfill_force", "subject_id": "p-1", "run_id": "manual__1"}

SAMPLES: list[Fact] = [
    PlanMade(
        plan_hash="h",
        mode=BackfillMode.FORCE,
        counts={"missing": 1},
        cents={"created": 5},
        players=3,
        guardrails_exceeded=("rows",),
        flag_state={"ledger_enforce_balance": None},
        policy_hash="q",
        expires_at=PRECISELY,
        attested=(ROW,),
        unkeyed=True,
    ),
    PlanReviewed(plan_hash="h", is_empty=False, needs_approval=True, why=("rows: 9; allowed: 5",)),
    WriteRefused(refused="needs an approval", plan_hash="h"),
    BackfillOrdered(wanted=Wanted.PAUSE, reason="checkout is slow", plan_hash="h"),
    BatchAnnounced(plan_hash="h", announced=2, images="d", transaction="811"),
    BatchWritten(plan_hash="h", applied=2, drifted=0, after_player_id="", last_player_id="p2", images="d"),
    BatchWritten(plan_hash="h", restored=2, kept=0, after_player_id="", last_player_id="p2", images="d"),
    PlanAdvanced(plan_hash="h", status=PlanStatus.FORCED, applied=2, drifted=0, unkeyed=True),
    TenantCompared(counts={"missing": 0}, players=3, is_clean=True, remaining=()),
    ScriptRehearsed(step="dry_run", run=RUN, plan_hash="h"),
    ScriptStarted(step="started", mode="force", plan_hash="h"),
    ScriptWriteBegun(plan_id="p", rows=2, cents=300, until=NOON, unkeyed=True),
    ScriptWriteEnded(plan_id="p", is_known=True, written_rows=2, written_cents=300),
    RepairFollowed(follows="p", plan_hash="h"),
    RepairedAgain(earlier=("p",), repairs=("4 rows", "2 rows"), between=("not known",), wallets_again=None, plan_hash="h"),
    RepairCompared(hours=(1, 24), repaired_at=NOON, players=4, wrong=1, wrong_cents=500, currency="USD", plan_hash="h"),
    ScriptInterrupted(step="interrupted", by="KeyboardInterrupt", not_compared="batches may be written", plan_hash="h"),
    ScriptNotCompared(step="finished", run=RUN, not_compared="the database is away", plan_hash="h"),
    ScriptFinished(
        step="finished",
        plan_hash="h",
        plan_id="p-1",
        tenant_id="t",
        is_done=False,
        problems=("1 wallet altered",),
        remarks=(),
        changes={"applied": PlayerGroup(players=1, some=("p1",))},
        other_tenants_changed=None,
        dry_run=RUN,
        run=RUN,
    ),
    FlagFrozen(freeze_id="f-1", reason="rolled back", opened_by="anna", opened_at=PRECISELY),
    FreezeLifted(flag="f", scope="*", from_before_the_key=True, attested=(ROW,)),
    OverrideGranted(stage="granted", override_id="o-1", reason="pilot", expires_at=NOON, freezes=("f-1",), attested=(ROW,)),
    OverrideEnded(stage="ended", override_id="o-1"),
    FlagWriteIntended(
        stage="intended",
        approval_id="a-1",
        approved_by="lead",
        is_break_glass=False,
        from_value=None,
        to_value=False,
        before={"*": (True, 4), "t": (None, 0)},
        run_id="manual__1",
    ),
    FlagWriteFailed(stage="refused", why="frozen", run_id="manual__1"),
    FlagWriteFailed(stage="failed", why="the store is away", run_id="manual__1"),
    RolledBack(stage="done", approval_id="a-1", approved_by="lead", to_value=False, scopes=("*",), freeze_id="f-1"),
    Restored(
        stage="done",
        approval_id="a-1",
        scopes=(),
        lifted_freezes=("f-1",),
        root_cause="a bug",
        overrides=(),
        validation={"by": "probe", "status": 200},
        quiet_by_attempts={},
        watched_from=NOON,
    ),
    RollbackReminded(change_id="c-1", rolled_back_at=NOON),
    RollbackAsked(change_id="c-1", action_id="x-1", evidence="T1 rose again"),
    RollbackWithheld(change_id="c-1", withheld="players are short of funds", evidence="T1 rose again"),
    ChangeConfirmed(change_id="c-1", status="confirmed", finding="", wanted=True, serves=None, disagreeing_scopes=("t",)),
    WindowsJudged(
        trigger="T1",
        judged_windows=1,
        change=Change.OPENED,
        incident_id="i-1",
        severity=Severity.SEVERE,
        scope=Scope.ISOLATED,
        window_start=NOON,
        blind_windows=0,
        judged_again=2,
        verdicts_changed=1,
        judged_through=NOON,
        verdicts_of_newest_window={"severe": 1},
        late_data=LateData(since=NOON, windows_revised=(NOON,), severities_changed=1, first_changes=("t: none, now mild",)),
    ),
    Decided(branch="remediate", actions=("triage",), incident_id="i-1", remediation_run_id="r", change="opened", policy_hash="q"),
    CaseTaken(run_id="r", actions=("triage",), severity="severe", scope="isolated", by_hand=False),
    Triaged(conclusion="short of funds in 1 of 1 tenants.", tenants={"t": "short of funds"}),
    SecretsChecked(
        incident_id="i-1",
        likeliest_cause="not known",
        cause_kind="not_known",
        findings=({"name": "STRIPE_WEBHOOK_SECRET", "is_present": True},),
        unread=("the access log is away",),
    ),
    MissingVerdictsTold(triggers=("T1",), sentences=("T1: no verdict has been produced yet.",)),
    RotationPlanned(provider="stripe", secret_name="S", owner="ops", due_at=PRECISELY, was_planned_before=False),
    RotationRefused(stage="refused", why=("one is pending",)),
    NoRotationNeeded(planned=0, failing_without_a_secret=("acme",)),
    RotationCompleted(provider="stripe", secret_name="S", planned_at=PRECISELY),
    ReviewRequested(topics=("secret",), owner="ops", runbook_says="rotate it"),
    IncidentClosed(reason="a false alarm", was="open", newest_readable_window=None, unfinished_actions=("backfill t",)),
    ApprovalRequested(
        **QUESTION,
        subject_hash="h",
        approvers=("lead",),
        approvers_needed=1,
        ordinal=1,
        incident_state="",
        expires_at=PRECISELY,
        proposal="write 3 rows",
        attested=(ROW,),
    ),
    ApprovalVoided(asked_again_as="a-2", unkeyed=True),
    ApprovalWithdrawn(**QUESTION, reason="its run has ended"),
    ApprovalEscalated(kind="backfill_force", subject_id="p-1", approvers=("lead",), expires_at=PRECISELY),
    ApprovalAnswered(
        kind="backfill_force",
        subject_id="p-1",
        answer="approved",
        answered_at=PRECISELY,
        reason="read it",
        refusals=(),
        ordinal=1,
        answered_by_unknown="no name came with it",
        attested=(ROW,),
    ),
    ApprovalVerified(**QUESTION, permitted=False, refusals=("it expired",)),
    GlassBroken(**QUESTION, subject_hash="h", reason="nobody answers", proposal="write 3 rows", refused="", attested=(ROW, ROW)),
    PartitionDropped(
        table="verdict",
        partition="verdict_20260301",
        starts=NOON,
        ends=NOON,
        size_bytes=8192,
        kept_days=7,
        policy_hash="h",
    ),
    WindowsSensed(trigger="T1", windows=1, no_data=0, revised=0, sensed_through=NOON),
    LogLost(ingest_id="i1", file="access.log", read_bytes=100, seen_bytes=140),
    FileIngested(
        ingest_id="g-1",
        file="access.log",
        sha256="d",
        mapping="nginx",
        lines=2,
        accepted=1,
        already_known=0,
        rejected=1,
        kept_rejects=1,
        first_event=NOON,
        last_event=None,
        first_reject="line 2: no time",
    ),
    SourceAdvanced(stated=NOON, complete_through=NOON),
    NoticePosted(title="T1 severe", channel="C1", ts="1.2"),
    NoticeFailed(title="T1 severe", error="the channel is away"),
    NoticeHeld(title="T1 severe", summary="two tenants"),
    DeployRecorded(version="v2", deployed_at=NOON),
    KeyUsed(key_id="k-2", replaces=None),
    Delegated(delegation_id="d-1", to="boris", until=NOON, reason="on a plane", is_proved=True),
    DelegationWithdrawn(delegation_id="d-1", reason="back again", is_proved=True),
    FlagValuesSeen(stage="seen", values={"*": FlagValue.ON, "t": FlagValue.NOT_KNOWN}),
    ChangedPastTheGuard(
        stage="changed",
        scopes=("*", "t"),
        from_value=FlagValue.OFF,
        to_value=FlagValue.ON,
        enables=True,
        changed_by="mallory",
        changed_at=PRECISELY,
    ),
    FlagChangesTold(stage="told", changes=(7,), is_alarm=True),
    FreezeBreachEnded(stage="ended", change=7, how="is off again"),
    FlagNotRead(stage="not_read", why="the store is away"),
    FlagReadAgain(stage="read_again"),
    GuardStopped(reason="paid twice", is_proved=False),
    DrillRequested(trigger="T1", canary_id="c", is_proved=False, ends_by=PRECISELY),
    DrillBegun(run_id="drill__1"),
    DrillJudged(severity="severe", scope="isolated", is_alarm=True, sentence="a rise", actions=("notify",)),
    DrillTold(title="DRILL · classify"),
    DrillEnded(outcome="answered", sentence="approved", answer="approved", answered_by="anna", answered_at=PRECISELY),
    DrillEnded(outcome="timed_out", sentence="no one", answer=None, answered_by=None, answered_at=None),
    GuardReleased(reason="a test", is_proved=True, stopped_by="anna"),
    ModesSeen(modes={"T1 mild": Mode.PROPOSE, "T3 severe": Mode.ACT}, policy_hash="abc"),
    ModeLowered(row="T3 severe", was=Mode.ACT, to=Mode.PROPOSE, reason="plan p was undone", is_proved=True, is_by_guard=True),
    ModeRaised(row="T3 severe", was=Mode.PROPOSE, to=Mode.ACT, reason="the cause was found", is_proved=True),
    PeopleCalled(pager="oncall", stage="T1 severe isolated", is_done=False),
    CallFailed(pager="oncall", stage="T1 severe isolated", error="PagerDuty did not answer within 20 s"),
    CallEnded(pagers=("oncall", "lead"), why="over"),
    CallAcknowledged(stage="T1 severe isolated", how="command line", is_proved=False),
    CallsSilenced(
        silence_id="s-1", ends_at=PRECISELY, reason="a load test", triggers=("T1",), tenants=("acme",), is_proved=False
    ),
    SilenceEnded(silence_id="s-1", reason="the test is over", is_proved=False),
    HeldInShadow(row="T1 severe widespread", action="roll_back", target="ledger_enforce_balance"),
]


def kinds() -> set[type[Fact]]:
    """Every kind that an entry can tell; what only others build on has no verb of its own, or is built on."""
    for module in pkgutil.iter_modules(ledger_guard.domain.facts.__path__):
        importlib.import_module(f"{ledger_guard.domain.facts.__name__}.{module.name}")
    found, waiting = set(), [Fact]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        found.update(each for each in below if not each.__subclasses__())
    return found | {RotationPlanned}


def event_of(fact: Fact) -> AuditEvent:
    event = recorded(fact, actor="anna", subject="x", at=NOON)
    return replace(event, detail=json.loads(json.dumps(event.detail, allow_nan=False)))


def old(verb: str, detail: dict[str, object]) -> AuditEvent:
    return AuditEvent(verb, "anna", "x", detail, NOON)


@pytest.mark.parametrize("fact", SAMPLES, ids=lambda fact: type(fact).__name__)
def test_a_fact_comes_back_from_the_log_as_it_was_and_as_nothing_else(fact):
    event = event_of(fact)
    assert told(event, type(fact)) == fact
    assert {kind for kind in kinds() - {RotationPlannedByHand} if told(event, kind)} == {type(fact)}


def test_a_rotation_planned_by_hand_is_due_to_the_second_and_reads_as_any_other():
    by_hand = RotationPlannedByHand(provider="stripe", secret_name="S", owner="ops", due_at=NOON)
    assert event_of(by_hand).detail["due_at"] == "2026-03-01T12:00:00Z"
    found = told(event_of(by_hand), RotationPlanned)
    assert (found.provider, found.secret_name, found.owner, found.due_at) == ("stripe", "S", "ops", NOON)


def test_every_kind_of_fact_has_a_sample_here():
    assert kinds() - {type(fact) for fact in SAMPLES} == {RotationPlannedByHand}


def test_what_is_not_recorded_has_no_key():
    assert json_of(FlagFrozen(freeze_id="f-1", reason="rolled back")) == {"freeze_id": "f-1", "reason": "rolled back"}


def test_what_is_nothing_keeps_its_key():
    assert json_of(KeyUsed(key_id="k-1", replaces=None)) == {"key_id": "k-1", "replaces": None}


def test_times_keep_the_text_that_each_entry_has_them_in():
    assert event_of(SAMPLES[0]).detail["expires_at"] == "2026-03-01T12:00:00.250000+00:00"
    assert json_of(SourceAdvanced(stated=NOON, complete_through=NOON))["stated"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (old("force", {"refused": "needs an approval"}), WriteRefused(refused="needs an approval")),
        (old("force", {"wanted": "pause", "reason": "slow"}), BackfillOrdered(wanted=Wanted.PAUSE, reason="slow")),
        (
            old("force", {"applied": 1, "drifted": 0, "after_player_id": "p3", "last_player_id": "p9"}),
            BatchWritten(applied=1, drifted=0, after_player_id="p3", last_player_id="p9"),
        ),
        (old("freeze", {"freeze_id": "f-1", "reason": "old"}), FlagFrozen(freeze_id="f-1", reason="old")),
        (
            old("restore", {"stage": "done", "approved_by": "lead", "lifted_freezes": ["f-1"], "root_cause": "a bug"}),
            Restored(stage="done", approved_by="lead", lifted_freezes=("f-1",), root_cause="a bug"),
        ),
        (
            old("roll_back", {"stage": "intended", "approval_id": "a-1", "from_value": True, "before": {"*": [True, 1]}}),
            FlagWriteIntended(stage="intended", approval_id="a-1", from_value=True, before={"*": (True, 1)}),
        ),
        (old("decide", {"run_id": "r"}), CaseTaken(run_id="r")),
        (old("complete_rotation", {"secret_name": "S"}), RotationCompleted(secret_name="S")),
        (
            old(
                "classify",
                {
                    "trigger": "T1",
                    "judged_windows": 1,
                    "change": "quiet",
                    "incident_id": None,
                    "severity": "none",
                    "scope": "isolated",
                    "window_start": None,
                    "blind_windows": 0,
                },
            ),
            WindowsJudged(
                trigger="T1",
                judged_windows=1,
                change=Change.QUIET,
                incident_id=None,
                severity=Severity.NONE,
                scope=Scope.ISOLATED,
                window_start=None,
                blind_windows=0,
            ),
        ),
    ],
    ids=lambda given: given.verb if isinstance(given, AuditEvent) else type(given).__name__,
)
def test_what_an_earlier_version_recorded_with_fewer_keys_is_read(event, fact):
    assert told(event, type(fact)) == fact


def test_what_a_later_version_records_with_more_keys_is_read():
    assert told(old("triage", {"conclusion": "c", "tenants": {}, "sureness": 0.9}), Triaged) == Triaged(
        conclusion="c", tenants={}
    )


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(old("verify", {"conclusion": "c", "tenants": {}}), id="another verb"),
        pytest.param(old("triage", {"conclusion": "c"}), id="a key less"),
        pytest.param(old("triage", {"conclusion": "c", "tenants": "all"}), id="another type"),
        pytest.param(old("triage", {}), id="nothing"),
    ],
)
def test_what_can_not_be_read_as_the_fact_asked_for_is_none(event):
    assert told(event, Triaged) is None


def test_where_going_on_would_be_unsafe_an_entry_that_can_not_be_read_stops_it():
    entry = chained(7, old("freeze", {"reason": "no id"}), "0" * 64)
    with pytest.raises(LedgerInvariantError, match=r"audit entry 7 \(freeze\) can't be read"):
        told_for_certain(entry, FlagFrozen)


def test_a_fact_is_not_recorded_under_a_verb_that_does_not_tell_it():
    with pytest.raises(ValueError, match="WriteRefused is not recorded by 'verify'; allowed: force, undo, run_script"):
        recorded(WriteRefused(refused="no"), actor="anna", subject="x", at=NOON, verb="verify")
