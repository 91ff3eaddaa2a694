"""What the page says, without a page: guard state in, words and tones out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.plugins.board_values import INCIDENT_ID, LENGTH, NEWEST, NOW, approval, board_state, incident, trigger_state, verdict
from tests.triggers import T1, T2, T3

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.delegations import Delegation
from ledger_guard.domain.drills import Drill, LastDrill
from ledger_guard.domain.facts.drills import DrillEnded, DrillRequested
from ledger_guard.domain.flags import FlagState, Freeze
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import RowMode
from ledger_guard.domain.money_at_risk import with_money
from ledger_guard.domain.shown_text import duration, listed
from ledger_guard.domain.signals import MoneyAtRisk
from ledger_guard.domain.stops import Stop
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import Window
from ledger_guard_board.view_model import board_view
from ledger_guard_board.wording import moment, safe_link

UI = "http://localhost:8080"


def drill(outcome: str = "answered") -> Drill:
    """Two days old, and ended."""
    at, is_answered = NOW - timedelta(days=2), outcome == "answered"
    request = DrillRequested(trigger="T1", canary_id="c", is_proved=False, ends_by=at)
    ended = DrillEnded(
        outcome=outcome,
        sentence="approved by boris" if is_answered else "no one",
        answer="approved" if is_answered else None,
        answered_by="boris" if is_answered else None,
        answered_at=at + timedelta(minutes=3) if is_answered else None,
    )
    return Drill("d-1", "anna", at, request, begun_at=at + timedelta(minutes=1), ended_at=at, ended=ended)


def card_of(**changes):
    return board_view(board_state(triggers=(trigger_state(**changes),)), UI).triggers[0]


@pytest.mark.parametrize(
    ("age", "is_blind"),
    [
        pytest.param(timedelta(seconds=0), False, id="just judged"),
        pytest.param(2 * LENGTH - timedelta(seconds=1), False, id="below two windows"),
        pytest.param(2 * LENGTH, False, id="exactly two windows"),
        pytest.param(2 * LENGTH + timedelta(seconds=1), True, id="above two windows"),
    ],
)
def test_the_guard_is_blind_once_its_last_verdict_is_older_than_two_windows(age, is_blind):
    card = card_of(window=Window(NOW - age - LENGTH, LENGTH))
    assert (card.is_blind, card.tone) == (is_blind, "bad" if is_blind else "good")
    assert card.verdict_age_seconds == age.total_seconds()


def test_a_trigger_that_was_never_judged_is_blind_and_not_quiet():
    card = card_of(window=None, tenants={})
    assert (card.state, card.is_blind, card.tone, card.verdict_age_seconds) == ("never judged", True, "bad", None)


def test_blindness_is_the_first_thing_said_whatever_else_stands():
    blind = trigger_state(T2, window=Window(NEWEST.start - 3 * LENGTH, LENGTH))
    view = board_view(board_state(triggers=(trigger_state(), blind), incidents=(incident(),), waiting=(approval(),)), UI)
    assert view.headline == "Guard blind for T2: no verdict within the last 10 min. An incident there would not be detected."
    assert view.tone == "bad"
    assert [note.split(":")[0].split(";")[0] for note in view.notes] == ["1 open incident", "1 approval waits for an answer"]


def test_a_stop_is_the_first_thing_to_read():
    stop = Stop(NOW, ("anna",), "two tenants were paid twice", True)
    view = board_view(board_state(stop=stop, incidents=(incident(),), held_up=("flag_rollback is paused.",)), UI)
    assert (view.headline, view.tone) == (f"Guard {stop.sentence}. It writes nothing until a second person releases it.", "bad")


def test_a_delegation_is_one_line_and_a_name_that_was_only_stated_says_so():
    given = Delegation("d-1", "anna", "boris", NOW, NOW + timedelta(hours=2), "on a plane")
    stop = AuditEntry(1, AuditEvent("stop", "anna", "guard", {"reason": "twice", "is_proved": False}, NOW), "", "")
    view = board_view(board_state(delegations=(given,), audit=(stop,)), UI)
    assert view.delegations == (given.sentence,)
    assert view.audit[0].actor == "anna (stated, not proved)"


def test_rows_that_do_not_act_are_shown_and_why_one_is_below_the_policy():
    policys = RowMode("T1 mild", Mode.PROPOSE, Mode.PROPOSE, NOW, "the policy's mode")
    fallen = RowMode("T3 severe", Mode.PROPOSE, Mode.ACT, NOW, "plan p was undone")
    view = board_view(board_state(modes=(policys, fallen)), UI)
    assert view.modes == (
        "propose, as the policy says: T1 mild",
        "T3 severe: propose since 2026-03-01T03:02:00Z (policy: act): plan p was undone",
    )


def test_what_is_held_up_is_loud_and_comes_before_incidents_and_questions():
    paused = "flag_rollback is paused: none of its runs starts, not even emergencies."
    view = board_view(board_state(held_up=(paused,), incidents=(incident(),), waiting=(approval(),)), UI)
    assert (view.headline, view.tone, view.held_up) == (paused, "bad", (paused,))


def test_a_broken_freeze_comes_first_and_any_other_difference_of_a_flag_is_named():
    broken, other = "f was enabled past the guard for everyone during a freeze.", "g differs from the guard's record in 1 scope."
    view = board_view(board_state(flags_past_the_guard=((broken, True), (other, False)), incidents=(incident(),)), UI)
    assert (view.headline, view.tone) == (broken, "bad")
    assert view.notes[-1] == other
    assert board_view(board_state(flags_past_the_guard=((other, False),)), UI).tone == "warn"


def test_the_soonest_approval_and_the_severe_incident_come_first():
    late, soon = approval(approval_id="late"), approval(approval_id="soon", expires_at=NOW + timedelta(minutes=3))
    mild, severe = (
        incident(incident_id="mild", severity=Severity.MILD),
        incident(incident_id="severe", trigger=T3),
    )
    view = board_view(board_state(waiting=(late, soon), incidents=(mild, severe)), UI)
    assert [line.approval_id for line in view.waiting] == ["soon", "late"]
    assert [line.incident_id for line in view.incidents] == ["severe", "mild"]
    assert view.headline == "2 open incidents: T3 severe (isolated), T1 mild (isolated)."
    assert view.notes[0].endswith("the first expires in 3 min.")


@pytest.mark.parametrize(
    ("now", "text"),
    [
        pytest.param(NOW, "02:55 to 03:00 UTC", id="today"),
        pytest.param(NOW + timedelta(days=1), "2026-03-01 02:55 to 03:00 UTC", id="another day"),
    ],
)
def test_a_windows_date_is_reported_when_it_is_not_todays(now, text):
    assert board_view(board_state(event_now=now), UI).triggers[0].window == text


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        pytest.param("ledger_enforce_balance@*", "ledger_enforce_balance, everywhere", id="flag everywhere"),
        pytest.param("ledger_enforce_balance@t-1", "ledger_enforce_balance, t-1", id="flag of a tenant"),
        pytest.param("7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0002", "7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0002", id="plan"),
    ],
)
def test_what_is_to_be_approved_is_reported_in_words(subject, text):
    assert board_view(board_state(waiting=(approval(subject_id=subject),)), UI).waiting[0].subject == text


def test_a_quiet_board_says_so_in_one_line():
    view = board_view(board_state(), UI)
    assert view.headline.startswith("All quiet:")
    assert (view.tone, view.notes, view.is_blind) == ("good", (), False)


def test_a_board_without_an_audit_key_says_unkeyed():
    (note,) = board_view(board_state(is_keyed=False), UI).notes
    assert note.startswith("Unkeyed: no audit key is set")


@pytest.mark.parametrize(
    ("changes", "tone", "says"),
    [
        pytest.param({"incidents": (incident(),)}, "bad", "1 open incident: T1 severe (isolated).", id="severe incident"),
        pytest.param(
            {"incidents": (incident(severity=Severity.MILD),)}, "warn", "1 open incident: T1 mild (isolated).", id="mild incident"
        ),
        pytest.param(
            {"waiting": (approval(),)},
            "warn",
            "1 approval waits for an answer; no answer counts as Reject, the first expires in 52 min.",
            id="approval",
        ),
        pytest.param(
            {"triggers": (trigger_state(tenants={Severity.NO_DATA: 4}),)},
            "warn",
            "No data for T1 in the newest window: this is not the same as quiet.",
            id="no data",
        ),
        pytest.param(
            {"triggers": (trigger_state(tenants={Severity.INSUFFICIENT: 4}),)},
            "unknown",
            "Too little traffic to judge T1.",
            id="thin",
        ),
        pytest.param(
            {"triggers": (trigger_state(tenants={Severity.SEVERE: 1}, scope=Scope.ISOLATED),)},
            "bad",
            "T1 is in alarm (severe, isolated) and has no incident yet.",
            id="alarm before its incident",
        ),
        pytest.param({"flags_problem": "database away"}, "warn", "The flags' values can't be read.", id="flag store away"),
        pytest.param(
            {"freezes": (Freeze("1", "ledger_enforce_balance", "*", "T3 severe", "ledger_guard", NOW),)},
            "warn",
            "1 freeze is active: ledger_enforce_balance.",
            id="freeze",
        ),
    ],
)
def test_whatever_is_not_quiet_takes_the_headline(changes, tone, says):
    view = board_view(board_state(**changes), UI)
    assert (view.headline, view.tone) == (says, tone)


@pytest.mark.parametrize(
    ("tenants", "state", "tone"),
    [
        pytest.param(
            {Severity.SEVERE: 1, Severity.MILD: 5, Severity.NONE: 90}, "severe", "bad", id="one severe outweighs ninety quiet"
        ),
        pytest.param({Severity.MILD: 1, Severity.NONE: 90}, "mild", "warn", id="one mild outweighs ninety quiet"),
        pytest.param(
            {Severity.NONE: 1, Severity.NO_DATA: 9, Severity.INSUFFICIENT: 9}, "quiet", "good", id="what was judged is quiet"
        ),
        pytest.param({Severity.INSUFFICIENT: 1, Severity.NO_DATA: 9}, "insufficient", "unknown", id="nobody had enough traffic"),
        pytest.param({Severity.NO_DATA: 9}, "no data", "warn", id="nobody was measured"),
        pytest.param({}, "no data", "warn", id="no tenant at all is never quiet"),
    ],
)
def test_a_trigger_shows_the_gravest_state_of_its_tenants(tenants, state, tone):
    card = card_of(tenants=tenants)
    assert (card.state, card.tone) == (state, tone)


def test_tenants_are_counted_as_judged_insufficient_and_no_data():
    counts = {Severity.SEVERE: 1, Severity.MILD: 2, Severity.NONE: 4, Severity.INSUFFICIENT: 8, Severity.NO_DATA: 16}
    card = card_of(tenants=counts)
    assert (card.judged, card.insufficient, card.no_data) == (7, 8, 16)


@pytest.mark.parametrize(
    ("alarms", "shown", "more"), [pytest.param(n, min(n, 3), max(n - 3, 0), id=f"{n} in alarm") for n in (0, 2, 3, 4, 40)]
)
def test_at_most_three_tenants_in_alarm_are_listed_and_the_rest_counted(alarms, shown, more):
    found = tuple(verdict(T1, f"t-{n:02}", Severity.MILD) for n in range(alarms))
    card = card_of(alarms=found)
    assert (len(card.alarms), card.more_alarms) == (shown, more)


def test_a_flag_without_a_stored_value_counts_as_off_and_says_so():
    flags = (FlagState("a", "*", True), FlagState("a", "tenant-07", False), FlagState("b", "*", None))
    lines = board_view(board_state(flags=flags), UI).flags
    assert [(line.scope, line.value) for line in lines] == [
        ("everywhere", "on"),
        ("tenant-07", "off"),
        ("everywhere", "off (no value stored)"),
    ]


def test_a_flag_that_its_store_can_not_tell_is_not_shown_as_off():
    flags = (FlagState("a", "*", None, not_known_because="the file does not name it"),)
    (line,) = board_view(board_state(flags=flags), UI).flags
    assert line.value == "not known (the file does not name it)"


def test_a_rehearsals_clock_is_reported_apart_from_peoples_time():
    view = board_view(board_state(event_now=NOW + timedelta(minutes=1, seconds=1)), UI)
    assert view.notes == ("This is a rehearsal: windows and incidents use its own clock, which shows 2026-03-01T03:03:01Z.",)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param(f"{UI}/dags/d/runs/r?map_index=-1", "/dags/d/runs/r?map_index=-1", id="inside the UI: without its host"),
        pytest.param("https://airflow.example.org/dags/d", "https://airflow.example.org/dags/d", id="elsewhere: whole"),
        pytest.param(
            "http://localhost:8080.example.org/dags", "http://localhost:8080.example.org/dags", id="a look-alike is not the UI"
        ),
        pytest.param(f"{UI}//example.org/x", f"{UI}//example.org/x", id="no path that a browser takes for a host"),
        pytest.param("javascript:alert(1)", "", id="script"),
        pytest.param("data:text/html,x", "", id="data"),
        pytest.param("/dags/d", "", id="no host"),
        pytest.param("", "", id="empty"),
    ],
)
def test_only_web_addresses_become_links(address, shown):
    assert safe_link(address, UI) == shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days"),
        (180_000, "2 days 2 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


def test_moments_tell_utc_and_the_distance_either_way():
    past, future = moment(NOW - timedelta(minutes=4), NOW), moment(NOW + timedelta(hours=1), NOW)
    assert (past.text, past.distance) == ("2026-03-01 02:58:00 UTC", "4 min ago")
    assert future.distance == "in 1 h"


def test_long_lists_are_cut_and_counted():
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed(["a", "b"], 2) == "a, b"


def test_what_settles_and_repairs_in_doubt_are_on_the_page():
    view = board_view(board_state(settling="settling until 12:30 after a deploy", repairs=("t-1 did not hold",)), UI)
    assert view.headline == "Settling until 12:30 after a deploy. Nothing is written without a human."
    assert (view.tone, view.repairs) == ("warn", ("t-1 did not hold",))


@pytest.mark.parametrize(
    ("last", "tone", "sentence"),
    [
        pytest.param({}, "warn", "T1: never; due every 30 days", id="never, and one is due"),
        pytest.param({"every": None}, "unknown", "T1: never", id="never, and none is due"),
        pytest.param(
            {"drill": drill(), "every": timedelta(days=30)},
            "good",
            "T1: 2 days ago by anna (stated, not proved), answered: approved by boris (begin after 1 min, answer after 3 min)",
            id="answered",
        ),
        pytest.param(
            {"drill": drill("timed_out"), "every": timedelta(days=1)},
            "warn",
            "T1: 2 days ago by anna (stated, not proved), timed out: no one (begin after 1 min); due every 24 h",
            id="no one answered, and one is due",
        ),
    ],
)
def test_a_triggers_last_drill_is_shown_with_its_age_and_how_it_ended(last, tone, sentence):
    found = LastDrill(**{"trigger": T1, "drill": None, "read_at": NOW, "every": timedelta(days=30), **last})
    (line,) = board_view(board_state(drills=(found,)), UI).drills
    assert (line.trigger, line.tone, line.sentence) == ("T1", tone, sentence)


def test_the_question_of_a_drill_is_shown_apart_marked_and_in_no_headline():
    asked = approval()
    asked = replace(asked, request=replace(asked.request, kind=ApprovalKind.DRILL))
    view = board_view(board_state(waiting_drills=(asked,)), UI)
    assert (view.waiting, view.tone) == ((), "good")
    assert view.waiting_drills[0].what.startswith("DRILL: ")


def test_money_at_risk_stands_beside_each_alarm_and_summed_on_the_card_and_at_the_incident():
    known = with_money(verdict(T1, "t-1", Severity.SEVERE), MoneyAtRisk(1_240_000), "USD")
    alarms = (known, verdict(T1, "t-2", Severity.SEVERE))
    state = trigger_state(T1, tenants={Severity.SEVERE: 2}, scope=Scope.ISOLATED, alarms=alarms)
    words = "12,400.00 USD in the newest window in alarm"
    view = board_view(board_state(triggers=(state,), incidents=(incident(),), money_at_risk={INCIDENT_ID: words}), UI)
    assert [alarm.money for alarm in view.triggers[0].alarms] == ["12,400.00 USD", "amount not known"]
    assert view.triggers[0].money == "at least 12,400.00 USD; not known for 1 tenant"
    assert view.incidents[0].money == words


def test_without_an_alarm_no_money_is_at_risk_and_none_is_shown():
    assert board_view(board_state(triggers=(trigger_state(T1),)), UI).triggers[0].money == ""
