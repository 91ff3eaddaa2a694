"""Random sequences of steps over the in-memory world: fast, so many of them."""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test
from tests.use_cases.backfill.backfill_worlds import TENANT, memory_backfill_world
from tests.use_cases.backfill_kills.killed_process import small_batches
from tests.use_cases.backfill_properties.backfill_machine import BackfillMachine, days
from tests.use_cases.backfill_properties.casino import Casino


def test_the_guard_keeps_its_promises_whatever_happens_in_memory():
    policy = small_batches()
    run_state_machine_as_test(
        lambda: BackfillMachine(Casino(memory_backfill_world(policy), TENANT)), settings=days(examples=150, steps=25)
    )
