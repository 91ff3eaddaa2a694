"""One stack for all attacks; every run is started first and attacked once all of them wait for people."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.attacks.scene import Run, Scene, hostile

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
}
ROLLBACKS = ("changed_flag", "race", "rerun_used", "policy", "expired")


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """A running stack under a policy of its own."""
    from ledger_sandbox.stack import Stack

    folder = Path(tempfile.mkdtemp(prefix="ledger-guard-attacks-"))
    try:
        with Stack(folder / "sandbox", lambda _: None, change_policy=hostile) as stack:
            stack.wait_until_ready()
            yield Scene(stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def victims(scene) -> dict[str, Run]:
    """Runs that wait at their first gate, one an attack."""
    runs = {"silence": _asked_for_a_minute(scene)}
    runs |= {name: scene.rollback(f"r-{name}") for name in ROLLBACKS}
    runs["race_rival"] = scene.rollback("r-race", again=True)
    runs |= {name: scene.backfill(f"b-{name}", user) for name, user in BACKFILLS.items()}
    for name, run in runs.items():
        if name != "silence":
            scene.parked(run, pause=0)
    return runs


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
