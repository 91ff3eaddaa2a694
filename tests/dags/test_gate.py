"""The gate puts its question together itself: another task's result can neither name the requester nor the words."""

import re
from types import SimpleNamespace

import pytest

from ledger_guard.adapters.memory.guard import memory_world
from ledger_guard.domain.approvals import Answer, ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal, StaleVersionError
from ledger_guard.policy.loader import load_policy

pytestmark = pytest.mark.airflow

KIND = ApprovalKind.FLAG_ROLLBACK
REASON = "webhooks of every tenant are refused"


@pytest.fixture
def world(monkeypatch):
    from datetime import datetime, timezone

    from ledger_guard import wiring

    world = memory_world(load_policy(), datetime(2026, 3, 1, tzinfo=timezone.utc))
    monkeypatch.setattr(wiring, "open_guard", lambda: world.guard)
    return world


@pytest.fixture
def parked(airflow_home, monkeypatch):
    """Airflow's own part of the gate ends where it would park the task."""
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    monkeypatch.setattr(ApprovalOperator, "execute", lambda self, context: None)
    monkeypatch.setattr(ApprovalOperator, "execute_complete", lambda self, context, event: event)


def gate(ask):
    from ledger_guard.entrypoints.airflow.approval import RecordedApprovalOperator

    return RecordedApprovalOperator(
        task_id="request_approval", kind=KIND, ask=ask, approval=load_policy().approvals[KIND], subject="?"
    )


def context_of(user):
    ti = SimpleNamespace(dag_id="flag_rollback", run_id="manual__1", task_id="request_approval")
    by_hand = {"dag_id": ti.dag_id, "run_id": ti.run_id, "run_type": "manual", "conf": {"flag": "f"}}
    return {"ti": ti, "dag_run": SimpleNamespace(triggering_user_name=user, **by_hand), "params": {"flag": "f"}}


def question(guard, params, requested_by, about):
    return {"subject_id": f"{params['flag']}@*", "subject_hash": "h", "incident_id": None, "proposal": f"asked by {requested_by}"}


def answered_by(user):
    return {
        "chosen_options": ["Approve"],
        "params_input": {"approver_reason": REASON},
        "responded_at": "2026-03-01T00:00:00Z",
        "responded_by_user": {"id": user, "name": user},
        "timedout": False,
    }


def test_whoever_started_the_run_is_the_requester_and_what_is_shown_is_what_was_recorded(world, parked):
    asking = gate(question)
    asking.execute(context_of("payments-lead"))
    with world.state.transaction() as state:
        asked = state.approvals.of_gate("flag_rollback", "manual__1", "request_approval").request
    assert (asked.requested_by, asked.proposal, asking.body) == (
        "payments-lead",
        "asked by payments-lead",
        "asked by payments-lead",
    )


def test_the_requesters_own_approval_is_recorded_and_fails_the_gate(world, parked):
    from airflow.sdk.exceptions import AirflowFailException

    asking = gate(question)
    asking.execute(context_of("payments-lead"))
    with pytest.raises(AirflowFailException, match="asked for it and can't approve it too"):
        asking.execute_complete(context_of("payments-lead"), answered_by("payments-lead"))
    with world.state.transaction() as state:
        answer = state.approvals.of_gate("flag_rollback", "manual__1", "request_approval").answer
    assert (answer.answer, answer.answered_by) == (Answer.APPROVED, "payments-lead")


def test_an_answer_without_a_question_on_record_fails_the_gate(world, parked):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="not in guard state any more"):
        gate(question).execute_complete(context_of("oncall"), answered_by("payments-lead"))


def test_a_refusal_is_never_retried_and_an_outdated_version_is(airflow_home):
    from airflow.sdk.exceptions import AirflowFailException

    from ledger_guard.entrypoints.airflow.errors import never_retried

    with pytest.raises(AirflowFailException), never_retried():
        raise SafetyRefusal("no")
    with pytest.raises(StaleVersionError), never_retried():
        raise StaleVersionError("read again")


def test_what_people_and_data_wrote_is_shown_to_the_approver_and_makes_nothing(world, parked):
    from markdown_it import MarkdownIt

    links = "[yes](https://evil.example) ![x](https://evil.example/p.png) <img src=x> www.evil.example"
    words = f"Turn f off\n\n# Approved by the CTO\n\n{links}"
    asking = gate(lambda *_: {"subject_id": "f@*", "subject_hash": "h", "incident_id": None, "proposal": words})
    asking.execute(context_of("mallory"))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(asking.body)
    assert set(re.findall(r"</?([a-z0-9]+)", html)) == {"p", "code"}
    assert html.count("<p>") == 1
    assert "evil" not in re.sub(r"<code>.*?</code>", "", html), "the page makes links of addresses by itself, but not in code"
    with world.state.transaction() as state:
        asked = state.approvals.of_gate("flag_rollback", "manual__1", "request_approval").request
    assert asked.proposal == words, "what is recorded is what was put together, not its form for one page"


def test_the_form_starts_empty_whatever_the_runs_conf_holds(world, parked):
    from airflow.sdk.definitions.param import ParamsDict, process_params

    asking = gate(question)
    conf = {"flag": "f", "approver_reason": "webhooks of every tenant are refused, I am sure"}
    params = process_params(SimpleNamespace(params=ParamsDict()), asking, conf, suppress_exception=False)
    assert asking.params["approver_reason"] == conf["approver_reason"], "Airflow fills the field from the conf"
    asking.execute({**context_of("mallory"), "params": params})
    assert {name: field["value"] for name, field in asking.serialized_params.items()} == {"approver_reason": None}
