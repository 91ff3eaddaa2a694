"""A remediation of a row in shadow: it reads and makes dry-runs, records what it would have done, asks and notifies no one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.codec import from_json, json_of, told
from ledger_guard.domain.facts.incidents import CaseTaken
from ledger_guard.domain.facts.modes import HeldInShadow
from ledger_guard.domain.facts.records import NoticeHeld
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.change_mode import lower_mode
from ledger_guard.use_cases.health_check.announce import announce
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.notify.notify import action_notice, notify, notify_of_row
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import Case, open_case
from ledger_guard.use_cases.remediation.remediation_steps import STEPS, do_step, ending, report_case, runs_to_start, tell_case
from ledger_guard.use_cases.reports.mode_report import mode_report

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
INCIDENT, ROW, FLAG = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11", "T1 severe widespread", "ledger_enforce_balance"


@pytest.fixture
def world() -> MemoryWorld:
    """An incident in three tenants, whose row is in shadow."""
    world = memory_world(load_policy(), NOW)
    tenants = ("acme", "third", "zenith")
    world.ledger.tenants.update(tenants)
    incident = Incident(
        INCIDENT, T1, IncidentStatus.OPEN, Severity.SEVERE, Scope.WIDESPREAD, tenants, NOW, NOW, NOW, summary="refusals"
    )
    with world.state.transaction() as state:
        state.incidents.add(incident)
    lower_mode(world.deps, ROW, Mode.SHADOW, "to be tried first", "anna", is_proved=False)
    return world


def opened(world: MemoryWorld) -> Case:
    return open_case(world.deps, {"incident_id": INCIDENT}, "ledger_guard", "remediation__1")


def facts(world: MemoryWorld, kind):
    with world.state.snapshot() as state:
        return [fact for entry in state.audit.entries() if (fact := told(entry.event, kind))]


def actions(world: MemoryWorld) -> list[tuple[str, str, ActionStatus]]:
    with world.state.snapshot() as state:
        return sorted((each.kind, each.target, each.status) for each in state.actions.of_incident(INCIDENT))


def test_the_case_and_its_record_say_shadow(world):
    case = opened(world)
    assert from_json(json_of(case), Case).is_shadow
    assert [fact.mode for fact in facts(world, CaseTaken)] == [Mode.SHADOW]


def test_a_note_of_an_older_version_is_no_shadow(world):
    note = json_of(opened(world))
    del note["is_shadow"]
    assert not from_json(note, Case).is_shadow


def test_dry_runs_start_in_place_of_backfills(world):
    runs = runs_to_start(world.deps, opened(world), "backfill")
    assert [(run["conf"]["tenant_id"], run["conf"]["operation"]) for run in runs] == [
        ("acme", "dry_run"),
        ("third", "dry_run"),
        ("zenith", "dry_run"),
    ]
    assert {kind for kind, _, _ in actions(world)} == {"dry_run"}


def test_a_rollback_is_recorded_once_and_starts_no_run(world):
    case = opened(world)
    assert [runs_to_start(world.deps, case, "roll_back") for _ in range(2)] == [[], []]
    assert actions(world) == [("roll_back", FLAG, ActionStatus.REFUSED)]
    assert facts(world, HeldInShadow) == [HeldInShadow(row=ROW, action="roll_back", target=FLAG)]


@pytest.mark.parametrize("word", sorted(set(STEPS) - {"triage", "check_secrets"}))
def test_a_step_that_does_more_than_read_is_only_recorded(world, word):
    do_step(world.deps, opened(world), word)
    assert [(each.action, each.row) for each in facts(world, HeldInShadow)] == [(word, ROW)]
    with world.state.snapshot() as state:
        assert (state.freezes.standing(), state.rotations.pending()) == ([], [])


def test_triage_is_made(world):
    assert do_step(world.deps, opened(world), "triage")["conclusion"]
    assert ("triage", "", ActionStatus.DONE) in actions(world)


def test_nothing_is_posted_and_the_log_has_what_would_have_been(world):
    case = opened(world)
    announce(world.deps, outcome())
    for word in STEPS:
        do_step(world.deps, case, word)
    runs_to_start(world.deps, case, "backfill")
    runs_to_start(world.deps, case, "roll_back")
    tell_case(world.deps, case, Recovery.NOTHING_REPAIRED.value)
    assert world.notifier.posted == []
    titles = [each.title.split(" · ")[0] for each in facts(world, NoticeHeld)]
    assert titles == ["classify", "triage", "check_secrets", "verify"]


def outcome() -> ClassifyOutcome:
    return ClassifyOutcome(T1, 1, Change.OPENED, INCIDENT, Severity.SEVERE, Scope.WIDESPREAD, NOW, 0, 0, 0)


def test_outside_shadow_the_same_notices_are_posted(world):
    with world.state.transaction() as state:
        (incident,) = state.incidents.listed(include_resolved=False)
        state.incidents.save(replace(incident, scope=Scope.ISOLATED))
    announce(world.deps, outcome())
    assert len(world.notifier.posted) == 1


def test_what_a_person_asks_for_is_posted_all_the_same(world):
    """A run by hand, a question or a failure goes past the row's mode."""
    notify(world.deps, action_notice(world.deps, INCIDENT, "request_approval", "somebody asked", ()))
    assert len(world.notifier.posted) == 1


class DownState(InMemoryGuardState):
    @contextmanager
    def transaction(self):
        raise SourceUnavailable("database guard: connection refused")
        yield


def test_without_guard_state_people_come_first(world):
    notice = action_notice(world.deps, INCIDENT, "triage", "three tenants", ())
    with pytest.raises(SourceUnavailable):
        notify_of_row(replace(world.deps, state=DownState()), notice)
    assert len(world.notifier.posted) == 1


def test_nothing_has_to_recover_and_the_report_says_what_was_held(world):
    case = opened(world)
    runs_to_start(world.deps, case, "roll_back")
    assert recovery(world.deps, case) is Recovery.NOTHING_REPAIRED
    assert ending(world.deps, case, Recovery.NOTHING_REPAIRED).startswith("The matrix row is in shadow")
    report = report_case(world.deps, case, Recovery.NOTHING_REPAIRED.value)
    assert "## Held by the mode of the matrix row" in report
    assert "T1 severe widespread is in shadow: roll_back ledger_enforce_balance was only recorded" in report


def test_the_mode_report_counts_what_was_only_recorded(world):
    case = opened(world)
    runs_to_start(world.deps, case, "roll_back")
    do_step(world.deps, case, "request_review")
    assert {each.row: each.other_actions_in_shadow for each in mode_report(world.deps) if each.other_actions_in_shadow} == {
        ROW: 2
    }
