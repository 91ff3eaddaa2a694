"""The incident's report: what an auditor reads afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import (
    FIVE_MINUTES,
    NOON,
    a_flag_change,
    a_freeze,
    a_plan,
    a_question,
    a_rotation,
    a_verdict,
    a_window,
    a_yes,
    an_action,
    an_event,
    an_incident,
)
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.approvals import Answer, ApprovalKind
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.repairs import RepairCompared, RepairedAgain
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import ActionStatus, IncidentStatus
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.reports.report import incident_report


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world(load_policy(), NOON + timedelta(minutes=30))


def stored(world: MemoryWorld, incident, *, fill=None):
    with world.state.transaction() as state:
        state.incidents.add(incident)
        if fill is not None:
            fill(state)
    return incident_report(world.deps, incident.incident_id)


def section(report: str, title: str) -> str:
    return report.split(f"## {title}\n\n")[1].split("\n\n## ", maxsplit=1)[0] if f"## {title}\n" in report else ""


def test_an_incident_that_does_not_exist_is_bad_input(world):
    with pytest.raises(BadInputError, match="does not exist"):
        incident_report(world.deps, new_id())


def test_the_head_says_what_happened_since_when_to_how_many_and_what_the_runbook_says(world):
    incident = an_incident(status=IncidentStatus.RESOLVED, mitigated_at=NOON, resolved_at=NOON + timedelta(minutes=75))
    head = stored(world, incident).split("\n\n## ")[0]
    assert head.startswith("# T1 insufficient_funds · severe · isolated\n")
    assert f"- **Incident** {incident.incident_id}, read at 2026-03-01T12:30:00Z" in head
    assert (
        "resolved; opened 2026-03-01T12:00:00Z, mitigated 2026-03-01T12:00:00Z, resolved 2026-03-01T13:15:00Z after 1 h 15 min"
        in head
    )
    assert "2 tenants, windows of 2026-03-01T11:55:00Z to 2026-03-01T11:55:00Z" in head
    assert "INSUFFICIENT_FUNDS out of withdraw requests" in head
    assert "Repeat the OPS-01 backfill, tenant scoped, dry-run first" in head
    assert "- **Last seen** tenant-a: eight times its usual rate" in head


def test_each_tenant_is_reported_with_its_windows_in_alarm_and_its_newest_verdict(world):
    incident = an_incident(first_window_start=a_window(0).start, last_alarm_window_start=a_window(2).start)

    def fill(state):
        money = {"at_risk_cents": 1_240_000, "at_risk_without_amount": 0, "at_risk_currency": "USD"}
        gravest = a_verdict(1, severity=Severity.SEVERE, sentence="high", reasons=money)
        mild = [a_verdict(0, severity=Severity.MILD), a_verdict(2, severity=Severity.MILD)]
        others = [a_verdict(1, "tenant-c", severity=Severity.SEVERE), a_verdict(3), a_verdict(-1, severity=Severity.MILD)]
        state.verdicts.record([gravest, *mild, *others], incident.incident_id)

    text = stored(world, incident, fill=fill)
    assert "- **Money at risk** 12,400.00 USD in the worst window of each tenant" in text
    rows = section(text, "Tenants").splitlines()[2:]
    assert rows == [
        "| tenant-a | 1 | 2 | 2026-03-01T12:00:00Z | 2026-03-01T12:10:00Z | 12,400.00 USD | high | none (2026-03-01T12:15:00Z) |",
        "| tenant-b | 0 | 0 | - | - | - | - | - |",
    ]


def test_a_resolved_incident_does_not_speak_of_a_later_one(world):
    incident = an_incident(
        status=IncidentStatus.RESOLVED,
        tenants=("tenant-a",),
        first_window_start=a_window(0).start,
        last_alarm_window_start=a_window(0).start,
        resolved_at=NOON,
    )

    def fill(state):
        later = [a_verdict(number, severity=Severity.SEVERE) for number in range(3, 6)]
        state.verdicts.record([a_verdict(0, severity=Severity.MILD), a_verdict(1), a_verdict(2), *later], None)

    assert "| tenant-a | 0 | 1 |" in section(stored(world, incident, fill=fill), "Tenants")


def test_actions_plans_approvals_changes_freezes_and_rotations_are_reported_with_who_when_and_why(world):
    incident = an_incident()
    mine = {"incident_id": incident.incident_id}
    question = a_question(kind=ApprovalKind.FLAG_ROLLBACK, **mine)
    done = replace(an_action(incident), status=ActionStatus.REFUSED, finished_at=NOON, outcome="rejected by ops-lead")
    lifted = {
        "lifted_at": NOON,
        "lifted_by": "ops-lead",
        "root_cause": "a deploy lost the wallet write",
        "root_cause_link": "OPS-1",
        "root_cause_owner": "platform-team",
        "root_cause_by": "oncall",
    }

    def fill(state):
        state.actions.start(done)
        state.plans.add(a_plan(**mine))
        state.approvals.request(question)
        state.approvals.answer(a_yes(question))
        state.flag_changes.add(a_flag_change(question, from_value=None, **mine))
        state.freezes.add(a_freeze(**lifted, **mine))
        state.rotations.add(a_rotation(done_at=NOON, done_by="payments-lead", **mine))
        state.audit.append(an_event(7, **mine))
        state.audit.append(an_event(8))

    report = stored(world, incident, fill=fill)
    assert "| backfill | tenant-a | refused | 2026-03-01T12:00:00Z | rejected by ops-lead | remediation__1 |" in report
    assert (
        "1 missing, 1 not what the evidence gives; 0 right (only the player row differs) | "
        "10.50 USD created, 0.50 USD added, 0.00 USD taken away" in report
    )
    assert "| 3 rows: more than 2 |" in section(report, "Backfill plans")
    assert section(report, "Approvals").splitlines()[-1] == (
        "| 2026-03-01T12:00:00Z | oncall | flag_rollback | switch ledger_enforce_balance off everywhere | approved "
        "| payments-lead | 2026-03-01T12:05:00Z | refusals on every tenant |"
    )
    assert "| everywhere | not set → off | oncall | payments-lead | refusals on every tenant | applied |" in report
    assert "| 2026-03-01T12:00:00Z | ops-lead | a deploy lost the wallet write | oncall | platform-team | OPS-1 |" in section(
        report, "Freezes"
    )
    assert section(report, "Secret rotations").endswith("| 2026-03-01T12:00:00Z | payments-lead |")
    assert section(report, "Audit log").splitlines()[2:] == [
        "| 1 | 2026-03-01T12:00:00Z | classify | ledger_guard | trigger:T1#7 |"
    ]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param({"answer": Answer.TIMED_OUT, "answered_by": None, "reason": ""}, "| timed out | no one |", id="no answer"),
        pytest.param({"answer": Answer.REJECTED, "reason": "not at night"}, "| rejected | payments-lead |", id="a no"),
    ],
)
def test_a_question_that_was_not_approved_is_reported_as_what_it_is(world, answer, shown):
    incident = an_incident()
    question = a_question(incident_id=incident.incident_id)

    def fill(state):
        state.approvals.request(question)
        state.approvals.answer(a_yes(question, **answer))

    assert shown in section(stored(world, incident, fill=fill), "Approvals")


def test_what_still_waits_is_named(world):
    incident = an_incident(quiet_windows=1)
    mine = {"incident_id": incident.incident_id}

    def fill(state):
        state.actions.start(an_action(incident))
        state.approvals.request(a_question(**mine))
        state.freezes.add(a_freeze(**mine))
        state.rotations.add(a_rotation(due_at=NOON, **mine))

    assert section(stored(world, incident, fill=fill), "Still open").splitlines() == [
        "- The incident is open: 1 of 2 quiet windows so far.",
        (
            "- An answer by payments-lead or ops-lead until 2026-03-01T13:00:00Z, at http://localhost:8080/required-actions: "
            "switch ledger_enforce_balance off everywhere"
        ),
        "- backfill tenant-a, started 2026-03-01T12:00:00Z",
        "- The root cause, to lift the freeze of ledger_enforce_balance for everywhere.",
        "- The rotation of WEBHOOK_SECRET_MOCKPSP by payments-lead, due 2026-03-01T12:00:00Z (overdue).",
    ]


def test_a_question_that_expired_waits_for_no_one(world):
    incident = an_incident()
    question = a_question(incident_id=incident.incident_id, expires_at=NOON + FIVE_MINUTES)
    report = stored(world, incident, fill=lambda state: state.approvals.request(question))
    assert "not answered, no longer valid" in section(report, "Approvals")
    assert "An answer by" not in section(report, "Still open")


def test_a_question_whose_run_was_ended_waits_for_no_one_and_says_so(world):
    incident = an_incident()
    question = a_question(incident_id=incident.incident_id)

    def fill(state):
        state.approvals.request(question)
        state.approvals.orphan(question.approval_id, NOON)

    report = stored(world, incident, fill=fill)
    assert "not answered: its run ended" in section(report, "Approvals")
    assert "An answer by" not in section(report, "Still open")


def test_a_finished_incident_waits_for_nothing(world):
    incident = an_incident(status=IncidentStatus.RESOLVED, resolved_at=NOON)
    report = stored(world, incident)
    assert section(report, "Still open") == "Nothing."
    assert section(report, "What was done") == "Nothing was started."


def test_texts_of_people_can_not_break_the_tables_or_bring_markup_in(world):
    incident = an_incident(tenants=("tenant-a",))
    nasty = replace(an_action(incident), outcome="a | b\n<script>alert(1)</script> [x](http://evil) `rm`")
    report = stored(world, incident, fill=lambda state: state.actions.start(nasty))
    assert "a \\| b \\<script>alert(1)\\</script> `[x](http://evil)` \\`rm\\`" in report
    assert len(section(report, "What was done").splitlines()) == 3


def test_the_report_is_that_of_this_trigger(world):
    assert incident_report(world.deps, _added(world)).startswith(f"# {T1.value} ")


def _added(world: MemoryWorld) -> str:
    incident = an_incident()
    with world.state.transaction() as state:
        state.incidents.add(incident)
    return incident.incident_id


def test_repairs_afterwards_say_what_was_repaired_again_and_whether_it_held(world):
    incident = an_incident()
    again = RepairedAgain(earlier=("p",), repairs=("4 rows", "2 rows"), between=("not known",), wallets_again=1)
    held = RepairCompared(hours=(1,), repaired_at=NOON, players=4, wrong=0, wrong_cents=0, currency="USD")

    def fill(state):
        for fact in (again, held):
            about = {"subject": "plan:p", "at": NOON, "incident_id": incident.incident_id, "tenant_id": "acme"}
            state.audit.append(recorded(fact, actor="ledger_guard", **about))

    rows = section(stored(world, incident, fill=fill), "Repairs afterwards")
    assert "| acme | repaired again: 4 rows; then 2 rows. In between: not known |" in rows
    assert "holds after 1 h: 4 wallets compared |" in rows
