"""One stack for all attacks: every run is started first, and once all of them wait for people, the attacks are played at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.attacks.hostile_policy import hostile
from tests.attacks.parents import MALLORY, Parents, forced_plan, granted, remediate_by_hand, sensed_severe
from tests.attacks.scene import Run, Scene
from tests.folders import run_folder
from tests.use_cases.audit.keyed_worlds import Mallory

#: a backfill each, by who starts it
BACKFILLS = {
    "marked_gate": "oncall",
    "marked_writer": "oncall",
    "xcom": "oncall",
    "not_assigned": "ops-lead",
    "requester": "payments-lead",
    "both_gates": "oncall",
    "no_reason": "oncall",
    "one_letter": "oncall",
    "second_answer": "oncall",
    "rerun_rejected": "oncall",
    "changed_plan": "oncall",
    "forged_answer": "oncall",
    "forged_plan": "oncall",
    "edited_plan": "oncall",
}
ROLLBACKS = ("changed_flag", "race", "rerun_used", "policy", "expired", "orphan")
#: attacks in play at the same time: most of each is waiting for the scheduler, which has four slots
AT_ONCE = 8


def pytest_configure(config: pytest.Config) -> None:
    """The word for an attack on something that all runs share."""
    config.addinivalue_line("markers", "alone: is played before the others, since it needs or changes what they share")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An attack's test is over when its play is."""
    play = pyfuncitem.funcargs.get("plays", {}).get(pyfuncitem.nodeid)
    if play is None:
        return None
    play.result()
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """The stack ends with the last attack, not with the run: else it slows down all that follows."""
    yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        scene_of_all = item._request._fixture_defs.get("scene")
        if scene_of_all is not None:
            scene_of_all.finish(item._request)


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """A running stack under a policy of its own."""
    from ledger_sandbox.stack import Stack

    folder = run_folder("attacks")
    more = {"change_policy": hostile, "more_users": {MALLORY: "user"}, "poke_seconds": 15, "preferred_port": 0}
    try:
        with Stack(folder / "sandbox", lambda _: None, **more) as stack:
            stack.wait_until_ready()
            yield Scene(stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def started(request, scene) -> tuple[dict[str, Run], Parents]:
    """Runs that wait at their first gate, one an attack, and two remediations whose runs do.

    The former only if a test that is to be run attacks one of them.
    """
    wants_victims = any("victims" in getattr(item, "fixturenames", ()) for item in request.session.items)
    check, squatted, incident_id = sensed_severe(scene)
    runs = {"silence": _asked_for_a_minute(scene)} if wants_victims else {}
    by_hand = remediate_by_hand(scene)
    if wants_victims:
        runs |= {name: scene.rollback(f"r-{name}") for name in ROLLBACKS}
        runs["race_rival"] = scene.rollback("r-race", again=True)
        forged = scene.wait_for(lambda: scene.rehearsal.incident("T2"), "the health check to judge webhooks")
        runs["warned"] = scene.rollback("r-warned", incident_id=forged.incident_id)
        runs |= {name: scene.backfill(f"b-{name}", user) for name, user in BACKFILLS.items()}
    plan_id = forced_plan(scene)
    ((sensed, _),) = granted(scene, "ledger_remediation", incident_id, 1)
    ((rolled_back, _),) = granted(scene, "flag_rollback", scene.incident_id, 1)
    backfills = {
        conf["tenant_id"]: Run("tenant_backfill", run_id, conf["tenant_id"])
        for run_id, conf in granted(scene, "tenant_backfill", incident_id, 2)
    }
    parents = Parents(
        scene,
        check,
        squatted,
        Run("ledger_remediation", sensed, ""),
        incident_id,
        backfills,
        by_hand,
        Run("flag_rollback", rolled_back, "*"),
        plan_id,
    )
    for run in (*(run for name, run in runs.items() if name != "silence"), *backfills.values(), parents.rollback):
        scene.parked(run, pause=0)
    return runs, parents


@pytest.fixture(scope="session")
def victims(started) -> dict[str, Run]:
    """Runs that wait at their first gate, one an attack."""
    return started[0]


@pytest.fixture(scope="session")
def parents(started) -> Parents:
    """Two remediations, and the runs that they started."""
    return started[1]


@pytest.fixture(scope="session")
def login(scene) -> Mallory:
    """A login with every right on guard state, and without the audit key."""
    return Mallory(scene.stack.platform_uri)


@pytest.fixture(scope="session", autouse=True)
def plays(request, scene, started, login) -> Iterator[dict[str, Future[None]]]:
    """Each attack of this folder, under way in a thread of its own."""
    given = {"scene": scene, "victims": started[0], "parents": started[1], "login": login}
    items = [item for item in request.session.items if Path(__file__).parent in item.path.parents]
    # in the order that they are written in, for one may end what another has waiting
    alone = sorted((item for item in items if item.get_closest_marker("alone")), key=lambda item: item.location)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        every = {}
        for item in alone:
            every[item.nodeid] = pool.submit(_play, item, given)
            every[item.nodeid].exception()
        yield every | {item.nodeid: pool.submit(_play, item, given) for item in items if item not in alone}


def _play(item: Any, given: dict[str, Any]) -> None:
    every = {**given, **(item.callspec.params if hasattr(item, "callspec") else {})}
    names = item._fixtureinfo.argnames
    item.obj(**{name: every[name] for name in names})


def _asked_for_a_minute(scene: Scene) -> Run:
    """A rollback whose question waits for one minute, as the policy then said."""
    kept = scene.policy.read_text(encoding="utf-8")
    short = {"valid_minutes": 1, "escalate_before_minutes": None}
    scene.change_policy(lambda document: document["approvals"]["flag_rollback"].update(short))
    try:
        run = scene.rollback("r-silence")
        scene.parked(run, pause=0)
    finally:
        scene.policy.write_text(kept, encoding="utf-8")
    return run
