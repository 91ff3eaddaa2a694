"""Who is due to be called, in which hours, and when nobody is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from ledger_guard.domain.audit import GENESIS_HASH, AuditEntry, chained
from ledger_guard.domain.audit_keys import AuditKey, AuditKeys
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.wake import CallAcknowledged, CallEnded, CallsSilenced, PeopleCalled, SilenceEnded
from ledger_guard.domain.wake import (
    Calls,
    Hours,
    Matter,
    Route,
    Silence,
    Step,
    Weekday,
    calls_on_record,
    due,
    silences_on_record,
)

NOW = datetime(2026, 3, 4, 3, 0, tzinfo=timezone.utc)
STEPS = (Step(0, ("first", "also")), Step(15, ("second",)), Step(30, ("third",)))
EVERY_DAY = tuple(Weekday)


def matter(trigger: str = "T1", tenants: frozenset[str] = frozenset({"acme"}), owner: str = "oncall") -> Matter:
    return Matter("incident:1", "severe", trigger, tenants, owner, "title", "text", (), "1")


def calls(minutes_ago: float | None = None, called: str = "", failed: str = "", taken: str | None = None) -> Calls:
    began = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return Calls(began, frozenset(called.split()), dict.fromkeys(failed.split(), "down"), taken)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(calls(), "first also", id="nobody was called yet"),
        pytest.param(calls(0, "first"), "also", id="one of the first step is left"),
        pytest.param(calls(14.99, "first also"), "", id="just before the second step"),
        pytest.param(calls(15, "first also"), "second", id="at the second step"),
        pytest.param(calls(31, "first also"), "second third", id="after an outage both later steps"),
        pytest.param(calls(31, "first also second third"), "", id="everybody was called"),
        pytest.param(calls(1, "also", "first"), "first", id="who failed is tried again, and the other one was reached"),
        pytest.param(calls(1, "", "first also"), "first also second", id="a step that failed brings the next one forward"),
        pytest.param(calls(1, "", "first also second"), "first also second third", id="and the one after it"),
        pytest.param(calls(31, "first also", taken="anna"), "", id="somebody has taken it"),
    ],
)
def test_who_is_called_now(found, expected):
    assert " ".join(due(STEPS, found, NOW)) == expected


@pytest.mark.parametrize(
    ("begin", "end", "local", "included"),
    [
        pytest.param("08:00", "20:00", "07:59", False, id="before"),
        pytest.param("08:00", "20:00", "08:00", True, id="begins"),
        pytest.param("08:00", "20:00", "20:00", False, id="has ended"),
        pytest.param("22:00", "07:00", "21:59", False, id="before the night"),
        pytest.param("22:00", "07:00", "22:00", True, id="in the evening"),
        pytest.param("22:00", "07:00", "06:59", True, id="in the morning"),
        pytest.param("22:00", "07:00", "07:00", False, id="the night is over"),
    ],
)
def test_hours_of_the_day_are_those_of_their_zone(begin, end, local, included):
    zone = ZoneInfo("Europe/Istanbul")
    hours = Hours(time.fromisoformat(begin), time.fromisoformat(end), zone, EVERY_DAY)
    moment = datetime.combine(NOW.date(), time.fromisoformat(local), zone)
    assert hours.include(moment.astimezone(timezone.utc)) is included


def test_a_night_belongs_to_the_day_on_which_it_begins():
    friday_night = Hours(time(22), time(7), timezone.utc, (Weekday.FRIDAY,))
    assert friday_night.include(datetime(2026, 3, 6, 23, tzinfo=timezone.utc))
    assert friday_night.include(datetime(2026, 3, 7, 6, 59, tzinfo=timezone.utc))
    assert not friday_night.include(datetime(2026, 3, 6, 6, 59, tzinfo=timezone.utc))
    assert not friday_night.include(datetime(2026, 3, 7, 23, tzinfo=timezone.utc))


def test_hours_follow_daylight_saving_time():
    """08:00 in Berlin is 07:00 UTC in winter and 06:00 UTC in summer."""
    hours = Hours(time(8), time(9), ZoneInfo("Europe/Berlin"), EVERY_DAY)
    assert hours.include(datetime(2026, 3, 28, 7, tzinfo=timezone.utc))
    assert hours.include(datetime(2026, 3, 29, 6, tzinfo=timezone.utc))
    assert not hours.include(datetime(2026, 3, 29, 7, tzinfo=timezone.utc))


@pytest.mark.parametrize(
    ("about", "fits"),
    [
        pytest.param(matter(), True, id="this"),
        pytest.param(matter(trigger="T2"), False, id="another trigger"),
        pytest.param(matter(tenants=frozenset({"acme", "other"})), True, id="one of its tenants"),
        pytest.param(matter(tenants=frozenset({"other"})), False, id="another tenant"),
        pytest.param(matter(owner="lead"), False, id="another owner"),
    ],
)
def test_a_route_is_for_what_it_names(about, fits):
    route = Route(frozenset({"T1"}), frozenset({"acme"}), frozenset({"oncall"}), None, STEPS)
    assert route.fits(about, NOW) is fits
    assert Route(frozenset(), frozenset(), frozenset(), None, STEPS).fits(about, NOW)


@pytest.mark.parametrize(
    ("about", "seconds", "silenced"),
    [
        pytest.param(matter(), -1, False, id="before it"),
        pytest.param(matter(), 0, True, id="from its start on"),
        pytest.param(matter(), 3599, True, id="until its end"),
        pytest.param(matter(), 3600, False, id="at its end"),
        pytest.param(matter(trigger="T2"), 1, False, id="another trigger"),
        pytest.param(matter(tenants=frozenset({"acme", "other"})), 1, False, id="another tenant beside"),
        pytest.param(matter(tenants=frozenset()), 1, False, id="no tenant is known"),
    ],
)
def test_a_silence_covers_what_it_names_and_nothing_else(about, seconds, silenced):
    silence = Silence("1", NOW, NOW + timedelta(hours=1), "why", "anna", frozenset({"T1"}), frozenset({"acme"}))
    assert silence.covers(about, NOW + timedelta(seconds=seconds)) is silenced


@dataclass
class Log:
    """An audit log of a few entries."""

    keys: AuditKeys
    entries: list[AuditEntry] = field(default_factory=list)

    def about(self, subject, verbs):
        return [entry for entry in self.entries if entry.event.subject == subject and entry.event.verb in verbs]

    def add(self, fact: Fact, key: AuditKey | None, subject: str = "call:incident:1") -> None:
        event = recorded(fact, actor="mallory", subject=subject, at=NOW)
        self.entries.append(chained(len(self.entries) + 1, event, GENESIS_HASH, key))


KEY = AuditKey("2026-01", b"k" * 32)
FACTS = {
    "somebody has taken it": CallAcknowledged(stage="severe", how="board", is_proved=True),
    "everybody was called": PeopleCalled(pager="first", stage="severe", is_done=True),
    "it has ended": CallEnded(pagers=("first",), why="over"),
}


@pytest.mark.parametrize("what", FACTS)
def test_an_entry_without_the_keys_mark_keeps_nobody_asleep(what):
    """Whoever writes to guard state's tables without the key can't say that somebody was called, or took it."""
    log = Log(AuditKeys([KEY]))
    log.add(FACTS[what], None)
    assert calls_on_record(log, replace(matter(), stage="severe"), NOW) == Calls()
    without_any_key = Log(AuditKeys([]), log.entries)
    log.add(FACTS[what], KEY)
    if what != "it has ended":
        assert calls_on_record(log, replace(matter(), stage="severe"), NOW) != Calls()
        assert calls_on_record(without_any_key, replace(matter(), stage="severe"), NOW) != Calls()


def test_neither_does_a_silence_without_the_keys_mark():
    log = Log(AuditKeys([KEY]))
    ends_at = NOW + timedelta(hours=1)
    made = CallsSilenced(silence_id="1", ends_at=ends_at, reason="why", triggers=(), tenants=(), is_proved=True)
    log.add(made, None, "silence")
    assert silences_on_record(log, NOW) == ()
    log.add(made, KEY, "silence")
    assert [each.silence_id for each in silences_on_record(log, NOW)] == ["1"]
    log.add(SilenceEnded(silence_id="1", reason="why", is_proved=True), None, "silence")
    assert [each.silence_id for each in silences_on_record(log, NOW)] == ["1"]


def test_taking_an_earlier_stage_does_not_take_the_next():
    log = Log(AuditKeys([]))
    log.add(CallAcknowledged(stage="severe", how="board", is_proved=True), None)
    assert calls_on_record(log, replace(matter(), stage="severe"), NOW).acknowledged_by == "mallory"
    assert calls_on_record(log, replace(matter(), stage="severe widespread"), NOW).acknowledged_by is None


def test_a_call_from_before_the_matter_began_is_open_and_does_not_count():
    log = Log(AuditKeys([]))
    log.add(PeopleCalled(pager="first", stage="severe", is_done=True), None)
    log.add(CallAcknowledged(stage="severe", how="board", is_proved=True), None)
    about, moment = replace(matter(), stage="severe"), timedelta(seconds=1)
    assert calls_on_record(log, replace(about, since=NOW), NOW).acknowledged_by == "mallory"
    found = calls_on_record(log, replace(about, since=NOW + moment), NOW + moment)
    assert found == Calls(open_at=frozenset({"first"}))
