"""The mode in force of a matrix row: the lower of the policy's and the record's; the record alone raises, by who is proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.modes import ModeLowered, ModeRaised, ModesSeen
from ledger_guard.domain.modes import Mode, cases_of, lowest
from ledger_guard.domain.modes_on_record import RowMode
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.triggers import MatrixRow
from ledger_guard.use_cases.approvals.change_mode import fall_back, lower_mode, raise_mode
from ledger_guard.use_cases.approvals.modes import modes_now, see_modes
from ledger_guard.use_cases.approvals.status import guard_status

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
ROW, WHY, OVER = "T1 severe isolated", "two repairs were wrong", "the cause was found and fixed"
SHADOW, PROPOSE, ACT = Mode


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world(load_policy(), NOON)


def with_policy(world: MemoryWorld, policy: Policy) -> MemoryWorld:
    return replace(world, deps=replace(world.deps, policy=policy))


def with_mode(world: MemoryWorld, mode: Mode, row: str = ROW) -> MemoryWorld:
    """The same guard after somebody edited the policy's mode of a row."""
    matrix = tuple(each.model_copy(update={"mode": mode}) if each.name == row else each for each in world.deps.policy.matrix)
    return with_policy(world, world.deps.policy.model_copy(update={"matrix": matrix}))


def found(world: MemoryWorld, row: str = ROW) -> RowMode:
    with world.deps.state.snapshot() as state:
        return next(each for each in modes_now(world.deps, state) if each.row == row)


def mode(world: MemoryWorld, row: str = ROW) -> Mode:
    return found(world, row).mode


def facts(world: MemoryWorld, kind):
    with world.deps.state.snapshot() as state:
        return [(entry.event.actor, fact) for entry in state.audit.entries() if (fact := told(entry.event, kind))]


def append(world: MemoryWorld, verb: str, detail: dict[str, object], actor: str = "mallory") -> None:
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent(verb, actor, "modes", detail, world.deps.wall_clock.now()))


def raised(to: str = "act", **changes: object) -> dict[str, object]:
    return {"row": ROW, "was": "propose", "to": to, "reason": OVER, "is_proved": True, **changes}


def test_a_mode_that_is_left_out_is_propose():
    row = load_policy().matrix[0].model_dump(exclude={"mode"})
    assert MatrixRow(**row).mode is PROPOSE


def test_the_lower_mode_is_the_one_that_permits_less():
    assert (lowest(ACT, SHADOW, PROPOSE), lowest(ACT, PROPOSE), lowest(ACT)) == (SHADOW, PROPOSE, ACT)
    assert (SHADOW.is_below(PROPOSE), PROPOSE.is_below(ACT), ACT.is_below(ACT), ACT.is_below(SHADOW)) == (
        True,
        True,
        False,
        False,
    )


def test_a_row_without_a_scope_decides_both_cases():
    assert cases_of("T3 severe") == ("T3 severe isolated", "T3 severe widespread")
    assert cases_of(ROW) == (ROW,)


def test_as_shipped_only_rows_that_back_fill_act():
    for policy in (load_policy(), load_policy("include/policies/reference_platform.yaml")):
        assert {row.name for row in policy.matrix if row.mode is ACT} == {
            "T1 severe isolated",
            "T1 severe widespread",
            "T3 severe",
        }
        assert all("backfill" in row.actions for row in policy.matrix if row.mode is ACT)
        assert not [row.name for row in policy.matrix if row.mode is SHADOW]


def test_a_fresh_guard_takes_the_policys_modes_as_they_stand(world):
    assert found(world) == RowMode(ROW, ACT, ACT, None, "the policy's mode")
    assert mode(world, "T1 mild") is PROPOSE


def test_the_policys_modes_are_recorded_when_they_are_new_or_changed_and_not_again(world):
    assert (see_modes(world.deps), see_modes(world.deps)) == (True, False)
    assert found(world) == RowMode(ROW, ACT, ACT, NOON, "the policy's mode")
    assert see_modes(with_mode(world, PROPOSE).deps)
    assert [fact.modes[ROW] for _, fact in facts(world, ModesSeen)] == [ACT, PROPOSE]


def test_an_edit_of_the_policy_lowers_at_once(world):
    see_modes(world.deps)
    assert mode(with_mode(world, SHADOW)) is SHADOW


def test_an_edit_of_the_policy_raises_nothing_until_it_is_raised_on_record(world):
    low = with_mode(world, PROPOSE)
    see_modes(low.deps)
    assert found(world).why == "the policy says act now, and nobody raised it on record"
    see_modes(world.deps)
    assert mode(world) is PROPOSE
    raise_mode(world.deps, ROW, ACT, OVER, "payments-lead")
    assert (mode(world), found(world).why) == (ACT, f'raised by payments-lead, who wrote "{OVER}"')


def test_a_policy_that_was_lowered_and_raised_again_stays_low(world):
    for each in (world, with_mode(world, PROPOSE), world):
        see_modes(each.deps)
    assert mode(world) is PROPOSE


def test_a_raise_counts_no_longer_once_the_policy_was_lower_since(world):
    lower_mode(world.deps, ROW, PROPOSE, WHY, "anna", is_proved=False)
    raise_mode(world.deps, ROW, ACT, OVER, "payments-lead")
    see_modes(with_mode(world, PROPOSE).deps)
    assert mode(world) is PROPOSE


def test_a_row_that_the_policy_got_later_proposes_until_it_is_raised(world):
    """A new trigger, or any row that no health check saw at first."""
    full = world.deps.policy
    see_modes(with_policy(world, full.model_copy(update={"matrix": tuple(row for row in full.matrix if row.name != ROW)})).deps)
    assert (mode(world), found(world).why) == (PROPOSE, "new in the policy, and nobody raised it on record")
    see_modes(world.deps)
    assert (mode(world), mode(world, "T3 severe")) == (PROPOSE, ACT)
    raise_mode(world.deps, ROW, ACT, OVER, "payments-lead")
    assert mode(world) is ACT


def test_a_row_that_the_policy_splits_by_scope_keeps_what_is_on_record(world):
    see_modes(world.deps)
    lower_mode(world.deps, "T3 severe", PROPOSE, WHY, "anna", is_proved=False)
    (whole,) = (row for row in world.deps.policy.matrix if row.name == "T3 severe")
    halves = tuple(whole.model_copy(update={"scope": scope}) for scope in ("isolated", "widespread"))
    others = tuple(row for row in world.deps.policy.matrix if row is not whole)
    split = with_policy(world, world.deps.policy.model_copy(update={"matrix": (*others, *halves)}))
    assert (mode(split, "T3 severe isolated"), mode(split, "T3 severe widespread")) == (PROPOSE, PROPOSE)
    raise_mode(split.deps, "T3 severe isolated", ACT, OVER, "payments-lead")
    assert (mode(split, "T3 severe isolated"), mode(split, "T3 severe widespread")) == (ACT, PROPOSE)
    assert mode(world, "T3 severe") is PROPOSE


def test_anybody_lowers_and_the_record_says_that_the_name_was_only_stated(world):
    lowered = lower_mode(world.deps, f" {ROW} ", PROPOSE, f" {WHY} ", "anna", is_proved=False)
    assert lowered.sentence == (
        f'{ROW}: propose since 2026-03-01T12:00:00Z (policy: act): lowered by anna (stated, not proved), who wrote "{WHY}"'
    )
    assert facts(world, ModeLowered) == [("anna", ModeLowered(row=ROW, was=ACT, to=PROPOSE, reason=WHY, is_proved=False))]
    assert mode(world, "T1 severe widespread") is ACT


@pytest.mark.parametrize("to", [PROPOSE, ACT])
def test_a_mode_that_would_not_be_lower_is_refused(world, to):
    lower_mode(world.deps, ROW, PROPOSE, WHY, "anna", is_proved=False)
    with pytest.raises(SafetyRefusal, match="allowed: a mode below it"):
        lower_mode(world.deps, ROW, to, WHY, "anna", is_proved=False)
    assert len(facts(world, ModeLowered)) == 1


def test_raising_needs_an_approver_of_backfills(world):
    lower_mode(world.deps, ROW, PROPOSE, WHY, "anna", is_proved=False)
    with pytest.raises(SafetyRefusal, match=r"oncall is not an approver of backfills; allowed: ops-lead, payments-lead"):
        raise_mode(world.deps, ROW, ACT, OVER, "oncall")
    assert mode(world) is PROPOSE


def test_nobody_raises_a_row_above_the_policy(world):
    with pytest.raises(SafetyRefusal, match="allowed: at most propose, the policy's mode of this row"):
        raise_mode(world.deps, "T1 mild", ACT, OVER, "payments-lead")
    with pytest.raises(SafetyRefusal, match="allowed: a mode above it"):
        raise_mode(world.deps, ROW, ACT, OVER, "payments-lead")
    assert facts(world, ModeRaised) == []


@pytest.mark.parametrize(
    ("row", "reason", "by", "says"),
    [
        ("T1 bad", WHY, "payments-lead", "row: 'T1 bad' is unknown; allowed: T1 mild, T1 severe isolated"),
        (ROW, " 123456789 ", "payments-lead", "allowed: at least 10"),
        (ROW, WHY, "", "the name of the person is empty"),
    ],
    ids=["an unknown row", "a short reason", "no name"],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(world, row, reason, by, says):
    with pytest.raises(BadInputError, match=says):
        lower_mode(world.deps, row, PROPOSE, reason, by, is_proved=True)
    with pytest.raises((BadInputError, SafetyRefusal), match=says if by else "empty"):
        raise_mode(world.deps, row, ACT, reason, by)
    assert (mode(world), facts(world, ModeLowered), facts(world, ModeRaised)) == (ACT, [], [])


def test_the_guard_takes_a_row_back_once_and_tells_it_once(world):
    (fell,) = fall_back(world.deps, (ROW, "T1 mild", "T9 severe"), "plan p was undone", None)
    assert fell.sentence == f"{ROW}: propose since 2026-03-01T12:00:00Z (policy: act): plan p was undone"
    assert fall_back(world.deps, (ROW,), "plan q was undone", None) == ()
    assert [by for by, _ in facts(world, ModeLowered)] == ["ledger_guard"]
    (posted,) = [each.notice for each in world.notifier.posted]
    assert (posted.title, posted.is_loud) == ("lower_mode · a row fell back to propose", True)
    assert f"{ROW}: from now on a human approves each repair, because plan p was undone" in posted.summary


def test_a_row_in_shadow_stays_in_shadow(world):
    shadowed = with_mode(world, SHADOW)
    assert fall_back(shadowed.deps, (ROW,), "plan p was undone", None) == ()
    assert mode(shadowed) is SHADOW


@pytest.mark.parametrize("verb", ["lower_mode", "see_modes"])
def test_an_entry_that_can_not_be_read_lowers_every_row(world, verb):
    append(world, verb, {"row": 7})
    assert {mode(world, row) for row in world.deps.policy.modes} == {PROPOSE}


@pytest.mark.parametrize("detail", [{}, raised(is_proved=False), raised(to="everything"), raised(row="T2 mild")], ids=str)
def test_an_entry_that_can_not_be_read_or_proves_nobody_raises_nothing(world, detail):
    lower_mode(world.deps, ROW, PROPOSE, WHY, "anna", is_proved=False)
    append(world, "raise_mode", detail)
    assert mode(world) is PROPOSE


def test_the_status_names_rows_that_do_not_act_and_why_those_below_the_policy_do_not(world):
    lower_mode(world.deps, ROW, PROPOSE, WHY, "anna", is_proved=False)
    world.wall_clock.advance(timedelta(minutes=1))
    status = guard_status(world.deps)
    assert [line for line in status.lines() if line.startswith("modes")] == [
        "modes      propose, as the policy says: T1 mild, T2 mild, T2 severe isolated, T2 severe widespread, T3 mild",
        f"modes      {found(world).sentence}",
    ]
    assert status.as_json()["modes"][1] == {
        "row": ROW,
        "mode": "propose",
        "policy_mode": "act",
        "since": "2026-03-01T12:00:00Z",
        "why": found(world).why,
    }
