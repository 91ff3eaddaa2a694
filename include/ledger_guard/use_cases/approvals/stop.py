"""stop: hold every write of the guard; release: a second person lets it write again."""

from __future__ import annotations

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.stops import GuardReleased, GuardStopped
from ledger_guard.domain.identities import is_visible, others_than
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.reasons import checked_reason
from ledger_guard.domain.shown_text import one_line, wrote
from ledger_guard.domain.stops import SUBJECT, Stop, active_stop, named
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.past_repairs import script_runs
from ledger_guard.use_cases.notify.notify import notify, tell


def stop(deps: Dependencies, reason: str, by: str, *, is_proved: bool) -> Stop:
    """From now on no write begins, and running backfills end after the current batch. Reading and notifying continue.

    Anyone may stop. `is_proved`: whether a login proved the identity of `by`; this is recorded.

    Raises:
        BadInputError: no name, or a reason of less than 10 or more than 2000 characters.
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
        still = [f"{each}: it is ended now, and what it wrote stays." for each in running_scripts(deps, state)]
    words = f"The guard is {stopped.sentence}. It still reads, judges and notifies, but writes nothing."
    _tell(deps, "stop · GUARD STOPPED", " ".join((words, *still)))
    return stopped


def running_scripts(deps: Dependencies, state: UnitOfWork) -> tuple[str, ...]:
    """A sentence for each run of the platform's own script that may still write."""
    now = deps.wall_clock.now()
    return tuple(
        f"The platform's script still runs for tenant {one_line(run.tenant_id)} (plan {run.plan_id}, {run.rows} rows); it was "
        f"started at {iso(run.began_at)}"
        for run in script_runs(state)
        if run.runs(now)
    )


def release(deps: Dependencies, reason: str, by: str, *, is_proved: bool) -> Stop:
    """End the stop, and return the one that was active. What it held does not start again by itself.

    Raises:
        BadInputError: no name, or a reason of less than 10 or more than 2000 characters.
        SafetyRefusal: the guard is not stopped, the same person stopped it, or a login that the policy does not name (an
            approver of any kind) releases it; it stays as it is.
        SourceUnavailable: guard state does not answer.
    """
    why, who = _checked("release", reason, by)
    with deps.state.transaction() as state:
        standing = active_stop(state.audit)
        if standing is None:
            raise SafetyRefusal("release: the guard is not stopped; needed: nothing")
        if standing.is_of(who):
            raise SafetyRefusal(f"release: {who} stopped the guard; needed: another person")
        if is_proved:
            _require_named(deps, who, standing)
        _record(deps, state, GuardReleased(reason=why, is_proved=is_proved, stopped_by=standing.stopped_by[0]), who)
    said = f"{named(who, is_proved)}, who {wrote(why)}"
    _tell(deps, "release · guard writes again", f"The guard was {standing.sentence}. Released by {said}.")
    return standing


def _checked(verb: str, reason: str, by: str) -> tuple[str, str]:
    who = by.strip()
    if not is_visible(who):
        raise BadInputError(f"{verb}: the name of the person is empty; allowed: a name")
    return checked_reason(f"{verb}: the reason", reason), who


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
