"""`incident list|show|report`, as the engineer on call uses them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON, a_question, a_verdict, a_yes, an_action, an_incident
from tests.triggers import T3

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import Window
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.reports.report import incident_report


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    return world


def add(world: MemoryWorld, *incidents) -> None:
    with world.state.transaction() as state:
        for incident in incidents:
            state.incidents.add(incident)


OPEN = an_incident(tenants=("a", "b", "c", "d", "e"))
OVER = an_incident(trigger=T3, status=IncidentStatus.RESOLVED, opened_at=NOON - timedelta(days=1), resolved_at=NOON)


def test_the_list_shows_unresolved_incidents_all_on_demand_newest_first(world, capsys):
    add(world, OVER, OPEN)
    assert main(["incident", "list"]) == 0
    line = f"{OPEN.incident_id}  T1 severe isolated  open  opened 2026-03-01T12:00:00Z  a, b, c + 2 more\n"
    assert capsys.readouterr().out == line
    assert main(["incident", "list", "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[0] for text in lines] == [OPEN.incident_id, OVER.incident_id]


def test_an_empty_list_says_so(world, capsys):
    assert main(["incident", "list"]) == 0
    assert capsys.readouterr().out == "no unresolved incidents; --all shows the others\n"
    assert main(["incident", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_list_as_json_has_every_field(world, capsys):
    add(world, OPEN)
    assert main(["incident", "list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["incident_id"] == OPEN.incident_id
    assert (found["trigger"], found["status"], found["tenants"]) == ("T1", "open", ["a", "b", "c", "d", "e"])
    assert (found["opened_at"], found["resolved_at"]) == ("2026-03-01T12:00:00Z", None)


def test_show_tells_the_incident_and_what_hangs_on_it(world, capsys):
    question = a_question(incident_id=OPEN.incident_id)
    with world.state.transaction() as state:
        state.incidents.add(OPEN)
        state.actions.start(an_action(OPEN))
        state.approvals.request(question)
        state.approvals.answer(a_yes(question))
        state.verdicts.record([a_verdict(-1, "a")], OPEN.incident_id)
    assert main(["incident", "show", OPEN.incident_id]) == 0
    shown = capsys.readouterr().out
    assert "action    backfill tenant-a  started" in shown
    assert "approval  flag_rollback ledger_enforce_balance@*  approved by payments-lead: refusals on every tenant" in shown
    assert main(["incident", "show", OPEN.incident_id, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["incident"]["incident_id"] == OPEN.incident_id
    assert found["approvals"][0]["answer"]["answered_by"] == "payments-lead"
    assert found["tenants"][0]["newest"]["window"] == {"start": "2026-03-01T11:55:00Z", "end": "2026-03-01T12:00:00Z"}


def test_report_prints_the_incidents_report(world, capsys):
    add(world, OPEN)
    assert main(["incident", "report", OPEN.incident_id]) == 0
    assert capsys.readouterr().out == incident_report(world.deps, OPEN.incident_id)


@pytest.mark.parametrize("command", ["show", "report"])
def test_an_incident_that_does_not_exist_is_bad_input_on_one_line(world, capsys, command):
    missing = new_id()
    assert main(["incident", command, missing]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == f"incident {missing}: does not exist; allowed: an id from `incident list --all`\n"


def test_show_tells_the_money_at_risk_of_the_worst_windows(world, capsys):
    add(world, OPEN)
    newest = Window(OPEN.last_alarm_window_start, timedelta(minutes=5))
    at = {"trigger": OPEN.trigger, "window": newest, "severity": Severity.SEVERE}
    money = {"at_risk_cents": 1_240_000, "at_risk_without_amount": 0, "at_risk_currency": "USD"}
    with world.state.transaction() as state:
        state.verdicts.record([a_verdict(tenant_id="a", reasons=money, **at), a_verdict(tenant_id="b", **at)], OPEN.incident_id)
    assert main(["incident", "show", OPEN.incident_id]) == 0
    told = "money     at least 12,400.00 USD; not known for 1 tenant in the worst window of each tenant"
    assert told in capsys.readouterr().out.splitlines()


def test_show_says_when_the_money_is_not_known(world, capsys):
    add(world, OPEN)
    assert main(["incident", "show", OPEN.incident_id]) == 0
    assert "money     amount not known in the worst window of each tenant" in capsys.readouterr().out.splitlines()
