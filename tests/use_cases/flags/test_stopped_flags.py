"""A stopped guard writes no flag, not to the safe value either."""

from __future__ import annotations

import pytest
from tests.use_cases.flags.rollout_world import BALANCE, rollout_world

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.use_cases.bounds.stop import release, stop


def test_a_rollback_that_was_approved_is_held_and_made_after_the_release():
    world = rollout_world()
    world.memory.flags.put(BALANCE, "*", True)
    incident_id = world.incident()
    world.answer(world.ask_to_roll_back(incident_id))
    stop(world.deps, "the flag store answers for another platform", "anna", is_proved=True)
    with pytest.raises(SafetyRefusal, match=r"the guard is stopped since .* by anna"):
        world.roll_back(incident_id)
    assert world.deps.flags.effective(BALANCE, "*") is True
    assert [each["why"] for each in world.audit("roll_back") if each.get("stage") == "refused"]
    release(world.deps, "it was the staging store's cache", "payments-lead", is_proved=True)
    world.roll_back(incident_id)
    assert world.deps.flags.effective(BALANCE, "*") is False
