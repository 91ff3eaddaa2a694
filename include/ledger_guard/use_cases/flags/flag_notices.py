"""Notices about flags that somebody changed past the guard. Posts nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.flag_record import FlagRecord, NoticedChange, Unread
from ledger_guard.domain.flag_values import flag_value
from ledger_guard.domain.flags import Freeze, scope_words
from ledger_guard.domain.freeze_breaches import FreezeBreach, scopes_in_words
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.past_the_guard_words import change_words, who_changed_it
from ledger_guard.domain.shown_text import duration, wrote
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.attested_freezes import overrides_that_count

_LOUDEST = "FLAG ENABLED DURING A FREEZE"


def breach_notice(deps: Dependencies, record: FlagRecord, breach: FreezeBreach) -> Notice:
    """The loudest notice there is: in the channel, with the escalation's mention."""
    change, now, at_most = breach.change, deps.wall_clock.now(), deps.policy.notification.list_at_most
    again = f", for {duration(now - change.noticed_at)} now" if change.alarmed_at else ""
    summary = f"{breach.in_words(at_most)}{again}. No restore is on record."
    facts = [
        ("Change", change_words(record.flag, change.fact, at_most)),
        ("Who", who_changed_it(change.fact)),
        *(("Frozen", _freeze_words(freeze)) for freeze in breach.freezes[:at_most]),
        ("To end it", _way_out(record, breach)),
        *(
            (("Not read", f"its store can't be read since {iso(record.unread.since)}: the last known value counts"),)
            if record.unread
            else ()
        ),
    ]
    return Notice(
        title=f"{_LOUDEST} · watch_flags · {record.flag}",
        summary=summary,
        facts=tuple(facts),
        incident_id=_incident_of(breach.freezes) or change.incident_id,
        is_loud=True,
        mention=deps.policy.notification.escalation_mention,
    )


def ended_notice(deps: Dependencies, record: FlagRecord, change: NoticedChange, how: str) -> Notice:
    """That a broken freeze is whole again, or the change on record."""
    where = scopes_in_words(change.fact.scopes, deps.policy.notification.list_at_most)
    lasted = duration(deps.wall_clock.now() - change.noticed_at)
    return Notice(
        title=f"ended · flag enabled during a freeze · watch_flags · {record.flag}",
        summary=f"{record.flag}, enabled past the guard for {where} during a freeze, {how}. It lasted {lasted}.",
        facts=(("Change", change_words(record.flag, change.fact, deps.policy.notification.list_at_most)),),
        incident_id=change.incident_id,
        is_loud=True,
    )


def changes_notice(deps: Dependencies, record: FlagRecord, changes: Sequence[NoticedChange]) -> Notice:
    """Changes past the guard that break no freeze, told once."""
    at_most = deps.policy.notification.list_at_most
    first, more = changes[0], len(changes) - 1
    also = f" {more} more changed too." if more else ""
    words = change_words(record.flag, first.fact, at_most)
    return Notice(
        title=f"watch_flags · {record.flag} · changed past the guard",
        summary=f"{words}: past the guard, noticed {iso(first.noticed_at)}; nothing on record asked for it.{also}",
        facts=tuple(
            ("Change", f"{change_words(record.flag, each.fact, at_most)}; {who_changed_it(each.fact)}")
            for each in changes[:at_most]
        ),
        incident_id=first.incident_id,
    )


def unread_notice(flag: str, unread: Unread) -> Notice:
    """That a flag's store can't be read."""
    return Notice(
        title=f"watch_flags · {flag} · not compared",
        summary=f"{unread_in_words(flag, unread)} What is done to it past the guard is not noticed meanwhile.",
    )


def unread_in_words(flag: str, unread: Unread) -> str:
    """One sentence."""
    return f"{flag} can't be compared with the guard's record since {iso(unread.since)}: {unread.why}."


def how_it_ended(deps: Dependencies, record: FlagRecord, change: NoticedChange) -> str:
    """Why a change is no broken freeze any more."""
    safe = flag_value(record.safe_value)
    if all(record.effective(scope) is safe for scope in change.fact.scopes):
        return f"is {safe.value} again"
    restored = [record.written[scope] for scope in change.fact.scopes if scope in record.written]
    newest = max(restored, key=lambda each: each[0].sequence, default=None)
    if newest is not None and newest[0].sequence > change.sequence and newest[0].event.verb == "restore":
        return f"was restored on record, approved by {newest[1].approved_by or 'a person on record'}"
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        overrides = [
            each
            for each in overrides_that_count(state, now, record.flag)
            if any(each.is_in_force(record.flag, scope, now) for scope in change.fact.scopes)
        ]
    if overrides:
        return f"has an override by {overrides[0].granted_by} until {iso(overrides[0].expires_at)} on record"
    return "is no longer frozen: the freeze was lifted on record"


def _freeze_words(freeze: Freeze) -> str:
    doubt = f" ({freeze.doubt})" if freeze.doubt else ""
    where, since = scope_words(freeze.tenant_id), iso(freeze.opened_at)
    return f"for {where} since {since} by {freeze.opened_by}, who {wrote(freeze.reason)}{doubt}"


def _way_out(record: FlagRecord, breach: FreezeBreach) -> str:
    scope = breach.scopes[0]
    return (
        f"set {record.flag} {flag_value(record.safe_value).value} for {scope_words(scope)} in its store, or roll it back: "
        f"flag_rollback for {record.flag}@{scope}; if it is right, flag_restore puts it on record"
    )


def _incident_of(freezes: Sequence[Freeze]) -> str | None:
    return next((freeze.incident_id for freeze in freezes if freeze.incident_id), None)
