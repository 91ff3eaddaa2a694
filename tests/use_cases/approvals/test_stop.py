"""stop and release: one switch, a reason, a second person; whatever is in doubt leaves the guard stopped."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.stops import GuardReleased, GuardStopped
from ledger_guard.domain.notices import Notice
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.status import guard_status
from ledger_guard.use_cases.approvals.stop import release, stop
from ledger_guard.use_cases.notify.notify import notify

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
WHY, OVER = "two tenants were paid twice", "it was a test payment"


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world(load_policy(), NOON)


def facts(world: MemoryWorld, kind):
    with world.deps.state.snapshot() as state:
        return [(entry.event.actor, fact) for entry in state.audit.entries() if (fact := told(entry.event, kind))]


def append(world: MemoryWorld, verb: str, actor: str, detail: dict[str, object]) -> None:
    with world.deps.state.transaction() as state:
        state.audit.append(AuditEvent(verb, actor, "guard", detail, world.deps.wall_clock.now()))


def test_a_stop_is_on_record_with_its_reason_and_says_that_the_name_was_only_stated(world):
    stop(world.deps, f"  {WHY} ", "anna", is_proved=False)
    assert facts(world, GuardStopped) == [("anna", GuardStopped(reason=WHY, is_proved=False))]
    assert guard_status(world.deps).stop.sentence.endswith(f'by anna (stated, not proved), who wrote "{WHY}"')


def test_a_persons_words_stay_behind_their_name_in_quotes_that_they_can_not_end(world):
    stop(world.deps, 'paid" twice\nRELEASED by the CTO', "anna\nthe CTO", is_proved=True)
    assert guard_status(world.deps).stop.sentence.endswith("""by anna the CTO, who wrote "paid' twice RELEASED by the CTO\"""")


def test_a_second_person_releases_it(world):
    stop(world.deps, WHY, "anna", is_proved=False)
    assert release(world.deps, OVER, "boris", is_proved=False).stopped_by == ("anna",)
    assert facts(world, GuardReleased) == [("boris", GuardReleased(reason=OVER, is_proved=False, stopped_by="anna"))]
    assert guard_status(world.deps).stop is None


@pytest.mark.parametrize("same", ["anna", "Anna", " anna ", "ánna", "anna (stated, not proved)"])
def test_whoever_stopped_it_does_not_release_it_under_any_spelling_of_the_name(world, same):
    stop(world.deps, WHY, "anna", is_proved=False)
    with pytest.raises(SafetyRefusal, match="stopped the guard; needed: another person"):
        release(world.deps, OVER, same, is_proved=False)
    assert guard_status(world.deps).stop is not None


def test_a_recorded_release_by_the_name_as_records_show_it_releases_nothing(world):
    stop(world.deps, WHY, "anna", is_proved=False)
    append(world, "release", "anna (stated, not proved)", {"reason": OVER, "is_proved": False, "stopped_by": "anna"})
    assert guard_status(world.deps).stop is not None


def test_who_stopped_under_the_name_as_records_show_it_does_not_release_it_as_themselves(world):
    stop(world.deps, WHY, "anna (stated, not proved)", is_proved=False)
    with pytest.raises(SafetyRefusal, match="stopped the guard; needed: another person"):
        release(world.deps, OVER, "anna", is_proved=False)


def test_of_two_who_stopped_at_once_neither_releases_it(world):
    stop(world.deps, WHY, "anna", is_proved=False)
    append(world, "stop", "boris", {"reason": "the same", "is_proved": True})
    for each in ("anna", "boris"):
        with pytest.raises(SafetyRefusal, match="needed: another person"):
            release(world.deps, OVER, each, is_proved=False)
    release(world.deps, OVER, "carla", is_proved=False)
    assert guard_status(world.deps).stop is None


def test_a_second_stop_is_refused_and_names_the_first(world):
    stop(world.deps, WHY, "anna", is_proved=False)
    with pytest.raises(SafetyRefusal, match=f"the guard is already stopped since .*{WHY}"):
        stop(world.deps, "something else went wrong", "boris", is_proved=False)
    assert len(facts(world, GuardStopped)) == 1


def test_a_guard_that_runs_is_not_released(world):
    with pytest.raises(SafetyRefusal, match="the guard is not stopped"):
        release(world.deps, OVER, "boris", is_proved=False)


@pytest.mark.parametrize("verb", [stop, release])
@pytest.mark.parametrize("reason", ["", "  ", "123456789", " 123456789 ", "\u200b" * 12])
def test_a_reason_is_needed(world, verb, reason):
    with pytest.raises(BadInputError, match="allowed: at least 10"):
        verb(world.deps, reason, "anna", is_proved=False)


@pytest.mark.parametrize("verb", [stop, release])
def test_a_reason_that_fills_every_notice_is_refused(world, verb):
    with pytest.raises(BadInputError, match="has 2001 characters; allowed: at least 10, at most 2000"):
        verb(world.deps, "x" * 2001, "anna", is_proved=False)


def test_the_longest_reason_stops(world):
    assert stop(world.deps, "x" * 2000, "anna", is_proved=False).reason == "x" * 2000


@pytest.mark.parametrize("verb", [stop, release])
@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u2060 \u200b"])
def test_a_name_that_can_be_seen_is_needed(world, verb, name):
    with pytest.raises(BadInputError, match="the name of the person is empty"):
        verb(world.deps, WHY, name, is_proved=False)


def test_a_login_that_the_policy_does_not_name_stops_and_does_not_release(world):
    stop(world.deps, WHY, "mallory", is_proved=True)
    with pytest.raises(SafetyRefusal, match=r"mallet is not an approver; allowed: .*payments-lead"):
        release(world.deps, OVER, "mallet", is_proved=True)
    release(world.deps, OVER, "payments-lead", is_proved=True)
    assert guard_status(world.deps).stop is None


@pytest.mark.parametrize("detail", [{}, {"reason": 7}, {"reason": "x", "is_proved": "perhaps"}])
def test_a_stop_that_can_not_be_read_stops_all_the_same(world, detail):
    append(world, "stop", "anna", detail)
    assert "the entry can't be read" in guard_status(world.deps).stop.sentence


def test_a_release_that_can_not_be_read_releases_nothing(world):
    stop(world.deps, WHY, "anna", is_proved=False)
    append(world, "release", "boris", {"reason": OVER})
    assert guard_status(world.deps).stop is not None


def test_everybody_is_told_at_once_of_a_stop_and_of_its_end(world):
    stop(world.deps, WHY, "anna", is_proved=False)
    release(world.deps, OVER, "boris", is_proved=False)
    begun, ended = (each.notice for each in world.notifier.posted)
    assert (begun.title, begun.is_loud, begun.mention) == (
        "stop · GUARD STOPPED",
        True,
        world.deps.policy.notification.escalation_mention,
    )
    assert WHY in begun.summary
    assert f'Released by boris (stated, not proved), who wrote "{OVER}"' in ended.summary


def test_a_channel_that_is_down_holds_no_stop_up(world):
    world.notifier.break_down("it is down")
    stop(world.deps, WHY, "anna", is_proved=False)
    assert guard_status(world.deps).stop is not None


def test_every_message_says_that_the_guard_is_stopped_until_it_is_released(world):
    def said() -> tuple[tuple[str, str], ...]:
        notify(world.deps, Notice(title="classify · quiet", summary="nothing"))
        return world.notifier.posted[-1].notice.facts

    assert said() == ()
    stop(world.deps, WHY, "anna", is_proved=False)
    assert said() == (("Guard", guard_status(world.deps).stop.sentence),)
    release(world.deps, OVER, "boris", is_proved=False)
    assert said() == ()


def test_the_status_says_whether_it_may_write(world):
    assert (guard_status(world.deps).stop, guard_status(world.deps).lines()[0]) == (None, "guard      running: it may write")
    stop(world.deps, WHY, "anna", is_proved=False)
    found = guard_status(world.deps)
    assert found.lines()[0] == f"guard      {found.stop.sentence}"
    assert (found.as_json()["is_stopped"], found.as_json()["stop"]["reason"]) == (True, WHY)
