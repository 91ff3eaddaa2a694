"""What a login without the key makes of rotations, incidents and verdicts: by them alone nothing is written or opened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T1, T2
from tests.use_cases.audit.keyed_worlds import FORGED, Mallory, keyed_rollout
from tests.use_cases.flags.rollout_world import BALANCE, NOW, SIGNATURE, RolloutWorld

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.audit_keys import NO_KEYS
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.use_cases.flags.attested_rotations import pending_rotations
from ledger_guard.use_cases.flags.roll_back import propose_roll_back
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.remediation.plan_secret_rotation import complete_rotation, plan_one_rotation

pytestmark = pytest.mark.postgres

DONE = "update ledger_guard.rotation_plan set done_at = planned_at, done_by = 'cto' where rotation_id = %s"


@pytest.fixture
def world(database_uri) -> RolloutWorld:
    return keyed_rollout(database_uri)


@pytest.fixture
def mallory(database_uri) -> Mallory:
    return Mallory(database_uri)


def planned(world: RolloutWorld, incident_id: str | None = None) -> str:
    return plan_one_rotation(world.deps, "mockpsp", incident_id, "payments-lead", "anna").rotation_id


def pending(world: RolloutWorld, incident_id: str | None = None) -> list[str]:
    with world.deps.state.transaction() as state:
        return [plan.rotation_id for plan in pending_rotations(state, incident_id)]


def test_the_honest_way_plans_a_rotation_and_ends_it(world):
    rotation = planned(world)
    assert pending(world) == [rotation]
    with pytest.raises(SafetyRefusal, match=f"{rotation}. is pending; needed: done"):
        world.review_restore(None, SIGNATURE)
    complete_rotation(world.deps, rotation, "anna")
    assert pending(world) == []
    world.review_restore(None, SIGNATURE)


@pytest.mark.parametrize("with_entry", [None, "unmarked", "marked with a key of her own"])
def test_a_rotation_called_done_by_its_row_opens_no_restore(world, mallory, with_entry):
    rotation = planned(world)
    mallory.runs(DONE, rotation)
    if with_entry:
        entry = AuditEvent("complete_rotation", "anna", f"rotation:{rotation}", {"secret_name": "WEBHOOK_SECRET_MOCKPSP"}, NOW)
        mallory.logs(entry, None if with_entry == "unmarked" else FORGED)
    with pytest.raises(SafetyRefusal, match=f"{rotation}. is pending; needed: done"):
        world.review_restore(None, SIGNATURE)


def test_a_deleted_rotation_is_pending_all_the_same(world, mallory):
    rotation = planned(world)
    mallory.runs("delete from ledger_guard.rotation_plan")
    with pytest.raises(SafetyRefusal, match=f"WEBHOOK_SECRET_MOCKPSP with mockpsp .{rotation}. is pending; needed: done"):
        world.review_restore(None, SIGNATURE)


def test_a_rotation_that_was_given_to_another_incident_still_holds_its_own_up(world, mallory):
    incident, other = (world.incident(T1), world.incident(T2))
    rotation = planned(world, incident)
    mallory.runs("update ledger_guard.rotation_plan set incident_id = %s", other)
    assert pending(world, incident) == [rotation]


def test_whoever_rotated_it_records_a_rotation_as_done_whatever_its_row_says(world, mallory):
    rotation = planned(world)
    mallory.runs(DONE, rotation)
    assert complete_rotation(world.deps, rotation, "anna").done_by == "anna"
    world.review_restore(None, SIGNATURE)
    with pytest.raises(BadInputError, match="is not pending"):
        complete_rotation(world.deps, rotation, "anna")


def test_without_a_key_rows_are_taken_at_their_word(database_uri, mallory):
    world = keyed_rollout(database_uri, NO_KEYS)
    mallory.runs(DONE, planned(world))
    world.review_restore(None, SIGNATURE)


# --- incidents and verdicts ---------------------------------------------------------------------------------------


def forged_incident(mallory: Mallory, **changes: object) -> Incident:
    given = {
        "incident_id": new_id(),
        "trigger": T1,
        "status": IncidentStatus.OPEN,
        "severity": Severity.SEVERE,
        "scope": Scope.WIDESPREAD,
        "tenants": ("tenant-a", "tenant-b"),
        "opened_at": NOW,
        "first_window_start": NOW - timedelta(minutes=5),
        "last_alarm_window_start": NOW - timedelta(minutes=5),
        "summary": "everything burns",
        **changes,
    }
    incident = Incident(**given)  # type: ignore[arg-type]
    window = Window(NOW - timedelta(minutes=5), timedelta(minutes=5))
    with mallory.state.transaction() as state:
        state.incidents.add(incident)
        for tenant in incident.tenants:
            state.verdicts.record(
                [Verdict(incident.trigger, tenant, window, Severity.SEVERE, Scope.WIDESPREAD, "burns")], incident.incident_id
            )
    return incident


def test_a_forged_incident_with_forged_verdicts_has_people_asked_and_turns_no_flag(world, mallory):
    incident = forged_incident(mallory)
    words = ClassifyOutcome(
        incident.trigger, 1, Change.OPENED, incident.incident_id, Severity.SEVERE, Scope.WIDESPREAD, NOW - timedelta(minutes=5)
    )
    assert "roll_back" in decide(world.deps, words).actions
    assert propose_roll_back(world.deps, BALANCE, EVERYWHERE, incident.incident_id, "oncall").is_needed
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        world.roll_back(incident.incident_id)
    assert world.deps.flags.effective(BALANCE, EVERYWHERE) is True


def test_an_incident_made_worse_or_ended_by_its_row_after_people_agreed_voids_their_answer(world, mallory):
    incident = world.incident(severity=Severity.MILD, scope=Scope.ISOLATED)
    world.answer(world.ask_to_roll_back(incident))
    mallory.runs("update ledger_guard.incident set severity = 'severe', version = version + 1")
    with pytest.raises(SafetyRefusal, match="T1 severe isolated"):
        world.roll_back(incident)
    mallory.runs("update ledger_guard.incident set status = 'resolved', resolved_at = now()")
    with pytest.raises(SafetyRefusal, match="nothing to roll back for"):
        world.roll_back(incident)
    assert world.deps.flags.effective(BALANCE, EVERYWHERE) is True


def test_an_incident_ended_by_its_row_enables_no_flag_by_itself(world, mallory):
    incident = world.incident()
    world.approved_roll_back(incident)
    with world.deps.state.transaction() as state:
        ended = replace(state.incidents.get(incident), status=IncidentStatus.RESOLVED, resolved_at=NOW)
    with mallory.state.transaction() as state:
        state.incidents.save(ended)
    assert world.review_restore(incident).is_needed
    with pytest.raises(SafetyRefusal, match="no approval was asked for"):
        world.restore(incident)
    assert world.deps.flags.effective(BALANCE, EVERYWHERE) is False
