"""Whatever came late within the lateness, and in whichever order: verdicts and memory are those of the final readings."""

import random
from datetime import timedelta

import numpy as np
import pytest
from health_worlds import LENGTH, POLICY, window, world_at
from tests.triggers import T1

from ledger_guard.detection.engine import WindowBatch
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.signals import Reading
from ledger_guard.signals.registry import nouns_of
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense

TENANTS = ("a", "b", "c", "d", "e", "f")
HISTORY, STEPS = 150, 60
#: windows that late data may change when the newest one has closed
REVISABLE = timedelta(hours=1) // LENGTH


def traffic(chance, number, tenant):
    """A quiet tenant, except for a spike of its own and one of all."""
    rate = 0.3 if tenant == "b" and 170 <= number < 176 else 0.15 if 190 <= number < 194 else 0.02
    exposure = chance.randint(40, 200)
    return Reading(T1, tenant, window(number), sum(chance.random() < rate for _ in range(exposure)), exposure, 0)


def by_hand(readings, windows):
    """Verdicts and memory of an engine that sees the final readings from the beginning."""
    engine = make_engine(POLICY, T1, nouns=nouns_of(POLICY, T1))
    verdicts = []
    for number in range(windows):
        tenants = sorted(tenant for tenant, of_window in readings if of_window == number)
        rows = [readings[tenant, number] for tenant in tenants]
        figures = {name: [getattr(row, name) for row in rows] for name in ("events", "exposure", "subjects")}
        verdicts += engine.judge(
            WindowBatch(
                window(number),
                tuple(tenants),
                np.array(figures["events"], dtype=np.int64),
                np.array(figures["exposure"], dtype=np.float64),
                np.array(figures["subjects"], dtype=np.float64),
            )
        )
    return verdicts, engine.dump()


@pytest.mark.parametrize("seed", [0, 1])
def test_verdicts_and_memory_are_those_of_the_final_readings(seed):
    chance = random.Random(seed)
    final = {(tenant, number): traffic(chance, number, tenant) for number in range(HISTORY + STEPS) for tenant in TENANTS}
    world = world_at(window(HISTORY).start)
    world.signals.deliver(reading for (_, number), reading in final.items() if number < HISTORY)
    world.signals.complete(T1, window(HISTORY).start)
    sense(world.deps, T1)
    classify(world.deps, T1)
    late, judged_again = [], 0
    for number in range(HISTORY, HISTORY + STEPS):
        for tenant in TENANTS:
            reading = final[tenant, number]
            if tenant == "a" or chance.random() < 0.9:
                # some rows come whole; of others some attempts, or everything, come within the hour
                world.signals.deliver([reading])
                continue
            if chance.random() < 0.5:
                world.signals.deliver([Reading(T1, tenant, window(number), reading.events // 2, reading.exposure // 2, 0)])
            late.append((number + chance.randrange(REVISABLE), reading))
        world.signals.complete(T1, window(number).end)
        world.clock.advance(window(number).end - world.clock.now())
        world.signals.deliver(reading for due, reading in late if due == number)
        late = [(due, reading) for due, reading in late if due > number]
        sense(world.deps, T1)
        if chance.random() < 0.8:
            judged_again += classify(world.deps, T1).judged_again
    world.signals.deliver(reading for _, reading in late)
    sense(world.deps, T1)
    judged_again += classify(world.deps, T1).judged_again

    verdicts, memory = by_hand(final, HISTORY + STEPS)
    with world.deps.state.transaction() as state:
        stored = state.verdicts.between(T1, window(0).start, window(HISTORY + STEPS).start)
        assert judged_again > STEPS
        assert {(each.window.start, each.tenant_id): each for each in stored} == {
            (each.window.start, each.tenant_id): each for each in verdicts
        }
        assert state.verdicts.engine_state(T1) == memory
        assert any(each.severity.is_alarm for each in stored)
