"""Two people and one write: what is recorded of both, and that neither answer serves twice."""

from __future__ import annotations

import pytest
from tests.use_cases.flags.rollout_world import BALANCE, REASON, RUN, RolloutWorld, answered, rollout_world

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.request_approval import request_approval
from ledger_guard.use_cases.flags import flag_run

KIND = ApprovalKind.FLAG_ROLLBACK


@pytest.fixture
def world() -> RolloutWorld:
    shipped = load_policy()
    rule = shipped.approvals[KIND].model_copy(update={"approvers": ("anna", "boris", "cleo"), "approvers_needed": 2})
    world = rollout_world(shipped.model_copy(update={"approvals": {**shipped.approvals, KIND: rule}}))
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    return world


def params(incident_id: str) -> dict[str, str]:
    return {"flag": BALANCE, "tenant_id": EVERYWHERE, "incident_id": incident_id}


def ask(world: RolloutWorld, incident_id: str, ordinal: int) -> str:
    question = flag_run.roll_back_question(world.deps, params(incident_id), "oncall")
    return request_approval(
        world.deps,
        KIND,
        question["subject_id"],
        question["subject_hash"],
        incident_id=incident_id,
        requested_by="oncall",
        dag_id="flag_rollback",
        run_id=RUN,
        task_id=f"gate_{ordinal}",
        link="",
        proposal=question["proposal"],
        ordinal=ordinal,
    ).approval_id


def both_agree(world: RolloutWorld, incident_id: str) -> None:
    answered(world.deps, ask(world, incident_id, 1), by="anna")
    answered(world.deps, ask(world, incident_id, 2), by="boris")


def closed(world: RolloutWorld, incident_id: str) -> tuple[ActionStatus, str]:
    question = {"subject_id": f"{BALANCE}@*", "is_needed": True}
    return flag_run.close_run(world.on_record(), KIND, params(incident_id), question)


def test_the_change_names_both_and_their_reasons(world):
    incident_id = world.incident()
    both_agree(world, incident_id)
    change = world.roll_back(incident_id)
    assert (world.deps.flags.effective(BALANCE, EVERYWHERE), change.approved_by) == (False, "anna, boris")
    assert change.reason == f"{REASON}; {REASON}"


def test_one_approval_writes_nothing_and_the_refusal_is_on_record(world):
    incident_id = world.incident()
    answered(world.deps, ask(world, incident_id, 1), by="anna")
    with pytest.raises(SafetyRefusal, match="2 approvals are needed"):
        world.roll_back(incident_id)
    assert world.deps.flags.effective(BALANCE, EVERYWHERE)
    assert world.audit("roll_back")[-1]["stage"] == "refused"


@pytest.mark.parametrize("cleared", [1, 2])
def test_a_gate_that_is_cleared_after_the_write_lets_nothing_through_again(world, cleared):
    incident_id = world.incident()
    both_agree(world, incident_id)
    world.roll_back(incident_id)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    if cleared == 1:
        answered(world.deps, ask(world, incident_id, 1), by="cleo")
        with pytest.raises(SafetyRefusal, match="changed since"):
            world.roll_back(incident_id)
    else:
        with pytest.raises(SafetyRefusal, match="changed since"):
            ask(world, incident_id, 2)
        with pytest.raises(SafetyRefusal, match="an approval is used once"):
            world.roll_back(incident_id)
    assert world.deps.flags.effective(BALANCE, EVERYWHERE)


def test_a_second_persons_no_ends_the_run_as_refused(world):
    incident_id = world.incident()
    answered(world.deps, ask(world, incident_id, 1), by="anna")
    answered(world.deps, ask(world, incident_id, 2), by="boris", option="Reject", reason="the provider is back")
    assert closed(world, incident_id) == (
        ActionStatus.REFUSED,
        'rejected by boris, who wrote "the provider is back"; nothing was written',
    )
