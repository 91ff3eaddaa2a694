"""A run that is cancelled ends the script with its children, compares the tenant all the same, and is on record."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from tests.adapters.platform_script.script_worlds import HANGING, STAND_IN, ScriptWorld, is_running, until

from ledger_guard.domain.writer_leases import WriterClaim

pytestmark = pytest.mark.postgres

#: a dry-run as usual; the run itself hangs, and says so in the file `pids`
_HANGS_AFTER_ITS_DRY_RUN = f"""
import sys
if "--dry-run" in sys.argv:
    {STAND_IN.strip().replace(chr(10), chr(10) + "    ")}
else:
    {
    HANGING.strip()
    .replace(chr(10), chr(10) + "    ")
    .replace(
        'print("pids", os.getpid(), child.pid, flush=True)',
        'open("pids.new", "w").write(f"{os.getpid()} {child.pid}"); os.rename("pids.new", "pids")',
    )
}
"""


@pytest.fixture
def hanging_world(world: ScriptWorld) -> ScriptWorld:
    world.write_script(_HANGS_AFTER_ITS_DRY_RUN)
    return world


def pids(world: ScriptWorld) -> list[int]:
    return [int(word) for word in (world.folder / "pids").read_text().split()]


def once_it_hangs(world: ScriptWorld, act) -> threading.Thread:
    def wait_and_act() -> None:
        until((world.folder / "pids").exists)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def cancelled_as_it_should_be(world: ScriptWorld, outcome) -> None:
    assert (outcome.run.end.value, outcome.run.exit_code, outcome.is_done) == ("cancelled", None, False)
    assert outcome.changes.not_applied == ("lags", "none")
    assert len(pids(world)) == 2
    until(lambda: not any(map(is_running, pids(world))))
    assert world.audited()[-1]["run"]["end"] == "cancelled"


def test_cancel_ends_it_from_another_thread(hanging_world):
    runner = hanging_world.runner(term_grace_seconds=0.2)
    thread = once_it_hangs(hanging_world, runner.cancel)
    cancelled_as_it_should_be(hanging_world, hanging_world.run_script(hanging_world.planned(), runner))
    thread.join()


def test_a_later_try_that_takes_over_ends_it_within_seconds_and_writes_itself(hanging_world):
    """As a stop does: the script of a worker that was given up must not write beside the next one."""
    world, plan, ended = hanging_world, hanging_world.planned(), []

    def first_try() -> None:
        ended.append(world.run_script(plan, world.runner(term_grace_seconds=0.2), claim=WriterClaim("run 1", 1)))

    thread = threading.Thread(target=first_try)
    thread.start()
    until((world.folder / "pids").exists)
    world.write_script(STAND_IN)
    outcome = world.run_script(plan, claim=WriterClaim("run 1", 2))
    thread.join()
    assert outcome.is_done
    (orphan,) = ended
    assert (orphan.run.end.value, orphan.is_done, orphan.changes.applied) == ("cancelled", False, ())
    assert not any(map(is_running, pids(world)))
    assert [entry["run"]["end"] for entry in world.audited() if entry["step"] == "finished"] == ["cancelled", "exited"]


def test_sigterm_ends_it_and_reaches_whoever_handled_it_before(hanging_world):
    """Airflow ends a task by SIGTERM, handles it by calling `on_kill`, and kills five seconds later."""
    told = []
    previous = signal.signal(signal.SIGTERM, lambda *_: told.append("on_kill"))
    try:
        thread = once_it_hangs(hanging_world, lambda: os.kill(os.getpid(), signal.SIGTERM))
        runner = hanging_world.runner(term_grace_seconds=0.2)
        cancelled_as_it_should_be(hanging_world, hanging_world.run_script(hanging_world.planned(), runner))
        thread.join()
        assert told == ["on_kill"]
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGTERM)
        assert told == ["on_kill", "on_kill"]
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_a_run_that_hangs_is_ended_at_the_timeout_and_compared(hanging_world):
    outcome = hanging_world.run_script(hanging_world.planned(), hanging_world.runner(timeout_seconds=4, term_grace_seconds=0.2))
    assert (outcome.run.end.value, outcome.changes.not_applied) == ("timed_out", ("lags", "none"))
    until(lambda: not any(map(is_running, pids(hanging_world))))
