"""A severe incident and a waiting question call people until somebody takes it; mild never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.adapters.memory.pager import InMemoryPager
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.audit import chained
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKey, AuditKeys
from ledger_guard.domain.errors import BadInputError, NotificationFailed, PagingFailed, SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.wake import CallEnded, PeopleCalled
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.wake import WakeRules
from ledger_guard.use_cases.approvals import remind_and_call
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import request_approval
from ledger_guard.use_cases.health_check.announce import announce
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.wake import call_people as calling
from ledger_guard.use_cases.wake.acknowledge import acknowledge, end_silence, silence, silences
from ledger_guard.use_cases.wake.call_people import call_people
from ledger_guard.use_cases.wake.status import calls_now, try_pager

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
INCIDENT = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11"
KEY = f"incident:{INCIDENT}"
PAGER = {"kind": "pagerduty", "connection": "pagerduty"}
RULES = {
    "pagers": {"oncall": PAGER, "lead": PAGER, "office": PAGER},
    "routes": [
        {"tenants": ["quiet"], "steps": [{"call": ["office"]}]},
        {"steps": [{"call": ["oncall"]}, {"after_minutes": 15, "call": ["lead"]}]},
    ],
}


class World:
    """A guard in memory with three pagers."""

    def __init__(self, rules=RULES, keys=NO_KEYS) -> None:
        policy = load_policy().model_copy(update={"wake": WakeRules.model_validate(rules)})
        self.world = memory_world(policy, NOW, keys)
        self.pagers = {name: InMemoryPager() for name in policy.wake.pagers}
        self.deps = replace(self.world.deps, pagers=self.pagers)

    def incident(self, severity=Severity.SEVERE, scope=Scope.ISOLATED, tenants=("acme",)) -> Incident:
        begun = NOW - timedelta(minutes=10)
        found = Incident(INCIDENT, T1, IncidentStatus.OPEN, severity, scope, tenants, NOW, begun, begun, summary="40 refused.")
        with self.world.state.transaction() as state:
            state.incidents.add(found)
        return found

    def change(self, **fields) -> None:
        with self.world.state.transaction() as state:
            state.incidents.save(replace(state.incidents.get(INCIDENT), **fields))

    def ask(self, subject="acme") -> None:
        request_approval(
            self.deps,
            ApprovalKind.BACKFILL_FORCE,
            subject,
            "hash",
            incident_id=INCIDENT,
            requested_by="oncall",
            dag_id="tenant_backfill",
            run_id=f"run {subject}",
            task_id="request_approval",
            link="http://airflow/answer",
            proposal="write",
        )

    def answer_oldest(self) -> None:
        now = self.world.wall_clock.now()
        with self.world.state.transaction() as state:
            asked = min((each.request for each in state.approvals.waiting(now)), key=lambda each: each.requested_at)
        record_answer(
            self.deps,
            asked.approval_id,
            chosen_options=["Reject"],
            reason="wrong",
            answered_by="lead",
            answered_at=now,
            timed_out=False,
        )

    def wait(self, **length) -> None:
        self.world.clock.advance(timedelta(**length))
        self.world.wall_clock.advance(timedelta(**length))

    def heard(self, name: str) -> list[str]:
        return [what for what, *_ in self.pagers[name].heard]

    def all_heard(self) -> dict[str, list[str]]:
        return {name: self.heard(name) for name in self.pagers if self.heard(name)}


@pytest.fixture
def world() -> World:
    return World()


def test_a_severe_incident_calls_the_first_step_once_with_its_numbers(world):
    world.incident()
    for _ in range(3):
        call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open"]}
    _, key, text = world.pagers["oncall"].heard[0]
    assert key == KEY
    assert text.startswith("T1 insufficient_funds: severe, isolated, 1 tenant since 2026-03-01T02:50:00Z: 40 refused.")


def test_a_mild_incident_calls_nobody(world):
    world.incident(severity=Severity.MILD)
    assert call_people(world.deps) == []
    assert world.all_heard() == {}


@pytest.mark.parametrize(("minutes", "called"), [(14, {"oncall": ["open"]}), (15, {"oncall": ["open"], "lead": ["open"]})])
def test_the_next_one_is_called_when_nobody_has_taken_it_in_time(world, minutes, called):
    world.incident()
    call_people(world.deps)
    world.wait(minutes=minutes)
    call_people(world.deps)
    assert world.all_heard() == called


def test_nobody_else_is_called_once_somebody_has_taken_it(world):
    world.incident()
    call_people(world.deps)
    said = acknowledge(world.deps, INCIDENT, "anna", how="command line", is_proved=False)
    assert said == "anna (stated, not proved) has taken it (command line); nobody else is called unless it gets worse."
    world.wait(hours=5)
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open", "acknowledge"]}
    assert [posted.notice.summary for posted in world.world.notifier.posted] == [said]
    with pytest.raises(SafetyRefusal, match="anna has taken it already"):
        acknowledge(world.deps, INCIDENT, "boris", how="board", is_proved=True)


def test_it_calls_anew_when_it_gets_worse_also_who_had_taken_it(world):
    world.incident()
    call_people(world.deps)
    acknowledge(world.deps, INCIDENT, "anna", how="board", is_proved=True)
    world.change(scope=Scope.WIDESPREAD)
    call_people(world.deps)
    assert world.heard("oncall") == ["open", "acknowledge", "again"]
    assert "taken by" not in calls_now(world.deps)[0]


def test_a_mild_incident_that_becomes_severe_calls(world):
    world.incident(severity=Severity.MILD)
    call_people(world.deps)
    world.change(severity=Severity.SEVERE)
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open"]}


def test_the_call_ends_when_the_incident_is_resolved_at_all_who_were_called(world):
    world.incident()
    call_people(world.deps)
    world.wait(minutes=20)
    call_people(world.deps)
    world.change(status=IncidentStatus.RESOLVED, resolved_at=NOW)
    for _ in range(2):
        call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open", "end"], "lead": ["open", "end"]}


def test_an_end_that_a_pager_did_not_take_is_told_again(world):
    world.incident()
    call_people(world.deps)
    world.change(status=IncidentStatus.RESOLVED, resolved_at=NOW)
    world.pagers["oncall"].fault = "down"
    call_people(world.deps)
    world.pagers["oncall"].fault = None
    call_people(world.deps)
    assert world.heard("oncall") == ["open", "end"]


def test_who_can_not_be_reached_is_told_by_the_next_at_once_and_tried_again(world):
    world.incident()
    world.pagers["oncall"].fault = "PagerDuty did not answer within 20 s"
    call_people(world.deps)
    assert world.all_heard() == {"lead": ["open"]}
    assert "Could not be reached: oncall (PagerDuty did not answer within 20 s)." in world.pagers["lead"].heard[0][2]
    world.pagers["oncall"].fault = None
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open"], "lead": ["open"]}


def test_that_nobody_can_be_reached_is_an_error_and_the_next_check_tries_again(world):
    world.incident()
    for pager in world.pagers.values():
        pager.fault = "down"
    with pytest.raises(PagingFailed, match=r"nobody could be reached \(oncall: down; lead: down\)"):
        call_people(world.deps)
    for pager in world.pagers.values():
        pager.fault = None
    call_people(world.deps)
    assert world.heard("oncall") == ["open"]


def test_a_call_whose_process_died_is_made_again_after_two_minutes(world):
    world.incident()

    class Dies(InMemoryPager):
        def open(self, matter, *, again):
            raise KeyboardInterrupt

    deps = replace(world.deps, pagers={**world.pagers, "oncall": Dies()})
    with pytest.raises(KeyboardInterrupt):
        call_people(deps)
    world.wait(seconds=119)
    call_people(world.deps)
    assert world.heard("oncall") == []
    world.wait(seconds=1)
    call_people(world.deps)
    assert world.heard("oncall") == ["open"]


def test_the_first_route_that_fits_counts(world):
    world.incident(tenants=("quiet",))
    call_people(world.deps)
    assert world.all_heard() == {"office": ["open"]}


def test_the_questions_of_an_incident_are_one_call_that_ends_with_the_last_answer(world):
    world.incident()
    for tenant in ("acme", "bolt", "cosmo"):
        world.ask(tenant)
        call_people(world.deps)
    heard = [(what, key) for what, key, _ in world.pagers["oncall"].heard]
    assert heard == [("open", KEY), ("open", f"questions:{INCIDENT}")]
    assert "1 question waits for an answer until" in world.pagers["oncall"].heard[1][2]
    world.wait(minutes=121)
    call_people(world.deps)
    assert ("end", f"questions:{INCIDENT}") in [(what, key) for what, key, _ in world.pagers["oncall"].heard]


def test_a_silence_holds_calls_and_what_still_lasts_calls_afterwards(world):
    world.incident()
    made = silence(world.deps, 60, "a load test of acme", "anna", triggers=["T1"], tenants=["acme"], is_proved=False)
    call_people(world.deps)
    world.wait(minutes=59)
    call_people(world.deps)
    assert world.all_heard() == {}
    world.wait(minutes=1)
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open"]}
    assert silences(world.deps) == ()
    assert "Nobody is called for T1 of acme until 2026-03-01T04:00:00Z" in world.world.notifier.posted[0].notice.summary
    with pytest.raises(BadInputError, match="is over or unknown"):
        end_silence(world.deps, made.silence_id, "the test is over", "anna", is_proved=False)


def test_a_silence_can_be_ended_before_its_time(world):
    world.incident()
    made = silence(world.deps, 60, "a load test of acme", "anna", triggers=[], tenants=[], is_proved=False)
    end_silence(world.deps, made.silence_id, "the test is over", "boris", is_proved=False)
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open"]}


@pytest.mark.parametrize(
    ("minutes", "reason", "by", "triggers", "says"),
    [
        (0, "a load test of acme", "anna", [], "0 minutes; allowed: 1 to 720"),
        (721, "a load test of acme", "anna", [], "721 minutes; allowed: 1 to 720"),
        (60, "short", "anna", [], "5 characters"),
        (60, "a load test of acme", " ", [], "by: is empty"),
        (60, "a load test of acme", "anna", ["T9"], "trigger T9 is unknown; allowed: T1, T2, T3"),
    ],
)
def test_a_silence_needs_a_reason_a_name_and_an_end(world, minutes, reason, by, triggers, says):
    with pytest.raises(BadInputError, match=says):
        silence(world.deps, minutes, reason, by, triggers=triggers, tenants=[], is_proved=False)
    assert silences(world.deps) == ()


def test_maintenance_of_the_policy_holds_calls_as_a_silence_does():
    planned = {"starts_at": "2026-03-01T02:00:00Z", "ends_at": "2026-03-01T03:30:00Z", "reason": "the database moves"}
    world = World({**RULES, "maintenance": [planned]})
    world.incident()
    call_people(world.deps)
    assert world.all_heard() == {}
    assert calls_now(world.deps) == [f"{_title()}: silenced until 2026-03-01T03:30:00Z"]
    world.wait(minutes=30)
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open"]}


def _title() -> str:
    return "T1 insufficient_funds: severe, isolated, 1 tenant since 2026-03-01T02:50:00Z"


def test_the_status_tells_who_was_called_and_who_is_next(world):
    world.incident()
    assert calls_now(world.deps) == [f"{_title()}: next: oncall at 2026-03-01T03:00:00Z"]
    call_people(world.deps)
    assert calls_now(world.deps) == [f"{_title()}: called: oncall; next: lead at 2026-03-01T03:15:00Z"]
    acknowledge(world.deps, INCIDENT, "anna", how="board", is_proved=True)
    assert calls_now(world.deps) == [f"{_title()}: called: oncall; taken by anna"]


def test_without_pagers_nobody_is_called_and_nothing_is_read():
    world = World({})
    world.incident()
    assert call_people(world.deps) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"severity": Severity.MILD}, "is mild: it calls nobody"),
        ({"status": IncidentStatus.RESOLVED, "resolved_at": NOW}, "is resolved"),
    ],
)
def test_only_what_calls_can_be_taken(world, fields, says):
    world.incident()
    world.change(**fields)
    with pytest.raises(BadInputError, match=says):
        acknowledge(world.deps, INCIDENT, "anna", how="board", is_proved=True)


def test_a_pager_can_be_tried(world):
    assert try_pager(world.deps, "oncall") == "oncall took a call and its end"
    assert world.heard("oncall") == ["open", "end"]
    with pytest.raises(BadInputError, match="pager nobody: is unknown; allowed: lead, office, oncall"):
        try_pager(world.deps, "nobody")


def test_an_incident_that_the_policy_no_longer_knows_calls_too_and_keeps_no_other_from_calling(world):
    world.incident()
    gone = replace(_another(), trigger=Trigger("T9"))
    with world.world.state.transaction() as state:
        state.incidents.add(gone)
    call_people(world.deps)
    heard = {key: text for _, key, text in world.pagers["oncall"].heard}
    assert set(heard) == {KEY, f"incident:{gone.incident_id}"}
    assert "The policy has no row for it: people decide." in heard[f"incident:{gone.incident_id}"]
    assert "has taken it" in acknowledge(world.deps, gone.incident_id, "anna", how="board", is_proved=True)


def _another() -> Incident:
    begun = NOW - timedelta(minutes=10)
    found = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a12"
    return Incident(found, T1, IncidentStatus.OPEN, Severity.SEVERE, Scope.ISOLATED, ("bolt",), NOW, begun, begun, summary="9.")


class Odd(InMemoryPager):
    """Fails as no adapter should."""

    def _hear(self, what: str, key: str, text: str) -> None:
        raise ValueError("https://api.example.com/?key=s3cret")


def test_a_pager_that_fails_in_an_odd_way_holds_nobody_up_and_its_words_go_nowhere(world, caplog):
    world.incident()
    deps = replace(world.deps, pagers={**world.pagers, "oncall": Odd()})
    call_people(deps)
    assert "Could not be reached: oncall (it failed with ValueError)." in world.pagers["lead"].heard[0][2]
    world.change(status=IncidentStatus.RESOLVED, resolved_at=NOW)
    call_people(deps)
    assert world.heard("lead") == ["open", "end"]
    with world.world.state.transaction() as state:
        on_record = [str(entry) for entry in state.audit.latest(100)]
    assert not [line for line in [*on_record, caplog.text] if "s3cret" in line]


def test_somebody_takes_it_also_where_a_pager_fails_in_an_odd_way(world):
    world.incident()
    call_people(world.deps)
    deps = replace(world.deps, pagers={**world.pagers, "oncall": Odd()})
    said = acknowledge(deps, INCIDENT, "anna", how="board", is_proved=True)
    assert said.endswith("oncall was not told: it failed with ValueError")


def test_a_question_that_is_asked_when_those_before_were_answered_calls_anew(world):
    world.incident(severity=Severity.MILD)
    world.ask("acme")
    call_people(world.deps)
    world.wait(minutes=1)
    world.ask("bolt")
    call_people(world.deps)
    assert world.heard("oncall") == ["open"], "one waits of which people were called"
    world.answer_oldest()
    for _ in range(3):
        call_people(world.deps)
    assert world.heard("oncall") == ["open", "again"]
    assert "1 question waits" in world.pagers["oncall"].heard[1][2]


def test_a_question_dated_ahead_by_another_machines_clock_calls_each_pager_once_a_check(world):
    world.incident(severity=Severity.MILD)
    world.wait(seconds=30)
    world.ask("acme")
    world.wait(seconds=-30)
    call_people(world.deps)
    assert world.heard("oncall") == ["open"]


def test_that_nobody_can_be_reached_is_posted_once(world):
    world.incident()
    for pager in world.pagers.values():
        pager.fault = "down"
    for _ in range(3):
        with pytest.raises(PagingFailed):
            call_people(world.deps)
    posted = [each.notice for each in world.world.notifier.posted]
    assert [each.title for each in posted] == ["wake · nobody reached"]
    assert "nobody could be reached (oncall: down; lead: down)" in posted[0].summary


def test_a_channel_that_is_down_as_well_changes_no_error(world):
    world.incident()
    world.world.notifier.break_down("down")
    for pager in world.pagers.values():
        pager.fault = "down"
    with pytest.raises(PagingFailed, match="nobody could be reached"):
        call_people(world.deps)


@pytest.mark.parametrize("fact", [CallEnded(pagers=("oncall",), why="over"), PeopleCalled(pager="lead", stage="x", is_done=True)])
def test_whoever_lacks_the_key_can_neither_end_a_call_nor_keep_one_from_ending(fact):
    world = World(keys=AuditKeys([AuditKey("2026-01", b"k" * 32)]))
    world.incident()
    call_people(world.deps)
    tables = world.world.state.tables
    event = recorded(fact, actor="ledger_guard", subject=f"call:{KEY}", at=NOW)
    forged = chained(tables.audit_head[0] + 1, event, tables.audit_head[1])
    tables.audit[forged.sequence], tables.audit_head = forged, (forged.sequence, forged.entry_hash)
    world.change(status=IncidentStatus.RESOLVED, resolved_at=NOW)
    call_people(world.deps)
    assert world.all_heard() == {"oncall": ["open", "end"]}


def judged(world: World, ago: timedelta) -> None:
    at = world.world.clock.now() - ago
    with world.world.state.transaction() as state:
        for trigger in world.deps.policy.triggers:
            state.verdicts.save_engine_state(trigger, at, at, b"")


@pytest.mark.parametrize(
    ("is_wished", "minutes", "called"),
    [(True, 10, []), (True, 11, ["open"]), (False, 11, [])],
    ids=["it sees", "it is blind", "it is blind and the policy does not call for that"],
)
def test_a_blind_guard_calls_where_the_policy_says_so(is_wished, minutes, called):
    """It is posted in any case; `blind_windows` is two windows of five minutes."""
    world = World({**RULES, "for_blindness": is_wished})
    judged(world, timedelta(minutes=minutes))
    for _ in range(2):
        call_people(world.deps)
    assert world.heard("oncall") == called
    judged(world, timedelta(0))
    call_people(world.deps)
    assert world.heard("oncall") == [*called, *("end" for _ in called)]


def test_a_silence_of_one_signal_keeps_a_blind_guard_calling():
    world = World({**RULES, "for_blindness": True})
    judged(world, timedelta(hours=1))
    silence(world.deps, 60, "a load test of acme", "anna", triggers=["T1"], tenants=[], is_proved=False)
    call_people(world.deps)
    ((_, key, text),) = world.pagers["oncall"].heard
    assert (key, text.startswith("The guard is blind for 3 signals: T1: no verdict has been produced since")) == ("blind", True)


@pytest.mark.parametrize("error", [BadInputError("a question that can't be read"), KeyError("question")])
def test_whatever_keeps_reminders_from_being_sent_keeps_nobody_asleep(world, monkeypatch, error):
    def fails(_deps):
        raise error

    monkeypatch.setattr(remind_and_call, "escalate", fails)
    world.incident()
    with pytest.raises(type(error)):
        remind_and_call.remind_and_call(world.deps)
    assert world.heard("oncall") == ["open"]


@pytest.mark.parametrize("error", [BadInputError("no such row"), KeyError("row")])
def test_whatever_keeps_people_from_being_called_keeps_no_incident_from_being_posted(world, monkeypatch, error):
    def fails(_deps):
        raise error

    monkeypatch.setattr(calling, "call_people", fails)
    found = world.incident()
    outcome = ClassifyOutcome(T1, 1, Change.OPENED, INCIDENT, found.severity, found.scope, NOW)
    with pytest.raises(NotificationFailed):
        announce(world.deps, outcome)
    assert len(world.world.notifier.posted) == 1
