"""The attacks on what a run waits for and on what the guard senses: slots, paused DAGs, ended runs, strangers, players."""

from __future__ import annotations

import pytest
from tests.attacks import floods
from tests.attacks.parents import MALLORY, granted
from tests.attacks.scene import FLAG, LONG_REASON, Run, Scene

pytestmark = [pytest.mark.stack, pytest.mark.airflow, pytest.mark.timeout(900)]

#: rollbacks that wait for an answer before any other attack is played; the eighth is a remediation's
PARKED = ("changed_flag", "race", "race_rival", "rerun_used", "expired", "orphan", "warned")


# --- slots, pauses, ended runs ------------------------------------------------------------------------------------


@pytest.mark.alone
def test_eight_parked_rollbacks_hold_no_emergency_up(scene, victims, parents):
    """On-call breaks the glass while eight questions wait; they wait on."""
    parked = {run.run_id for run in (*(victims[name] for name in PARKED), parents.rollback)}
    assert len(parked & _waiting(scene)) == 8
    run = scene.rollback("r-3am", break_glass=LONG_REASON)
    states = scene.ended(run)
    assert (states["roll_back"], scene.flag(run)[0]) == ("success", False)
    assert parked <= _waiting(scene)


@pytest.mark.alone
def test_paused_dags_and_a_question_without_a_run_are_told_by_the_next_task_of_another(scene, victims, parents):
    """No look is taken twice within a minute: the last one is dated back in the store."""
    orphan, paused = victims["orphan"], ("flag_rollback", "ledger_health_check")
    parents.ended_by_hand(orphan)
    for dag_id in paused:
        assert scene.call(MALLORY, "PATCH", f"/api/v2/dags/{dag_id}", is_paused=True).is_success
    try:
        scene.value("update ledger_guard.last_look set looked_at = looked_at - interval '1 minute' returning 1")
        conf = {"flag": FLAG, "tenant_id": orphan.tenant_id}
        refused = Run("flag_restore", scene.user("oncall").trigger("flag_restore", conf), orphan.tenant_id)
        parents.refused(refused, "review")
    finally:
        for dag_id in paused:
            scene.call(MALLORY, "PATCH", f"/api/v2/dags/{dag_id}", is_paused=False)
    for dag_id in paused:
        assert parents.told(f"watch · {dag_id} · paused", "its runs do not begin, emergencies included")
    assert parents.told("watch · questions without a run", f"{FLAG}@{orphan.tenant_id}, asked by oncall")
    (question,) = scene.approvals(orphan)
    assert (question.orphaned_at is None, question.answer) == (False, None)


def _waiting(scene: Scene) -> set[str]:
    return {gate["task_instance"]["dag_run_id"] for gate in scene.user("admin").waiting_gates("flag_rollback")}


# --- forged signals -----------------------------------------------------------------------------------------------


def test_downgrade_by_anonymous(scene, parents):
    """Wrongly signed webhooks by the hundred, while as many genuine ones as ever are accepted."""
    incident_id, states, actions = _remediated(scene, "T2")
    assert (states["start_rollback"], actions) == ("skipped", {("roll_back", FLAG): "refused"})
    assert _children(scene, incident_id) == 0
    assert scene.value("select count(*) from ledger_guard.rotation_plan where incident_id = %s", incident_id) == 0
    assert parents.told("Likely forged: do not roll back", "genuine calls were accepted while")
    assert parents.told("No repair is proposed: refused webhooks are likely forged")


def test_question_about_forged_webhooks_warns_first(scene, victims, parents):
    """A person asks for the rollback all the same: the page, the channel and the record begin with the warning."""
    run = victims["warned"]
    warning = "Likely forged: do not roll back. "
    assert scene.parked(run, pause=0)["body"].startswith(warning)
    assert scene.approvals(run)[0].request.proposal.startswith(warning)
    assert scene.wait_for(lambda: parents.told(warning, run.run_id), "the question to be told")


def test_players_who_overdraw(scene, parents):
    """The flag is on for them, and no wallet of theirs is behind: neither a rollback nor a backfill would help them."""
    incident_id, states, actions = _remediated(scene, "T1")
    refused = {("roll_back", "ledger_enforce_balance"), *(("backfill", tenant_id) for tenant_id in floods.TENANTS)}
    assert actions == dict.fromkeys(refused, "refused")
    assert (states["start_rollback"], states["start_backfills"]) == ("skipped", "skipped")
    assert _children(scene, incident_id) == 0
    assert parents.told(f"short of funds in {len(floods.TENANTS)} of {len(floods.TENANTS)} tenants")
    assert parents.told("No repair is proposed: players are short of funds")


def _remediated(scene: Scene, trigger: str) -> tuple[str, dict[str, str], dict[tuple[str, str], str]]:
    """What the health check found severe and widespread, how its remediation ended, and what became of each repair."""
    incident = scene.wait_for(lambda: scene.rehearsal.incident(trigger), f"the health check to judge {trigger}")
    assert incident.described == f"{trigger} severe widespread"
    assert incident.tenants == floods.TENANTS
    ((run_id, _),) = granted(scene, "ledger_remediation", incident.incident_id, 1)
    states = scene.ended(Run("ledger_remediation", run_id, ""))
    actions = scene.rehearsal.look(lambda state: state.actions.of_incident(incident.incident_id))
    repairs = [each for each in actions if each.kind in ("roll_back", "backfill")]
    return incident.incident_id, states, {(each.kind, each.target): each.status.value for each in repairs}


def _children(scene: Scene, incident_id: str) -> int:
    """Runs of backfills and rollbacks that have leave for an incident."""
    query = "select count(*) from ledger_guard.run_grant where incident_id = %s and dag_id <> 'ledger_remediation'"
    return int(scene.value(query, incident_id))
