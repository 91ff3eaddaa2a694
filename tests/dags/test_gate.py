"""The gate puts its question together itself: another task's result can neither name the requester nor the words."""

import re
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.approvals import Answer, ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal, StaleVersionError
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.delegate import delegate
from ledger_guard.use_cases.approvals.request_approval import gate_link

pytestmark = pytest.mark.airflow

KIND = ApprovalKind.FLAG_ROLLBACK
REASON = "webhooks of every tenant are refused"


@pytest.fixture
def world(monkeypatch):
    from datetime import datetime, timezone

    from ledger_guard import wiring

    world = memory_world(load_policy(), datetime(2026, 3, 1, tzinfo=timezone.utc))
    monkeypatch.setattr(wiring, "open_dependencies", lambda: world.deps)
    return world


@pytest.fixture
def parked(airflow_home, monkeypatch):
    """Airflow's own part of the gate ends where it would park the task; by a Reject it ends the task at once."""
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    monkeypatch.setattr(ApprovalOperator, "execute", lambda self, context: None)
    monkeypatch.setattr(ApprovalOperator, "execute_complete", go_on)


class SkippedByAirflow(Exception):
    """What follows the gate is skipped, and the gate is green."""


def go_on(self, context, event):
    if event["chosen_options"] == ["Reject"]:
        raise SkippedByAirflow
    return event


def gate(ask):
    from ledger_guard.entrypoints.airflow.approval import RecordedApprovalOperator

    return RecordedApprovalOperator(
        task_id="request_approval", kind=KIND, ask=ask, approval=load_policy().approvals[KIND], subject="?"
    )


def context_of(user):
    ti = SimpleNamespace(dag_id="flag_rollback", run_id="manual__1", task_id="request_approval")
    by_hand = {"dag_id": ti.dag_id, "run_id": ti.run_id, "run_type": "manual", "conf": {"flag": "f"}}
    return {"ti": ti, "dag_run": SimpleNamespace(triggering_user_name=user, **by_hand), "params": {"flag": "f"}}


def question(deps, params, requested_by, about):
    return {"subject_id": f"{params['flag']}@*", "subject_hash": "h", "incident_id": None, "proposal": f"asked by {requested_by}"}


def answered_by(user, user_id=None, option="Approve"):
    return {
        "chosen_options": [option],
        "params_input": {"approver_reason": REASON},
        "responded_at": "2026-03-01T00:00:00Z",
        "responded_by_user": {"id": user_id or user, "name": user},
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
    with pytest.raises(AirflowFailException, match="requested it and can't approve it too"):
        asking.execute_complete(context_of("payments-lead"), answered_by("payments-lead"))
    with world.state.transaction() as state:
        answer = state.approvals.of_gate("flag_rollback", "manual__1", "request_approval").answer
    assert (answer.answer, answer.answered_by) == (Answer.APPROVED, "payments-lead")


def answer_of(world):
    with world.state.transaction() as state:
        return state.approvals.of_gate("flag_rollback", "manual__1", "request_approval").answer


@pytest.fixture
def under_fab(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager")


def test_a_person_can_not_approve_his_own_request_under_fab(world, parked, under_fab):
    from airflow.sdk.exceptions import AirflowFailException

    asking = gate(question)
    asking.execute(context_of("payments-lead"))
    with pytest.raises(AirflowFailException, match="requested it and can't approve it too"):
        asking.execute_complete(context_of("payments-lead"), answered_by("payments-lead", "3"))
    assert answer_of(world).answered_by == "payments-lead"


def test_another_person_can_under_fab(world, parked, under_fab):
    asking = gate(question)
    asking.execute(context_of("payments-lead"))
    asking.execute_complete(context_of("payments-lead"), answered_by("ops-lead", "4"))
    assert (answer_of(world).answer, answer_of(world).answered_by) == (Answer.APPROVED, "ops-lead")
    assert asking.assigned_users is None, "Airflow would compare FAB's numbers with names and let nobody in"


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_someone_the_policy_does_not_name_answers_nothing_under_fab(world, parked, under_fab, option):
    from airflow.sdk.exceptions import AirflowFailException

    asking = gate(question)
    asking.execute(context_of("oncall"))
    with pytest.raises(AirflowFailException, match=r"mallory may not approve this.*clear this task to ask again"):
        asking.execute_complete(context_of("oncall"), answered_by("mallory", "5", option))
    assert answer_of(world).answered_by == "mallory"


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_by_an_unidentified_person_is_recorded_and_fails_the_gate(world, parked, option):
    from airflow.sdk.exceptions import AirflowFailException

    asking = gate(question)
    asking.execute(context_of("oncall"))
    with pytest.raises(AirflowFailException, match="same auth manager for every Airflow component; the answer names no person"):
        asking.execute_complete(context_of("oncall"), answered_by("payments-lead", "3", option))
    assert answer_of(world).answered_by is None
    with world.state.transaction() as state:
        told = next(entry.event for entry in state.audit.entries() if entry.event.verb == "record_answer")
    assert (told.actor, "user id '3'" in told.detail["answered_by_unknown"]) == ("nobody", True)


def test_a_named_persons_reject_ends_the_run_quietly(world, parked):
    asking = gate(question)
    asking.execute(context_of("oncall"))
    with pytest.raises(SkippedByAirflow):
        asking.execute_complete(context_of("oncall"), answered_by("payments-lead", option="Reject"))
    assert answer_of(world).answer is Answer.REJECTED


def test_an_answer_without_a_question_on_record_fails_the_gate(world, parked):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="no longer in guard state"):
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


def test_a_link_of_the_guard_fills_in_no_field_of_the_page(world, dag_bag):
    """Airflow's page takes the value of each field from the address, where it has a key of that name."""
    from ledger_guard.entrypoints.airflow.approval import RecordedApprovalOperator

    gates = [
        (dag_id, task) for dag_id, dag in dag_bag.dags.items() for task in dag.tasks if isinstance(task, RecordedApprovalOperator)
    ]
    assert {dag_id for dag_id, _ in gates} == {"tenant_backfill", "flag_rollback", "flag_restore", "guard_drill"}
    for dag_id, task in gates:
        query = parse_qs(urlsplit(gate_link(world.deps, dag_id, "manual__1", task.task_id)).query)
        assert query == {"map_index": ["-1"]}
        assert not {*query, "_options"} & {*task.params}


def test_a_run_id_adds_nothing_to_the_address_of_its_gate(world):
    """A run by hand may have any id that Airflow lets through."""
    link = gate_link(world.deps, "flag_rollback", "x?approver_reason=the CTO agrees&_options=[]#", "request_approval")
    found = urlsplit(link)
    assert (parse_qs(found.query), found.fragment) == ({"map_index": ["-1"]}, "")
    assert found.path.endswith("/tasks/request_approval/required_actions")


def test_the_field_says_that_a_link_can_have_filled_it_in(airflow_home):
    assert "read it before you send" in gate(question).params.get_param("approver_reason").description


# --- groups, turns and deputies ------------------------------------------------------------------------------------


@pytest.fixture
def by_groups(world, monkeypatch):
    """ops-lead's turn ends after an hour, then it is payments-lead's; deputies can be delegated to."""
    from ledger_guard import wiring
    from ledger_guard.policy.groups import GroupSection

    turns = ({"starts_at": world.deps.wall_clock.now(), "hours": 1, "order": ("ops-lead", "payments-lead")},)
    oncall = {"members": ("payments-lead", "ops-lead"), "rota": {"rota_only": True, "turns": turns}}
    groups = {"oncall": oncall, "deputies": {"members": ("dora",)}}
    shipped = world.deps.policy
    rule = shipped.approvals[KIND].model_copy(update={"approvers": ("group:oncall",)})
    changed = {
        "groups": {name: GroupSection.model_validate(each) for name, each in groups.items()},
        "approvals": {**shipped.approvals, KIND: rule},
    }
    found = replace(world, deps=replace(world.deps, policy=shipped.model_copy(update=changed)))
    monkeypatch.setattr(wiring, "open_dependencies", lambda: found.deps)
    return found


def test_airflow_lets_in_the_members_and_deputies_by_name_and_never_a_group(by_groups, parked):
    delegate(by_groups.deps, "dora", 1, "on a plane until ten", "ops-lead")
    asking = gate(question)
    asking.execute(context_of("oncall"))
    assert [each["id"] for each in asking.assigned_users] == ["ops-lead", "payments-lead", "dora"]


def test_a_deputy_is_not_let_in_to_what_the_approver_requested(by_groups, parked):
    delegate(by_groups.deps, "dora", 1, "on a plane until ten", "ops-lead")
    asking = gate(question)
    asking.execute(context_of("ops-lead"))
    assert [each["id"] for each in asking.assigned_users] == ["payments-lead"]


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_whoever_answers_before_their_turn_fails_the_gate(by_groups, parked, option):
    from airflow.sdk.exceptions import AirflowFailException

    asking = gate(question)
    asking.execute(context_of("oncall"))
    with pytest.raises(AirflowFailException, match=r"it was not the turn of payments-lead.*allowed: ops-lead \(oncall\)"):
        asking.execute_complete(context_of("oncall"), answered_by("payments-lead", option=option))
    assert answer_of(by_groups).answered_by == "payments-lead"
