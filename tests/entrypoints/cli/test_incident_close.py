"""`incident close`: ends what evidence can't end, with a name and a reason, and never a trouble that shows."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import (
    a_blind_window,
    a_freeze,
    a_sensed_window,
    a_verdict,
    a_window,
    an_action,
    an_incident,
)
from tests.triggers import T1

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.incidents import CaseTaken, IncidentClosed
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.verdicts import Severity
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.modes import modes_now

OPEN = an_incident()
REASON = "tenant-b left on 3 March"


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    """One open incident of tenant-a and tenant-b."""
    world = memory_world(load_policy(), a_window(3).end)
    world.wall_clock.advance(timedelta(days=2))
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    with world.state.transaction() as state:
        state.incidents.add(OPEN)
    return world


def judged(world: MemoryWorld, number: int, **severities: Severity) -> None:
    """A window that could be read, with the verdicts of tenants a, b and so on."""
    with world.state.transaction() as state:
        state.readings.record([a_sensed_window(number)], [])
        _judge(state, number, severities)


def blind(world: MemoryWorld, number: int) -> None:
    with world.state.transaction() as state:
        state.readings.record([a_blind_window(number)], [])
        _judge(state, number, {"a": Severity.NO_DATA, "b": Severity.NO_DATA})


def _judge(state, number, severities) -> None:
    state.verdicts.record([a_verdict(number, f"tenant-{name}", severity=each) for name, each in severities.items()], None)
    state.verdicts.save_engine_state(T1, a_window(number).end, a_window(number).end, b"")


def close(*options: str, incident_id: str = OPEN.incident_id, reason: str = REASON, by: str = "anna") -> int:
    return main(["incident", "close", incident_id, "--reason", reason, "--by", by, *options])


def is_open(world: MemoryWorld) -> bool:
    with world.state.transaction() as state:
        return not state.incidents.get(OPEN.incident_id).is_over


def test_a_tenant_that_left_in_alarm_holds_its_incident_open_no_longer(world, capsys):
    judged(world, 0, a=Severity.NONE, b=Severity.SEVERE)
    judged(world, 1, a=Severity.NONE, b=Severity.NO_DATA)
    assert close() == 0
    assert capsys.readouterr().out == f"closed: incident {OPEN.incident_id}\n"
    with world.state.transaction() as state:
        found = state.incidents.get(OPEN.incident_id)
        assert (found.status, found.resolved_at) == (IncidentStatus.RESOLVED, world.clock.now())
        assert state.incidents.open_for(T1) is None


def test_who_closed_it_when_and_why_is_in_the_audit_log(world):
    judged(world, 1, a=Severity.NONE, b=Severity.NO_DATA)
    assert close(reason=f"  {REASON} ", by=" anna ") == 0
    with world.state.transaction() as state:
        [entry] = state.audit.entries(incident_id=OPEN.incident_id)
    event = entry.event
    assert (event.verb, event.actor, event.subject) == ("resolve", "anna (stated, not proved)", f"incident:{OPEN.incident_id}")
    assert event.at == world.wall_clock.now()
    assert event.detail == {
        "reason": REASON,
        "was": "open",
        "newest_readable_window": "2026-03-01T12:05:00Z",
        "unfinished_actions": [],
    }


@pytest.mark.parametrize("severity", [Severity.MILD, Severity.SEVERE])
def test_it_is_refused_while_a_tenant_of_the_incident_is_in_alarm_and_says_which(world, capsys, severity):
    judged(world, 0, a=Severity.SEVERE, b=Severity.SEVERE)
    judged(world, 1, a=Severity.NONE, b=severity)
    assert close() == 3
    err = capsys.readouterr().err
    assert f"in alarm in the window at 2026-03-01T12:05:00Z: tenant-b ({severity.value})" in err
    assert "tenant-a" not in err
    assert is_open(world)
    with world.state.transaction() as state:
        assert list(state.audit.entries()) == []


def test_a_source_that_is_away_hides_no_alarm(world, capsys):
    judged(world, 0, a=Severity.NONE, b=Severity.SEVERE)
    blind(world, 1)
    blind(world, 2)
    assert close() == 3
    assert "12:00:00Z: tenant-b (severe)" in capsys.readouterr().err


def test_after_a_day_without_a_readable_window_no_alarm_blocks_closing(world):
    judged(world, 0, a=Severity.SEVERE, b=Severity.SEVERE)
    blind(world, 300)
    assert close() == 0


def test_an_alarm_of_a_tenant_outside_the_incident_is_another_matter(world):
    judged(world, 1, a=Severity.NONE, b=Severity.NO_DATA, z=Severity.SEVERE)
    assert close() == 0


def test_an_incident_of_a_trigger_that_was_never_judged_can_be_closed(world):
    assert close() == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"reason": "tenant a"}, "reason: has 8 characters; allowed: at least 10", id="short reason"),
        pytest.param({"reason": "   123456789   "}, "reason: has 9 characters", id="blanks are no reason"),
        pytest.param({"by": "  "}, "by: is empty", id="nobody"),
        pytest.param({"incident_id": new_id()}, "does not exist", id="unknown"),
        pytest.param({"incident_id": "7"}, "allowed", id="no id"),
    ],
)
def test_without_a_reason_a_name_and_an_incident_nothing_is_closed(world, capsys, wrong, said):
    assert close(**wrong) == 2
    assert said in capsys.readouterr().err
    assert is_open(world)


def test_a_reason_of_ten_characters_is_one(world):
    assert close(reason="tenant off") == 0


def test_it_is_closed_once(world, capsys):
    assert close() == 0
    assert close() == 2
    assert "is resolved; allowed: an incident that is not" in capsys.readouterr().err


def test_what_was_started_goes_on_and_is_named_and_freezes_stay(world, capsys):
    action, freeze = an_action(OPEN), a_freeze(incident_id=OPEN.incident_id)
    with world.state.transaction() as state:
        state.actions.start(action)
        state.freezes.add(freeze)
    assert close("--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["incident"]["status"], said["unfinished_actions"][0]["action_id"]) == ("resolved", action.action_id)
    with world.state.transaction() as state:
        assert state.actions.of_incident(OPEN.incident_id) == [action]
        assert state.freezes.standing() == [freeze]
        assert state.audit.latest(1)[0].event.detail["unfinished_actions"] == ["backfill tenant-a"]


FALSE = ("--false-alarm",)


def modes(world: MemoryWorld) -> dict[str, str]:
    with world.state.snapshot() as state:
        return {each.row: each.mode.value for each in modes_now(world.deps, state)}


def closings(world: MemoryWorld) -> list[IncidentClosed]:
    with world.state.snapshot() as state:
        entries = state.audit.about(f"incident:{OPEN.incident_id}", ("resolve",))
    return [fact for entry in entries if (fact := told(entry.event, IncidentClosed))]


def test_an_ordinary_end_says_nothing_of_a_false_alarm_and_lowers_nothing(world):
    assert close() == 0
    assert [each.is_false_alarm for each in closings(world)] == [None]
    assert modes(world)["T1 severe isolated"] == "act"


def test_a_false_alarm_takes_the_rows_that_decided_it_back_and_is_told(world):
    with world.state.transaction() as state:
        taken = CaseTaken(run_id="r", severity="severe", scope="widespread")
        subject = f"incident:{OPEN.incident_id}"
        state.audit.append(recorded(taken, actor="ledger_guard", subject=subject, at=world.wall_clock.now()))
    assert close(*FALSE) == 0
    assert [each.is_false_alarm for each in closings(world)] == [True]
    found = modes(world)
    assert (found["T1 severe isolated"], found["T1 severe widespread"], found["T3 severe"]) == ("propose", "propose", "act")
    (posted,) = [each.notice for each in world.notifier.posted]
    assert f"because anna (stated, not proved) found incident {OPEN.incident_id} to be a false alarm" in posted.summary


def test_a_resolved_incident_is_found_false_once(world, capsys):
    assert (close(), close()) == (0, 2)
    capsys.readouterr()
    assert close(*FALSE) == 0
    assert [(each.was, each.is_false_alarm) for each in closings(world)] == [("open", None), ("resolved", True)]
    assert close(*FALSE) == 2
    assert "was found false already" in capsys.readouterr().err
    assert len(closings(world)) == 2


def test_an_incident_that_shows_trouble_is_not_found_false(world):
    judged(world, 3, a=Severity.SEVERE, b=Severity.NONE)
    assert close(*FALSE) == 3
    assert (is_open(world), modes(world)["T1 severe isolated"]) == (True, "act")
