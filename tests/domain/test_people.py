"""Groups and their turns: a turn includes its start and not its end, in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.people import Group, People, Turns

MONDAY = datetime(2026, 3, 2, 8, tzinfo=timezone.utc)
WEEK, SECOND, HOUR = timedelta(days=7), timedelta(seconds=1), timedelta(hours=1)
WEEKLY = Turns(MONDAY, WEEK, ("anna", "boris", "cleo"))
MEMBERS = ("cleo", "boris", "anna")


def oncall(*turns: Turns, rota_only: bool = True) -> Group:
    return Group("oncall", MEMBERS, turns or (WEEKLY,), rota_only)


@pytest.mark.parametrize(
    ("at", "person"),
    [
        pytest.param(MONDAY - SECOND, None, id="below the first turn's start"),
        pytest.param(MONDAY, "anna", id="at it"),
        pytest.param(MONDAY + SECOND, "anna", id="above it"),
        pytest.param(MONDAY + WEEK - SECOND, "anna", id="below the turn's end"),
        pytest.param(MONDAY + WEEK, "boris", id="at its end it is the next one's"),
        pytest.param(MONDAY + WEEK + SECOND, "boris", id="above it"),
        pytest.param(MONDAY + 3 * WEEK, "anna", id="after the last one the first one again"),
        pytest.param((MONDAY + WEEK).astimezone(timezone(HOUR)), "boris", id="whatever zone the moment is told in"),
    ],
)
def test_whose_turn_it_is(at, person):
    assert oncall().on_turn(at) == person
    assert oncall().at(at) == ((person,) if person else ())


def test_a_later_entry_of_turns_ends_the_earlier_one_at_its_start():
    nights = Turns(MONDAY + 2 * HOUR, 12 * HOUR, ("cleo", "boris"))
    group = oncall(WEEKLY, nights)
    found = [group.on_turn(nights.starts_at + each) for each in (-SECOND, timedelta(0), SECOND, 12 * HOUR)]
    assert found == ["anna", "cleo", "cleo", "boris"]
    assert (group.turn_ends(MONDAY), group.turn_ends(nights.starts_at)) == (nights.starts_at, MONDAY + 14 * HOUR)


@pytest.mark.parametrize(
    ("until", "people"),
    [
        pytest.param(WEEK - SECOND, ("anna",), id="below the next turn"),
        pytest.param(WEEK, ("anna", "boris"), id="at it"),
        pytest.param(WEEK + SECOND, ("anna", "boris"), id="above it"),
        pytest.param(50 * WEEK, ("anna", "boris", "cleo"), id="everyone once, however long"),
    ],
)
def test_who_has_a_turn_while_a_question_waits(until, people):
    assert oncall().during(MONDAY, MONDAY + until) == people


def test_turns_of_two_entries_count_while_a_question_waits():
    later = Turns(MONDAY + 2 * HOUR, HOUR, ("cleo",))
    assert oncall(WEEKLY, later).during(MONDAY + HOUR, MONDAY + 3 * HOUR) == ("anna", "cleo")
    assert oncall(WEEKLY, later).during(MONDAY + HOUR, later.starts_at - SECOND) == ("anna",)
    assert oncall(WEEKLY, later).during(later.starts_at, MONDAY + 3 * HOUR) == ("cleo",)
    assert oncall(WEEKLY, later).during(MONDAY - 2 * HOUR, MONDAY - HOUR) == ()


def test_without_rota_only_every_member_may_act_and_the_one_on_turn_comes_first():
    assert oncall(rota_only=False).at(MONDAY + WEEK) == ("boris", "cleo", "anna")
    assert oncall(rota_only=False).at(MONDAY - SECOND) == MEMBERS


def test_a_list_of_names_and_groups_names_each_person_once_and_asks_those_on_turn_first():
    people = People(("dora", "anna"), (oncall(), Group("leads", ("dora", "emil"))))
    assert people.at(MONDAY) == ("dora", "anna", "emil")
    assert people.everyone == ("dora", "anna", "cleo", "boris", "emil")
    assert people.first_asked(MONDAY, ("dora", "anna", "emil")) == ("anna", "dora", "emil")


def test_in_turn_when_asked_or_when_answered():
    people = People((), (oncall(),))
    assert people.at(MONDAY, MONDAY + WEEK) == ("anna", "boris")
