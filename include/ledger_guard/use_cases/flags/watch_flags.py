"""watch_flags: notice flags that somebody changed past the guard, and tell people: once, or until a broken freeze is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.past_the_guard import FlagChangesTold, FreezeBreachEnded
from ledger_guard.domain.flag_record import FlagRecord, NoticedChange, Unread
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.freeze_breaches import FreezeBreach, breaches_of
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.flags.attested_freezes import freezes_that_stand, overrides_that_count
from ledger_guard.use_cases.flags.flag_comparison import compare_flags, record_of
from ledger_guard.use_cases.flags.flag_notices import (
    breach_notice,
    changes_notice,
    ended_notice,
    how_it_ended,
    unread_in_words,
    unread_notice,
)
from ledger_guard.use_cases.notify.notify import notify

#: a store that can't be read this long is told; at once while its flag is frozen
_UNREAD_AFTER = timedelta(minutes=10)

#: posts one notice, records that it was told, and returns its text
_Post = Callable[[], str]


@dataclass(frozen=True)
class FlagWatch:
    """One flag, as of the newest comparison."""

    record: FlagRecord
    #: what was enabled past the guard during a freeze and lasts
    breaches: tuple[FreezeBreach, ...]
    #: whether any freeze of it is active
    is_frozen: bool

    @property
    def sentences(self) -> list[str]:
        """For people: broken freezes first, then other differences from the record, then that nothing can be compared."""
        broken = {breach.change.sequence for breach in self.breaches}
        found = [breach.sentence for breach in self.breaches]
        differing = [scope for scope, change in self.record.unrecorded.items() if change.sequence not in broken]
        if differing:
            scopes = "1 scope" if len(differing) == 1 else f"{len(differing)} scopes"
            found.append(f"{self.record.flag} differs from the guard's record in {scopes}: somebody changed it past the guard.")
        if self.record.unread:
            found.append(unread_in_words(self.record.flag, self.record.unread))
        return found


def watch_flags(deps: Dependencies) -> list[str]:
    """Compare every flag with its record, and tell what is new or due. Returns the texts sent.

    A flag that was enabled during a freeze is told at once, again every so many minutes of the policy, and when it ends. Any
    other change is told once. What was told is on record only after it was posted: what the channel did not take is told by the
    next check.

    Raises:
        NotificationFailed: a post failed. Everything else was done; let only the notifying task fail.
        SourceUnavailable: guard state does not answer.
    """
    compare_flags(deps)
    sent: list[str] = []
    failures: list[str] = []
    for flag in deps.policy.flags:
        with deps.state.transaction() as state:
            watched = watch_of(deps, state, flag)
        for post in _due(deps, watched):
            try:
                sent.append(post())
            except NotificationFailed as error:
                failures.append(str(error))
    if failures:
        raise NotificationFailed("; ".join(failures))
    return sent


def watch_of(deps: Dependencies, state: UnitOfWork, flag: str) -> FlagWatch:
    """What is known of one flag: its record, and freezes that were broken. Read-only."""
    record, now = record_of(deps, state, flag), deps.wall_clock.now()
    freezes = freezes_that_stand(deps, state, flag)
    breaches = breaches_of(record, freezes, overrides_that_count(state, now, flag), now)
    return FlagWatch(record, tuple(breaches), is_frozen=bool(freezes))


def flags_in_words(deps: Dependencies, state: UnitOfWork) -> tuple[tuple[str, bool], ...]:
    """What differs from the record now, a sentence each, and whether it breaks a freeze; broken freezes first. Read-only."""
    watches = [watch_of(deps, state, flag) for flag in deps.policy.flags]
    found = [(text, number < len(each.breaches)) for each in watches for number, text in enumerate(each.sentences)]
    return tuple(sorted(found, key=lambda sentence: not sentence[1]))


def _due(deps: Dependencies, watched: FlagWatch) -> list[_Post]:
    record, breaches = watched.record, watched.breaches
    broken, changes = {breach.change.sequence for breach in breaches}, record.changes.values()
    posts = [_alarm(deps, record, breach) for breach in breaches if _is_due(deps, breach.change)]
    posts += [_end(deps, record, each) for each in changes if each.alarmed_at is not None and each.sequence not in broken]
    if untold := [each for each in changes if not each.is_told and each.sequence not in broken]:
        posts.append(_told(deps, record, [each.sequence for each in untold], lambda: changes_notice(deps, record, untold)))
    if (unread := record.unread) and _is_unread_due(deps, unread, is_frozen=watched.is_frozen):
        posts.append(_told(deps, record, [unread.sequence], lambda: unread_notice(record.flag, unread)))
    return posts


def _is_due(deps: Dependencies, change: NoticedChange) -> bool:
    """Told at once, then by the policy; a clock that went back silences nothing."""
    every, now = timedelta(minutes=deps.policy.reminders.enabled_in_freeze_minutes), deps.wall_clock.now()
    return change.alarmed_at is None or now < change.alarmed_at or now - change.alarmed_at >= every


def _is_unread_due(deps: Dependencies, unread: Unread, *, is_frozen: bool) -> bool:
    return not unread.is_told and (is_frozen or deps.wall_clock.now() - unread.since >= _UNREAD_AFTER)


def _alarm(deps: Dependencies, record: FlagRecord, breach: FreezeBreach) -> _Post:
    return _told(deps, record, [breach.change.sequence], lambda: breach_notice(deps, record, breach), is_alarm=True)


def _end(deps: Dependencies, record: FlagRecord, change: NoticedChange) -> _Post:
    how = how_it_ended(deps, record, change)
    fact = FreezeBreachEnded(stage="ended", change=change.sequence, how=how)
    return lambda: _posted(deps, record, ended_notice(deps, record, change, how), fact)


def _told(
    deps: Dependencies, record: FlagRecord, entries: Sequence[int], notice: Callable[[], Notice], *, is_alarm: bool = False
) -> _Post:
    fact = FlagChangesTold(stage="told", changes=tuple(entries), is_alarm=is_alarm)
    return lambda: _posted(deps, record, notice(), fact)


def _posted(deps: Dependencies, record: FlagRecord, notice: Notice, fact: FlagChangesTold | FreezeBreachEnded) -> str:
    notify(deps, notice)
    with deps.state.transaction() as state:
        subject, at = f"flag:{record.flag}@{EVERYWHERE}", deps.wall_clock.now()
        event = recorded(fact, actor=GUARD_ITSELF, subject=subject, at=at, incident_id=notice.incident_id)
        state.audit.append(event)
    return notice.summary
