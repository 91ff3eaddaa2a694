"""A login with every right on guard state, and without the key, opens no rollout: freezes, overrides, comparisons, intents."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.audit.keyed_worlds import FORGED, Mallory, keyed_rollout
from tests.use_cases.flags.rollout_world import BALANCE, LINK, NOW, OWNER, ROOT_CAUSE, RUN, SIGNATURE, RolloutWorld

from ledger_guard.domain.approvals import Answer, ApprovalAnswer
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.audit_keys import NO_KEYS
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, Freeze
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import new_id
from ledger_guard.use_cases.audit.audit_log import use_audit_key
from ledger_guard.use_cases.backfill.verify import verify
from ledger_guard.use_cases.flags.attested_freezes import take_as_lifted
from ledger_guard.use_cases.flags.freeze import freeze, standing
from ledger_guard.use_cases.flags.override_freeze import end_override, override_freeze

pytestmark = pytest.mark.postgres

LIFT = """
    update ledger_guard.freeze set lifted_at = opened_at, lifted_by = 'cto', root_cause = 'none', root_cause_link = 'OPS-1',
        root_cause_owner = 'nobody', root_cause_by = 'oncall'
"""


@pytest.fixture
def world(database_uri) -> RolloutWorld:
    return keyed_rollout(database_uri)


@pytest.fixture
def mallory(database_uri) -> Mallory:
    return Mallory(database_uri)


def frozen(world: RolloutWorld, tenant_id: str = EVERYWHERE) -> Freeze:
    return freeze(world.deps, BALANCE, tenant_id, None, "drift not understood", "anna")


def stands(world: RolloutWorld, tenant_id: str = EVERYWHERE, flag: str = BALANCE) -> list[Freeze]:
    return list(standing(world.deps, flag, tenant_id).freezes)


def test_the_honest_way_lifts_a_freeze_with_the_key(world):
    kept = frozen(world, "tenant-a")
    world.memory.wall_clock.advance(timedelta(minutes=1))
    opened = frozen(world)
    assert [found.freeze_id for found in stands(world)] == [kept.freeze_id, opened.freeze_id]
    world.answer(world.ask_to_restore(None))
    world.restore(None)
    assert stands(world) == []
    assert {detail["scope"] for detail in world.audit("lift")} == {EVERYWHERE, "tenant-a"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LIFT, "its row says lifted, but lift .*: no audit entry marked with the key covers it"),
        ("update ledger_guard.freeze set tenant_id = 'tenant-c'", "its row was edited since it was opened: tenant_id"),
        (f"update ledger_guard.freeze set flag = '{SIGNATURE}'", "its row is gone or of another flag"),
        ("delete from ledger_guard.freeze", "its row is gone or of another flag"),
    ],
)
def test_an_updated_or_deleted_freeze_opens_no_rollout(world, mallory, text, why):
    opened = frozen(world)
    mallory.runs(text)
    (found,) = stands(world)
    assert (found.freeze_id, found.tenant_id, found.reason) == (opened.freeze_id, EVERYWHERE, "drift not understood")
    assert re.search(why, found.doubt)
    assert not standing(world.deps, BALANCE, "tenant-a").is_open
    incident = world.incident()
    world.resolve(incident)
    with pytest.raises(SafetyRefusal, match=f"frozen for .* by anna .*{why}"):
        world.review_restore(incident)


@pytest.mark.parametrize(
    "text", [LIFT, "update ledger_guard.freeze set tenant_id = 'tenant-c'", "delete from ledger_guard.freeze"]
)
def test_a_freeze_whose_row_was_forged_is_lifted_by_its_own_restore(world, mallory, text):
    opened = frozen(world)
    mallory.runs(text)
    world.answer(world.ask_to_restore(None))
    world.restore(None)
    assert stands(world) == []
    with world.deps.state.snapshot() as state:
        lifted = state.freezes.get(opened.freeze_id)
    assert (lifted.tenant_id, lifted.lifted_by, lifted.root_cause) == (EVERYWHERE, "payments-lead", ROOT_CAUSE)


def test_an_edited_lifting_no_longer_counts_and_is_reported_by_its_column(world, mallory):
    frozen(world)
    world.answer(world.ask_to_restore(None))
    world.restore(None)
    mallory.runs("update ledger_guard.freeze set root_cause_by = 'nobody'")
    (found,) = stands(world)
    assert "root_cause_by differs from audit entry" in found.doubt


@pytest.mark.parametrize("key", [None, FORGED])
def test_a_forged_entry_of_a_lifting_lifts_nothing(world, mallory, key):
    opened = frozen(world)
    mallory.runs(LIFT)
    subject = f"freeze:{opened.freeze_id}"
    mallory.logs(AuditEvent("lift", "cto", subject, {"attested": [{"kind": "lift", "id": opened.freeze_id}]}, NOW), key)
    told = {"stage": "done", "lifted_freezes": [opened.freeze_id], "approved_by": "cto", "root_cause": "none"}
    told |= {"root_cause_link": "OPS-1", "root_cause_owner": "nobody"}
    mallory.logs(AuditEvent("restore", "flag_restore", f"flag:{BALANCE}@*", told, NOW), key)
    assert [found.freeze_id for found in stands(world)] == [opened.freeze_id]


def test_a_freeze_row_that_no_one_attests_keeps_its_flag_frozen(world, mallory):
    with mallory.state.transaction() as state:
        state.freezes.add(Freeze(new_id(), BALANCE, EVERYWHERE, "from before the key", "anna", NOW))
    assert [found.reason for found in stands(world)] == ["from before the key"]
    mallory.runs(LIFT)
    assert [found.reason for found in stands(world)] == ["from before the key"]


def test_a_row_put_there_beforehand_does_not_keep_a_real_freeze_off_the_record(world, mallory):
    with mallory.state.transaction() as state:
        state.freezes.add(Freeze(new_id(), BALANCE, EVERYWHERE, "put there", "nobody", NOW))
    opened = frozen(world)
    assert [entry["freeze_id"] for entry in world.audit("freeze")] == [opened.freeze_id]
    mallory.runs("delete from ledger_guard.freeze")
    assert [found.freeze_id for found in stands(world)] == [opened.freeze_id]


def test_a_standing_row_that_is_put_on_record_later_keeps_who_opened_it_and_when(world, mallory):
    before = NOW - timedelta(days=1)
    with mallory.state.transaction() as state:
        state.freezes.add(Freeze(new_id(), BALANCE, EVERYWHERE, "from before the key", "anna", before))
    freeze(world.deps, BALANCE, EVERYWHERE, None, "still looked into", "bert")
    assert [(each.opened_by, each.opened_at, each.doubt) for each in stands(world)] == [("anna", before, "")]


def test_a_freeze_that_an_earlier_version_lifted_on_record_stays_lifted(world):
    earlier = Freeze(new_id(), BALANCE, EVERYWHERE, "an old one", "anna", NOW)
    words = {"root_cause": ROOT_CAUSE, "root_cause_link": LINK, "root_cause_owner": OWNER}
    lifted = replace(earlier, lifted_at=NOW, lifted_by="payments-lead", root_cause_by="oncall", **words)
    detail = {"freeze_id": earlier.freeze_id, "reason": earlier.reason}
    told = {"stage": "done", "lifted_freezes": [earlier.freeze_id], "approved_by": "payments-lead", **words}
    with world.deps.state.transaction() as state:
        state.freezes.add(earlier)
        state.freezes.lift(lifted)
        state.audit.append(AuditEvent("freeze", "anna", f"flag:{BALANCE}@*", detail, NOW))
        state.audit.append(AuditEvent("restore", "flag_restore", f"flag:{BALANCE}@*", told, NOW))
    assert stands(world) == []


def test_freezes_that_were_lifted_before_the_first_key_are_taken_as_lifted_when_a_person_brings_it_in(database_uri):
    unkeyed, keyed = keyed_rollout(database_uri, NO_KEYS), None
    frozen(unkeyed)
    unkeyed.answer(unkeyed.ask_to_restore(None))
    unkeyed.restore(None)
    standing_still = freeze(unkeyed.deps, BALANCE, "tenant-a", None, "still looked into", "anna")
    keyed = replace(unkeyed, deps=keyed_rollout(database_uri).deps)
    assert len(stands(keyed)) == 2
    with keyed.deps.state.snapshot() as state:
        keys = state.audit.keys
    use_audit_key(keyed.deps, keys, "boris")
    assert len(take_as_lifted(keyed.deps, "boris")) == 1
    assert [found.freeze_id for found in stands(keyed)] == [standing_still.freeze_id]
    assert (use_audit_key(keyed.deps, keys, "boris"), take_as_lifted(keyed.deps, "boris")) == (None, [])


# --- overrides ----------------------------------------------------------------------------------------------------


def test_an_inserted_or_edited_override_opens_no_rollout(world, mallory):
    frozen(world)
    with mallory.state.transaction() as state:
        end = NOW + timedelta(hours=4)
        state.overrides.add(FreezeOverride(new_id(), BALANCE, "tenant-a", "put there by a login", "ops-lead", NOW, end))
    assert not standing(world.deps, BALANCE, "tenant-a").is_open
    world.deps = replace(world.deps, policy=overridable(world))
    override_freeze(world.deps, BALANCE, "tenant-b", 1, "pilot agreed on with the tenant", "ops-lead")
    assert standing(world.deps, BALANCE, "tenant-b").is_open
    mallory.runs("update ledger_guard.freeze_override set tenant_id = 'tenant-c' where tenant_id = 'tenant-b'")
    assert not standing(world.deps, BALANCE, "tenant-c").is_open


def test_an_override_that_was_ended_is_not_brought_back_by_its_row(world, mallory):
    frozen(world)
    world.deps = replace(world.deps, policy=overridable(world))
    granted = override_freeze(world.deps, BALANCE, "tenant-b", 1, "pilot agreed on with the tenant", "ops-lead")
    end_override(world.deps, granted.override_id, "anna")
    mallory.runs("update ledger_guard.freeze_override set ended_at = null, ended_by = null")
    assert not standing(world.deps, BALANCE, "tenant-b").is_open


def overridable(world: RolloutWorld):
    rules = world.deps.policy.freeze.model_copy(update={"override_by": ("ops-lead",), "override_at_most_hours": 8})
    return world.deps.policy.model_copy(update={"freeze": rules})


# --- what a restore goes by ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, FORGED])
def test_a_forged_comparison_makes_no_checklist_clean(world, mallory, key):
    world.memory.ledger.set_wallet("tenant-a", "player-1", 3.0)
    verify(world.deps, "tenant-a")
    with pytest.raises(SafetyRefusal, match=r"\(tenant-a\): 1 "):
        world.review_restore(None)
    detail = {"counts": {}, "players": 1, "is_clean": True, "remaining": []}
    mallory.logs(AuditEvent("verify", "ledger_guard", "tenant:tenant-a", detail, NOW, tenant_id="tenant-a"), key)
    with pytest.raises(SafetyRefusal, match=r"\(tenant-a\): 1 "):
        world.review_restore(None)


def test_a_forged_comparison_of_a_tenant_that_was_written_since_is_reported_as_forged(world, mallory):
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent("force", "oncall", "plan:1", {}, NOW, tenant_id="tenant-a"))
    detail = {"counts": {}, "players": 1, "is_clean": True, "remaining": []}
    mallory.logs(AuditEvent("verify", "ledger_guard", "tenant:tenant-a", detail, NOW, tenant_id="tenant-a"))
    with pytest.raises(SafetyRefusal, match=r"not compared since the last write .*lacks the mark of the audit key"):
        world.review_restore(None)


def test_a_forged_intent_passes_no_restore_for_one_that_was_half_done(world, mallory):
    frozen(world)
    approval_id = world.ask_to_restore(None)
    world.answer(approval_id)
    world.memory.wall_clock.advance(timedelta(days=1))
    seen = world.deps.flags.get(BALANCE, EVERYWHERE)
    off = compare_and_set(world.deps.flags, seen, False, "mallory", "off")
    compare_and_set(world.deps.flags, off, True, "mallory", f"restore: mine (approval {approval_id})")
    detail = {"stage": "intended", "approval_id": approval_id, "from_value": False, "before": {EVERYWHERE: [False, 1]}}
    mallory.logs(AuditEvent("restore", "flag_restore", f"flag:{BALANCE}@*", {**detail, "run_id": RUN}, NOW))
    with pytest.raises(SafetyRefusal):
        world.restore(None)
    assert len(stands(world)) == 1


def test_an_inserted_answer_writes_no_flag(world, mallory):
    incident = world.incident()
    approval_id = world.ask_to_roll_back(incident)
    with mallory.state.transaction() as state:
        state.approvals.answer(ApprovalAnswer(approval_id, Answer.APPROVED, "payments-lead", NOW, "looks right to me"))
    with pytest.raises(SafetyRefusal, match=f"answer {approval_id}: no audit entry"):
        world.roll_back(incident)
    assert world.deps.flags.get(BALANCE, EVERYWHERE).is_enabled


def test_without_a_key_a_freeze_is_what_its_row_says_and_its_entries_say_unkeyed(database_uri, mallory):
    world = keyed_rollout(database_uri, NO_KEYS)
    frozen(world)
    mallory.runs(LIFT)
    assert stands(world) == []
    assert world.audit("freeze")[0]["unkeyed"] is True
    incident = world.incident()
    world.approved_roll_back(incident)
    assert world.audit("roll_back")[-1]["unkeyed"] is True
    with pytest.raises(BadInputError):
        use_audit_key(world.deps, NO_KEYS, "anna")
