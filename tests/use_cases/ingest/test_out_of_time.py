"""Log lines that come too late or are ahead of the clock: counted, told once, and no watermark runs ahead of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from access_lines import JSON_LINE, NOW, POLICY

from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.log_file import AccessLogFile
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.access_events import NamedTenants
from ledger_guard.domain.signals import SensedWindow, WindowState
from ledger_guard.domain.windows import Window
from ledger_guard.use_cases.approvals.held_up import tell_held_up
from ledger_guard.use_cases.ingest.ingest_access_log import ingest_access_log

SECOND, FIVE, HOUR = timedelta(seconds=1), timedelta(minutes=5), timedelta(hours=1)
SKEW = timedelta(seconds=POLICY.sensing.clock_skew_seconds)
TRIGGERS = tuple(POLICY.access_events())
#: both triggers of the access log are sensed through here
SENSED_THROUGH = Window.containing(NOW, FIVE).start


@pytest.fixture
def world():
    return memory_world(POLICY, NOW)


def sensed(world, triggers=TRIGGERS):
    with world.state.transaction() as state:
        window = Window(SENSED_THROUGH - FIVE, FIVE)
        state.readings.record([SensedWindow(trigger, window, WindowState.COMPLETE, "", NOW) for trigger in triggers], [])


def ingest(world, kept, tmp_path, *moments, name="a.log"):
    lines = [
        json.dumps({**json.loads(JSON_LINE), "request_id": f"{name}-{number}", "timestamp": moment.isoformat()})
        for number, moment in enumerate(moments)
    ]
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines))
    mapping = POLICY.access_log["ingress_json"]
    events = LineEvents(mapping, None, NOW, [], NamedTenants(list), SKEW)
    log = AccessLogFile(path, "jsonl", "ingress_json", mapping, events)
    outcome = ingest_access_log(world.deps, kept.store, [log], actor="ops")
    return outcome.files[0], outcome.complete_through


def alerts(world):
    with world.state.transaction() as state:
        return {each.kind.value: each.detail for each in state.guard_alerts.standing()}


@pytest.mark.parametrize(("ahead", "accepted"), [(SKEW, 1), (SKEW + SECOND, 0)], ids=["at", "above"])
def test_a_host_may_be_ahead_by_what_the_policy_allows(world, kept, tmp_path, ahead, accepted):
    file, _ = ingest(world, kept, tmp_path, NOW - FIVE, NOW + ahead)
    assert (file.accepted, file.from_future) == (1 + accepted, 1 - accepted)


@pytest.mark.parametrize("ahead", [timedelta(0), SKEW, timedelta(days=3650)], ids=["now", "within the skew", "ten years"])
def test_the_source_is_never_complete_beyond_now(world, kept, tmp_path, ahead):
    _, through = ingest(world, kept, tmp_path, NOW - FIVE, NOW + ahead)
    assert through == kept.complete_through() == (NOW if ahead <= SKEW else NOW - FIVE)


def test_lines_that_are_ahead_are_counted_and_told_once(world, kept, tmp_path):
    for name in ("a.log", "b.log"):
        ingest(world, kept, tmp_path, NOW, NOW + HOUR, NOW + 2 * HOUR, name=name)
        tell_held_up(world.deps)
    assert alerts(world)["future"].startswith("2 log lines were more than 60 s ahead of the clock and were refused")
    assert [posted.notice.title for posted in world.notifier.posted] == ["watch · access_events · future"]


@pytest.mark.parametrize(("age", "late"), [(HOUR, 0), (HOUR + SECOND, 1)], ids=["at", "above"])
def test_a_line_that_comes_after_its_window_was_settled_is_stored_and_counted_as_too_late(world, kept, tmp_path, age, late):
    sensed(world)
    file, _ = ingest(world, kept, tmp_path, SENSED_THROUGH - age)
    assert (file.accepted, file.too_late) == (1, late)
    assert bool(alerts(world)) is bool(late)


def test_what_comes_a_second_time_is_not_late_but_known(world, kept, tmp_path):
    old = SENSED_THROUGH - 2 * HOUR
    ingest(world, kept, tmp_path, old)
    sensed(world)
    file, _ = ingest(world, kept, tmp_path, old)
    assert (file.already_known, file.too_late) == (1, 0)


def test_the_history_that_a_first_check_will_read_is_not_late(world, kept, tmp_path):
    sensed(world, TRIGGERS[:1])
    file, _ = ingest(world, kept, tmp_path, NOW - timedelta(days=3))
    assert file.too_late == 0


def test_late_lines_are_told_once_and_their_number_is_on_record(world, kept, tmp_path):
    sensed(world)
    for name in ("a.log", "b.log"):
        file, _ = ingest(world, kept, tmp_path, SENSED_THROUGH - 2 * HOUR, SENSED_THROUGH - 3 * HOUR, name=name)
        assert file.too_late == 2
        tell_held_up(world.deps)
    assert len(world.notifier.posted) == 1
    assert "2 log lines of before" in world.notifier.posted[0].notice.summary


def test_a_file_without_any_out_of_time_raises_no_alert(world, kept, tmp_path):
    sensed(world)
    ingest(world, kept, tmp_path, NOW - FIVE, NOW)
    assert alerts(world) == {}
