"""What notices say: which tenants and players, the evidence, what is proposed, and where to go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T1, T2, T3
from tests.use_cases.notify.moments import NOON, WINDOW

from ledger_guard.domain.approvals import Answer, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.flags import Restored
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.ports.platform import AffectedSubject
from ledger_guard.use_cases.notify.notify import action_notice, approval_notice, incident_notice


def _judge(world, incident, tenant, *, at=NOON - WINDOW, severity=Severity.SEVERE, events=12, **reasons):
    figures = {
        "events": events,
        "exposure": 40,
        "rate": events / 40,
        "baseline_rate": 0.021,
        "band_low": 0.009,
        "band_high": 0.04,
    }
    verdict = Verdict(
        trigger=incident.trigger,
        tenant_id=tenant,
        window=Window(at, WINDOW),
        severity=severity,
        scope=incident.scope,
        sentence="High rise.",
        reasons={**figures, "ratio": 14.3, **reasons},
    )
    with world.state.transaction() as state:
        state.verdicts.record([verdict], incident.incident_id)


def _ask(world, incident, kind=ApprovalKind.FLAG_ROLLBACK, link="http://localhost:8080/gate", minutes=60) -> ApprovalRequest:
    request = ApprovalRequest(
        approval_id=new_id(),
        kind=kind,
        subject_id="ledger_enforce_balance@*",
        subject_hash="h",
        incident_id=incident.incident_id,
        requested_by="ledger_guard",
        approvers=("payments-lead", "ops-lead"),
        minimum_reason_characters=10,
        requested_at=NOON,
        expires_at=NOON + timedelta(minutes=minutes),
        dag_id="flag_rollback",
        run_id=f"run-{new_id()}",
        task_id="request_approval",
        link=link,
        proposal="Turn ledger_enforce_balance off for every tenant.",
    )
    with world.state.transaction() as state:
        state.approvals.request(request)
    return request


def test_the_title_names_verb_trigger_severity_and_scope(world, open_incident):
    incident = open_incident(T2, Severity.SEVERE, Scope.WIDESPREAD)
    notice = incident_notice(world.deps, incident.incident_id, "classify")
    assert notice.title == "classify · T2 webhook_signature · severe · widespread"
    assert notice.incident_id == incident.incident_id


def test_the_evidence_has_value_baseline_band_ratio_window_and_since_when(world, open_incident):
    incident = open_incident()
    _judge(world, incident, "acme", at=NOON - 3 * WINDOW, severity=Severity.MILD, events=3)
    _judge(world, incident, "acme")
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Evidence acme"] == (
        "severe: 12 refused withdrawals of 40 (30.00%); refused withdrawals: amount not known; "
        "baseline 2.10%; band 0.90% to 4.00%; 14.3 times the baseline; "
        "window 2026-03-01T11:55:00Z to 2026-03-01T12:00:00Z; since 2026-03-01T11:45:00Z. High rise."
    )


def test_a_window_in_which_nothing_fails_any_more_is_not_told_as_a_rise(world, open_incident):
    incident = open_incident()
    _judge(world, incident, "acme", events=0)
    evidence = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)["Evidence acme"]
    assert evidence.startswith("severe: 0 refused withdrawals of 40, none any more; the alarm ends after quiet windows;")
    assert "times the baseline" not in evidence


def test_money_at_risk_is_one_line_numbers_first_over_the_newest_alarm_of_each_tenant(world, open_incident):
    incident = open_incident(tenants=("acme", "beta", "gone"))
    at_risk = {"at_risk_currency": "USD", "at_risk_without_amount": 0}
    _judge(world, incident, "acme", at=NOON - 3 * WINDOW, at_risk_cents=999_999_900, **at_risk)
    _judge(world, incident, "acme", at_risk_cents=1_200_000, **at_risk)
    _judge(world, incident, "beta", at_risk_cents=40_000, **at_risk)
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Money at risk"] == "12,400.00 USD: refused withdrawals in the newest alarm of each tenant"
    assert "refused withdrawals of 12,000.00 USD; baseline" in facts["Evidence acme"]


def test_money_that_no_verdict_tells_is_said_not_to_be_known(world, open_incident):
    incident = open_incident()
    _judge(world, incident, "acme")
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Money at risk"] == "amount not known: refused withdrawals in the newest alarm of each tenant"


def test_evidence_leaves_out_figures_that_a_verdict_does_not_have(world, open_incident):
    incident = open_incident()
    missing = {"baseline_rate": None, "band_low": None, "band_high": None, "ratio": None, "rate": None}
    _judge(world, incident, "acme", **missing)
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Evidence acme"].startswith(
        "severe: 12 refused withdrawals of 40; refused withdrawals: amount not known; window 2026-03-01T11:55:00Z"
    )


def test_the_policy_row_says_what_is_proposed_who_owns_it_and_which_runbook(world, open_incident):
    incident = open_incident()
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Proposed"] == (
        "notify, triage, backfill, request_review. The runbook: Repeat the OPS-01 backfill, tenant scoped, dry-run first; "
        "review the business rules. Triage comes first and may advise against repairs."
    )
    assert facts["Owner"] == "oncall"
    assert facts["Runbook"] == "docs/runbooks/T1_insufficient_funds.md"


@pytest.mark.parametrize(
    ("tenants", "ends"),
    [pytest.param(9, "t08", id="below"), pytest.param(10, "t09", id="at"), pytest.param(12, "t09 + 2 more", id="above")],
)
def test_no_more_tenants_are_listed_than_the_policy_allows(world, open_incident, tenants, ends):
    names = tuple(f"t{n:02}" for n in range(tenants))
    incident = open_incident(tenants=names)
    for name in names:
        _judge(world, incident, name)
    facts = incident_notice(world.deps, incident.incident_id, "classify").facts
    assert dict(facts)["Tenants"].endswith(ends)
    assert len([label for label, _ in facts if label.startswith("Evidence")]) == min(tenants, 10)


def test_the_gravest_tenants_come_first(world, open_incident):
    incident = open_incident(tenants=("a-quiet-now", "mild-many", "severe-few", "severe-many"))
    _judge(world, incident, "mild-many", severity=Severity.MILD, events=39)
    _judge(world, incident, "severe-few", events=5)
    _judge(world, incident, "severe-many", events=30)
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Tenants"] == "severe-many, severe-few, mild-many, a-quiet-now"


def test_the_players_behind_the_alarm_are_named_most_events_first(world, open_incident):
    incident = open_incident(tenants=("acme", "zeta"))
    world.triage.affect(T1, NOON - WINDOW, AffectedSubject("acme", "p1", 2), AffectedSubject("zeta", "p9", 7))
    facts = dict(incident_notice(world.deps, incident.incident_id, "classify").facts)
    assert facts["Players"] == "p9 of zeta (7), p1 of acme (2)"


def test_webhooks_are_not_called_players(world, open_incident):
    incident = open_incident(T2)
    world.triage.affect(T2, NOON - WINDOW, AffectedSubject("acme", "wh-1", 3))
    assert dict(incident_notice(world.deps, incident.incident_id, "classify").facts)["Webhooks"] == "wh-1 of acme (3)"


def test_a_balance_mismatch_leaves_its_players_to_the_triage(world, open_incident):
    incident = open_incident(T3)
    labels = [label for label, _ in incident_notice(world.deps, incident.incident_id, "classify").facts]
    assert labels == ["Tenants", "Money at risk", "Proposed", "Owner", "Runbook", "Evidence"]


def test_a_source_that_is_away_is_said_and_does_not_hold_the_notice_up(world, open_incident):
    class Away:
        def affected_subjects(self, *asked):
            raise SourceUnavailable("access events: connection refused")

    incident = open_incident()
    facts = dict(incident_notice(replace(world.deps, triage=Away()), incident.incident_id, "classify").facts)
    assert facts["Players"] == "not known: access events: connection refused"


def test_pages_that_wait_for_an_answer_come_first_then_the_board_then_the_runs(world, open_incident):
    incident = open_incident()
    request = _ask(world, incident)
    run_id = "backfill__acme__2026-03-01T12:00:00+00:00"
    with world.state.transaction() as state:
        state.actions.start(Action(new_id(), incident.incident_id, "backfill", "acme", ActionStatus.STARTED, NOON, run_id=run_id))
        state.actions.start(Action(new_id(), incident.incident_id, "triage", "", ActionStatus.DONE, NOON))
    assert incident_notice(world.deps, incident.incident_id, "triage").links == (
        ("Approve or reject flag_rollback ledger_enforce_balance@*", request.link),
        ("Board", "http://localhost:8080/plugin/ledger-guard"),
        (
            "tenant_backfill acme",
            "http://localhost:8080/dags/tenant_backfill/runs/backfill__acme__2026-03-01T12%3A00%3A00%2B00%3A00",
        ),
    )


def test_questions_of_other_incidents_answered_ones_and_expired_ones_are_not_linked(world, open_incident):
    incident, other = open_incident(), open_incident(T2)
    _ask(world, other, ApprovalKind.FLAG_ROLLBACK)
    _ask(world, incident, ApprovalKind.BACKFILL_FORCE, minutes=1)
    answered = _ask(world, incident, ApprovalKind.FLAG_RESTORE)
    with world.state.transaction() as state:
        state.approvals.answer(ApprovalAnswer(answered.approval_id, Answer.APPROVED, "ops-lead", NOON, "looks right to me"))
    world.wall_clock.advance(timedelta(minutes=2))
    assert [label for label, _ in incident_notice(world.deps, incident.incident_id, "triage").links] == ["Board"]


def test_an_incident_that_is_not_known_is_bad_input(world):
    with pytest.raises(BadInputError):
        incident_notice(world.deps, new_id(), "classify")


def test_a_question_says_what_happens_who_may_answer_until_when_and_where(world, open_incident):
    incident = open_incident()
    request = _ask(world, incident)
    notice = approval_notice(world.deps, request)
    assert notice.title == "request_approval · flag_rollback · ledger_enforce_balance@*"
    assert notice.summary == "Turn ledger_enforce_balance off for every tenant."
    assert dict(notice.facts) == {
        "What for": "flag_rollback ledger_enforce_balance@*",
        "May answer": "payments-lead, ops-lead",
        "Asked by": "ledger_guard",
        "Until": "2026-03-01T13:00:00Z",
        "No answer": "counts as Reject",
        "Reason": "required, at least 10 characters",
    }
    assert [link for _, link in notice.links] == [request.link, "http://localhost:8080/plugin/ledger-guard"]


def test_an_answered_question_says_the_answer_first(world, open_incident):
    request = _ask(world, open_incident())
    answer = ApprovalAnswer(request.approval_id, Answer.REJECTED, "ops-lead", NOON, "wait for the morning")
    with world.state.transaction() as state:
        state.approvals.answer(answer)
        approval = state.approvals.get(request.approval_id)
    notice = approval_notice(world.deps, approval)
    assert notice.facts[0] == ("Answer", 'rejected by ops-lead at 2026-03-01T12:00:00Z, who wrote "wait for the morning"')


def test_what_was_done_is_reported_under_the_incidents_title(world, open_incident):
    incident = open_incident()
    notice = action_notice(world.deps, incident.incident_id, "force", "40 rows applied.", [("Drifted", "2")])
    assert (notice.title, notice.summary) == ("force · T1 insufficient_funds · severe · isolated", "40 rows applied.")
    assert notice.facts == (("Drifted", "2"),)
    assert notice.incident_id == incident.incident_id


@pytest.mark.parametrize("none", [None, ""])
def test_work_of_no_incident_is_reported_without_one(world, none):
    notice = action_notice(world.deps, none, "force", "40 rows applied.", ())
    assert (notice.title, notice.incident_id) == ("force", None)
    assert notice.links == (("Board", "http://localhost:8080/plugin/ledger-guard"),)


def test_while_a_change_settles_the_notice_says_until_when_and_is_loud(world, open_incident):
    """Of a tenant that the change does not concern, the notice is as always."""
    flag = "flag:ledger_enforce_balance@acme"
    with world.state.transaction() as state:
        event = recorded(Restored(stage="done"), actor="anna", subject=flag, at=world.clock.now() - timedelta(minutes=5))
        state.audit.append(event)
    settling = incident_notice(world.deps, open_incident(tenants=("acme",)).incident_id, "classify")
    assert dict(settling.facts)["Settle time"].startswith("settling until 2026-03-01T12:25:00Z after ledger_enforce_balance was ")
    assert settling.is_loud
    other = incident_notice(world.deps, open_incident(T2, tenants=("globex",)).incident_id, "classify")
    assert ("Settle time" in dict(other.facts), other.is_loud) == (False, False)
