"""What people are called for now, and whether a pager works."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.wake import Matter, Route, calls_on_record, silences_on_record
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.wake.matters import matters_now


def calls_now(deps: Dependencies) -> list[str]:
    """A line for each matter: its title, who was called, who took it, and when who is called next."""
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        matters = matters_now(deps, state)
        silences = (*deps.policy.wake.planned_silences(now), *silences_on_record(state.audit, now))
        found = [(matter, calls_on_record(state.audit, matter, now)) for matter in matters]
    lines = []
    for matter, calls in found:
        route = deps.policy.wake.route_for(matter, now)
        silenced = next((each for each in silences if each.covers(matter, now)), None)
        if calls.acknowledged_by is not None:
            course = f"taken by {calls.acknowledged_by}"
        elif silenced is not None:
            course = f"silenced until {iso(silenced.ends_at)}"
        elif route is None:
            course = "no route fits: nobody is called"
        else:
            course = _next(route, calls.called, (calls.began_at or now))
        called = f"called: {', '.join(sorted(calls.called))}; " if calls.called else ""
        failed = "".join(f"{name} failed: {why}; " for name, why in calls.failed.items())
        lines.append(f"{matter.title}: {called}{failed}{course}")
    return lines


def _next(route: Route, called: frozenset[str], began_at: datetime) -> str:
    for step in route.steps:
        left = [name for name in step.pagers if name not in called]
        if left:
            return f"next: {', '.join(left)} at {iso(began_at + timedelta(minutes=step.after_minutes))}"
    return "everybody was called, nobody has taken it"


def try_pager(deps: Dependencies, name: str) -> str:
    """Call through one pager and end the call at once; returns a sentence.

    Raises:
        BadInputError: the policy names no such pager.
        PagingFailed: it did not take the call.
    """
    if name not in deps.pagers:
        allowed = ", ".join(sorted(deps.pagers)) or "none: the policy's section wake names no pager"
        raise BadInputError(f"pager {name}: is unknown; allowed: {allowed}")
    key = f"test:{iso(deps.wall_clock.now())}"
    text = "This is a test. Nothing is wrong, and nothing has to be done."
    matter = Matter(key, "test", "", frozenset(), "", "Ledger Guard: test call", text, (), None)
    deps.pagers[name].open(matter, again=False)
    deps.pagers[name].end(key, "Ledger Guard: test call", "The test is over.")
    return f"{name} took a call and its end"
