"""stop: hold every write of the guard; release: a second person lets it write again."""

from __future__ import annotations

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.stops import GuardReleased, GuardStopped
from ledger_guard.domain.identities import others_than, same_person
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.shown_text import wrote
from ledger_guard.domain.stops import SUBJECT, Stop, active_stop, named
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.notify.notify import notify, tell

REASON_MINIMUM_CHARACTERS = 10


def stop(deps: Dependencies, reason: str, by: str, *, is_proved: bool) -> Stop:
    """From now on no write begins, and running backfills end after the current batch. Reading and notifying continue.

    Anyone may stop. `is_proved`: whether a login proved the identity of `by`; this is recorded.

    Raises:
        BadInputError: no name, or a reason of less than 10 characters.
        SafetyRefusal: it is stopped already; nothing was changed.
        SourceUnavailable: guard state does not answer. Nothing is written meanwhile.
    """
    why, who = _checked("stop", reason, by)
    with deps.state.transaction() as state:
        standing = active_stop(state.audit)
        if standing is not None:
            raise SafetyRefusal(f"stop: the guard is already {standing.sentence}; needed: nothing")
        _record(deps, state, GuardStopped(reason=why, is_proved=is_proved), who)
        stopped = Stop(deps.wall_clock.now(), (who,), why, is_proved)
    _tell(
        deps, "stop · GUARD STOPPED", f"The guard is {stopped.sentence}. It still reads, judges and notifies, but writes nothing."
    )
    return stopped


def release(deps: Dependencies, reason: str, by: str, *, is_proved: bool) -> Stop:
    """End the stop, and return the one that was active. What it held does not start again by itself.

    Raises:
        BadInputError: no name, or a reason of less than 10 characters.
        SafetyRefusal: the guard is not stopped, the same person stopped it, or a login that the policy does not name (an
            approver of any kind) releases it; it stays as it is.
        SourceUnavailable: guard state does not answer.
    """
    why, who = _checked("release", reason, by)
    with deps.state.transaction() as state:
        standing = active_stop(state.audit)
        if standing is None:
            raise SafetyRefusal("release: the guard is not stopped; needed: nothing")
        if any(same_person(who, each) for each in standing.stopped_by):
            raise SafetyRefusal(f"release: {who} stopped the guard; needed: another person")
        if is_proved:
            _require_named(deps, who, standing)
        _record(deps, state, GuardReleased(reason=why, is_proved=is_proved, stopped_by=standing.stopped_by[0]), who)
    said = f"{named(who, is_proved)}, who {wrote(why)}"
    _tell(deps, "release · guard writes again", f"The guard was {standing.sentence}. Released by {said}.")
    return standing


def _checked(verb: str, reason: str, by: str) -> tuple[str, str]:
    why, who = reason.strip(), by.strip()
    if not who:
        raise BadInputError(f"{verb}: the name of the person is empty; allowed: a name")
    if len(why) < REASON_MINIMUM_CHARACTERS:
        raise BadInputError(f"{verb}: the reason has {len(why)} characters; allowed: at least {REASON_MINIMUM_CHARACTERS}")
    return why, who


def _require_named(deps: Dependencies, who: str, standing: Stop) -> None:
    allowed_people = deps.policy.approvers
    if who not in allowed_people:
        allowed = ", ".join(others_than(sorted(allowed_people), *standing.stopped_by)) or "no one else is named"
        raise SafetyRefusal(f"release: {who} is not an approver; allowed: {allowed}")


def _record(deps: Dependencies, state: UnitOfWork, fact: Fact, by: str) -> None:
    state.audit.append(recorded(fact, actor=by, subject=SUBJECT, at=deps.wall_clock.now()))


def _tell(deps: Dependencies, title: str, summary: str) -> None:
    tell(
        lambda: notify(
            deps, Notice(title=title, summary=summary, is_loud=True, mention=deps.policy.notification.escalation_mention)
        )
    )
