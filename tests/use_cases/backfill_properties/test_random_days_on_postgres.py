"""Random sequences of steps over real databases: guard state with the platform, and in a database of its own."""

from __future__ import annotations

import itertools

import pytest
from hypothesis.stateful import run_state_machine_as_test
from tests.use_cases.backfill.backfill_worlds import postgres_backfill_world
from tests.use_cases.backfill_kills.killed_process import small_batches
from tests.use_cases.backfill_kills.killed_worlds import QuickPlatform
from tests.use_cases.backfill_properties.backfill_machine import BackfillMachine, days
from tests.use_cases.backfill_properties.casino import Casino

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("guard", ["days_1", "days_2"], ids=["shared database", "two databases"])
def test_the_guard_keeps_its_promises_whatever_happens(guard, postgres_server, migrated_template):
    uris = {name: postgres_server.create_database(name, template=migrated_template) for name in {"days_1", guard}}
    world = postgres_backfill_world(small_batches(), uris["days_1"], uris[guard])
    world.platform = QuickPlatform(uris["days_1"])
    numbers = itertools.count(1)
    run_state_machine_as_test(
        lambda: BackfillMachine(Casino(world, f"casino_{next(numbers)}")), settings=days(examples=8, steps=12)
    )
    world.platform.session.close()
