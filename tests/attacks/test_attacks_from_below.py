"""The attacks on what lies below a run: the platform's money and what the guard wrote of it, rows of guard state, locks.

What a database login does is done with a login of its own; the runs are real, and so is what writes in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.attacks.scene import FLAG, REASON, Run, Scene

from ledger_guard.adapters.postgres.wallet_rows import writer_lock_key
from ledger_guard.domain.approvals import Answer, ApprovalAnswer, ApprovalRequest
from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plan_rows import hash_of_lines, lines_of
from ledger_guard.domain.plans import Plan, plan_hash

pytestmark = [pytest.mark.stack, pytest.mark.airflow, pytest.mark.timeout(1800)]

UNTOUCHED = 20


# --- money --------------------------------------------------------------------------------------------------------


def test_minted_money(scene, parents):
    """A player row is raised by the amount of its deposit, as if that had never arrived; the guard saw the tenant before.

    Another player's wallet is really behind, so the run does write.
    """
    run = Run("tenant_backfill", "", "p-minted")
    scene.tenant(run.tenant_id)
    scene.mended(run.tenant_id)
    behind, minted = f"{run.tenant_id}1", f"{run.tenant_id}2"
    scene.value(
        "with nothing_before as (update player set balance_real_available = 0 where id = %s),"
        " deposited as (update ledgertransaction set amount = 499.90 where player_id = %s)"
        " update walletbalance set balance_real_available = 499.90 where player_id = %s returning 1",
        *(minted, minted, minted),
    )
    assert scene.rehearsal.command("backfill", "verify", "--tenant-id", run.tenant_id).returncode == 0
    scene.value("update walletbalance set balance_real_available = 1 where player_id = %s returning 1", behind)
    scene.value("update player set balance_real_available = 499.90 where id = %s returning 1", minted)
    states = _ended(scene, run, "force")
    plan = scene.rehearsal.look(lambda state: state.plans.latest(run.tenant_id))
    assert (states["force"], plan.counts.stale_wallet, plan.counts.unexplained) == ("success", 1, 1)
    assert (_wallet(scene, behind), _wallet(scene, minted)) == (101, 499.90)
    assert "1 for a human to review" in parents.action(scene.incident_id, "backfill", run.tenant_id).outcome


def test_guardrails_split_over_two_modes(scene):
    """3 missing wallets and 3 stale ones of 20 players: each within the quarter that needs no approval, together not."""
    run = Run("tenant_backfill", "", "p-split")
    scene.tenant(run.tenant_id)
    scene.mended(run.tenant_id, 1, 2, 3)
    missing = [f"{run.tenant_id}{number}" for number in (4, 5, 6)]
    scene.value("with gone as (delete from walletbalance where player_id = any(%s)) select 1", missing)
    scene.value("with unbooked as (delete from ledgertransaction where player_id = any(%s)) select 1", missing)
    assert _ended(scene, run, "create-missing")["force"] == "success"
    assert [_wallet(scene, player_id) for player_id in missing] == [100, 100, 100]
    second = _started(scene, run, "force")
    scene.parked(second, pause=0)
    plan = scene.rehearsal.look(lambda state: state.plans.latest(run.tenant_id))
    exceeded = "share_of_players 0.3 (0.15 of it written within 24 h before) > max_share_of_players 0.25"
    assert (plan.guardrails_exceeded, scene.wrong_wallets(run)) == ((exceeded,), 3)


def _started(scene: Scene, run: Run, mode: str) -> Run:
    conf = {"tenant_id": run.tenant_id, "operation": "backfill", "mode": mode, "incident_id": scene.incident_id}
    return Run(run.dag_id, scene.user("oncall").trigger(run.dag_id, conf), run.tenant_id)


def _ended(scene: Scene, run: Run, mode: str) -> dict[str, str]:
    """How a backfill of the run's tenant ends that needs nobody's approval."""
    return scene.ended(_started(scene, run, mode))


def _wallet(scene: Scene, player_id: str) -> float:
    return float(scene.value("select balance_real_available from walletbalance where player_id = %s", player_id))


# --- rows of guard state, without the audit key -------------------------------------------------------------------


def test_approvals_inserted_into_the_store(scene, victims, login):
    run = victims["forged_answer"]
    first = scene.approvals(run)[0].request
    with login.state.transaction() as state:
        state.approvals.answer(_yes(scene, first, "payments-lead"))
    scene.mark(run, "request_approval")
    scene.parked_or_ended(run)
    second = replace(first, approval_id=new_id(), task_id="request_second_approval", ordinal=2)
    with login.state.transaction() as state:
        state.approvals.request(second)
        state.approvals.answer(_yes(scene, second, "ops-lead"))
    scene.mark(run, "request_second_approval")
    scene.failed(run, "force")
    assert scene.wrong_wallets(run) == UNTOUCHED
    refused = scene.refusals(run, "force")
    assert f"answer {first.approval_id}: no audit entry marked with the key covers it" in refused
    assert f"question {second.approval_id}: no audit entry marked with the key covers it" in refused


def test_plan_inserted_into_the_store(scene, victims, login):
    """Within the guardrails, with a hash of its own; it would take a deposit away that only the ledger tells of."""
    run = victims["forged_plan"]
    robbed = f"{run.tenant_id}1"
    scene.value("update walletbalance set balance_real_available = 101 where player_id = %s returning 1", robbed)
    forged = _erasing(scene, run, robbed)
    with login.state.transaction() as state:
        state.plans.add(forged)
    login.runs(
        "update ledger_guard.run_note set content = jsonb_set(content, '{plan_id}', to_jsonb(%s::text))"
        " where run_id = %s and name = 'plan'",
        *(forged.plan_id, run.run_id),
    )
    _marked_by_hand(scene, run)
    assert (_wallet(scene, robbed), scene.wrong_wallets(run)) == (101, UNTOUCHED - 1)
    assert f"plan {forged.plan_id}: no audit entry marked with the key covers it" in scene.refusals(run, "force")


def test_guardrails_edited_in_the_store(scene, victims, login):
    run = victims["edited_plan"]
    edit = "update ledger_guard.plan set players = 1000000, guardrails_exceeded = '{}' where tenant_id = %s"
    login.runs(edit, run.tenant_id)
    _marked_by_hand(scene, run)
    assert scene.wrong_wallets(run) == UNTOUCHED
    assert "guardrails_exceeded, players differs from audit entry" in scene.refusals(run, "force")


def test_freeze_lifted_in_the_store(scene, parents, login):
    """It is an incident's; a restore that is none of that incident's is refused for it all the same."""
    run = Run("flag_restore", "", "p-frozen")
    scene.tenant(run.tenant_id)
    scene.value("update rollout_flag set is_enabled = false where tenant_id = %s returning 1", run.tenant_id)
    frozen = ("--flag", FLAG, "--tenant-id", run.tenant_id, "--incident", scene.incident_id)
    why = ("--reason", "drift not understood", "--by", "anna")
    assert scene.rehearsal.command("rollout", "freeze", *frozen, *why).returncode == 0
    login.runs(
        "update ledger_guard.freeze set lifted_at = opened_at, lifted_by = 'cto', root_cause = 'none',"
        " root_cause_link = 'OPS-1', root_cause_owner = 'nobody', root_cause_by = 'oncall' where tenant_id = %s",
        run.tenant_id,
    )
    conf = {
        "flag": FLAG,
        "tenant_id": run.tenant_id,
        "root_cause": "a deploy put placeholders in the place of every secret",
        "root_cause_link": "OPS-2",
        "root_cause_owner": "platform-team",
        "validation": {"environment": "test", "passed": True, "reference": "run 12"},
    }
    run.run_id = scene.user("oncall").trigger("flag_restore", conf)
    told = parents.refused(run, "review")
    assert f"frozen for tenant {run.tenant_id} by incident {scene.incident_id}" in told
    assert "its row says lifted, but lift" in told
    assert (scene.ended(run)["restore"], scene.flag(run)[0]) == ("upstream_failed", False)


def _yes(scene: Scene, request: ApprovalRequest, by: str) -> ApprovalAnswer:
    return ApprovalAnswer(request.approval_id, Answer.APPROVED, by, scene.value("select now()"), REASON)


def _marked_by_hand(scene: Scene, run: Run) -> None:
    """Both gates are marked as success, and force is tried."""
    scene.mark(run, "request_approval")
    scene.parked_or_ended(run)
    scene.mark(run, "request_second_approval")
    scene.failed(run, "force")


def _erasing(scene: Scene, run: Run, player_id: str) -> Plan:
    """The run's own plan made over: it sets this one wallet from 101 to what the player row holds."""
    honest = scene.rehearsal.look(lambda state: state.plans.get(state.plans.latest(run.tenant_id).plan_id))
    row = replace(
        honest.rows[0],
        player_id=player_id,
        cause=RowCause.STALE_WALLET,
        reason=RowReason.ACCOUNTED,
        player_available=10_000,
        wallet_available=10_100,
        target_available=10_000,
        opening=0,
        wallet_only=0,
        player_only=0,
    )
    lines = hash_of_lines(lines_of([row]))
    own_hash = plan_hash(run.tenant_id, honest.mode, honest.currency, lines, honest.flag_state, policy_hash=honest.policy_hash)
    return replace(honest, plan_id=new_id(), plan_hash=own_hash, rows=(row,), guardrails_exceeded=())


# --- locks --------------------------------------------------------------------------------------------------------


def test_reader_holds_the_writers_lock(scene):
    """A login that may only read takes the keys of a tenant's writer, as far as it can know them."""
    run = Run("tenant_backfill", "", "p-locked")
    scene.tenant(run.tenant_id)
    scene.mended(run.tenant_id, 1)
    with _reader(scene) as reader:
        key = writer_lock_key(run.tenant_id)
        reader.execute("select pg_advisory_lock(%s)", [key])
        for slot in range(100):
            reader.execute("select pg_advisory_lock(%s, %s)", [key, slot])
        reader.commit()
        assert _ended(scene, run, "force")["force"] == "success"
        held = reader.execute("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()").fetchone()
    assert (scene.wrong_wallets(run), held) == (0, (101,))


@contextmanager
def _reader(scene: Scene) -> Iterator[psycopg.Connection]:
    with psycopg.connect(scene.stack.platform_uri) as connection:
        connection.execute("create role attacks_reader login; grant select on walletbalance to attacks_reader")
    with psycopg.connect(make_conninfo(scene.stack.platform_uri, user="attacks_reader")) as reader:
        yield reader
