"""A health check in memory that runs window by window."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from health_worlds import NOON, deliver, reading, window, world_at
from tests.triggers import T1

from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense

#: events and exposure as the plain rule judges them
QUIET, MILD, SEVERE, FEW = (1, 100), (30, 100), (80, 100), (1, 2)
PATIENCE = timedelta(seconds=660)


class Checks:
    """A world whose health check runs window by window."""

    def __init__(self, healthy_windows=6):
        self.world = world_at(window(healthy_windows).start)
        self.deps = self.world.deps
        self.next = healthy_windows
        deliver(self.world, T1, range(healthy_windows), {"a": QUIET, "b": QUIET, "c": QUIET})
        sense(self.deps, T1)
        self.first = classify(self.deps, T1)

    def window(self, **rates):
        """One more window, sensed and judged."""
        self.sensed(**rates)
        return classify(self.deps, T1)

    def sensed(self, **rates):
        deliver(self.world, T1, range(self.next, self.next + 1), {"a": QUIET, "b": QUIET, "c": QUIET, **rates})
        self._close()

    def blind_window(self):
        """One more window that the source never delivered."""
        self.world.signals.go_away("away")
        self._close(PATIENCE)
        outcome = classify(self.deps, T1)
        self.world.signals.come_back()
        self.world.clock.advance(-PATIENCE)
        return outcome

    def late(self, number, **rates):
        """Late data for a window that was judged; sensed, not yet judged again."""
        self.world.signals.deliver(reading(T1, tenant, number, *rate) for tenant, rate in rates.items())
        sense(self.deps, T1)

    def _close(self, late=timedelta(0)):
        self.next += 1
        self.world.clock.advance(window(self.next).start + late - self.world.clock.now())
        sense(self.deps, T1)

    @property
    def incident(self):
        with self.deps.state.transaction() as state:
            return state.incidents.open_for(T1)

    def save(self, **fields):
        with self.deps.state.transaction() as state:
            return state.incidents.save(replace(state.incidents.open_for(T1), **fields))

    def act(self, kind, target, status=ActionStatus.STARTED, started=None, finished=None):
        with self.deps.state.transaction() as state:
            found = state.incidents.open_for(T1)
            action = Action(
                f"{kind}-{target}", found.incident_id, kind, target, status, started or self.world.clock.now(), finished
            )
            state.actions.start(action)
            if status is not ActionStatus.STARTED:
                state.actions.finish(action)

    def verdicts(self, number=None):
        start, end = (NOON, window(self.next).end) if number is None else (window(number).start, window(number).end)
        with self.deps.state.transaction() as state:
            return {(each.window.start, each.tenant_id): each.severity for each in state.verdicts.between(T1, start, end)}

    @property
    def quarantined(self):
        with self.deps.state.transaction() as state:
            return json.loads(state.verdicts.engine_state(T1))[3][-1]
