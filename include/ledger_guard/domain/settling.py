"""Settle time: after a flag change, a restore or a deploy nothing is written without a human for a while.

A time that lies ahead, because a clock went backwards, counts as just now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.flags import FlagWriteIntended, Restored, RolledBack
from ledger_guard.domain.facts.past_the_guard import ChangedPastTheGuard
from ledger_guard.domain.facts.records import DeployRecorded
from ledger_guard.domain.flags import EVERYWHERE, scope_words
from ledger_guard.domain.repairs import is_within
from ledger_guard.domain.shown_text import duration, one_line
from ledger_guard.domain.windows import iso

#: what each verb did to a flag, for people
_DONE = {"roll_back": "was rolled back", "restore": "was enabled again"}


class ChangeLog(Protocol):
    """The part of the audit log that tells what changed."""

    def in_any_scope(self, flag: str, verb: str, since: datetime | None = None) -> Sequence[AuditEntry]:
        """Entries of this verb about the flag in any scope, in order; `since`: only those dated after it."""

    def of_kind(self, kind: str, verb: str) -> Sequence[AuditEntry]:
        """Entries of this verb whose subject is of this kind, in order."""


@dataclass(frozen=True)
class Disturbance:
    """Something that changed how the platform behaves."""

    at: datetime
    #: `deploy v2.3`, `webhook_signature_enforced was enabled again`
    what: str
    #: a tenant, or `*`
    scope: str = EVERYWHERE

    def concerns(self, tenants: Iterable[str]) -> bool:
        """Whether it is about one of these tenants."""
        return self.scope == EVERYWHERE or self.scope in tenants

    @property
    def words(self) -> str:
        """For people."""
        return f"{one_line(self.what)} for {scope_words(self.scope)} at {iso(self.at)}"


def settling(disturbances: Iterable[Disturbance], period: timedelta, now: datetime) -> list[Disturbance]:
    """Those less than `period` ago, the newest last."""
    return sorted((each for each in disturbances if is_within(each.at, period, now)), key=lambda each: each.at)


def settle_reasons(found: Sequence[Disturbance], period: timedelta, now: datetime) -> tuple[str, ...]:
    """One sentence when something is still settling: what changed last, and when it frees."""
    if not found:
        return ()
    last, more = found[-1], f" and {len(found) - 1} more" if len(found) > 1 else ""
    elapsed = f"{duration(now - last.at)} of {duration(period)} since {last.words}{more}"
    return (f"settle time: {elapsed}; frees at {iso(last.at + period)}",)


def settling_until(found: Sequence[Disturbance], period: timedelta) -> str:
    """For notices and the board: `settling until … after …`; empty when nothing is."""
    if not found:
        return ""
    return f"settling until {iso(found[-1].at + period)} after {'; '.join(each.words for each in found)}"


def settling_now(
    log: ChangeLog, flags: Iterable[str], period: timedelta, now: datetime, tenants: Collection[str] | None = None
) -> list[Disturbance]:
    """What is on record less than `period` ago (0: none) and concerns these tenants (None: any), the newest last."""
    if not period:
        return []
    found = settling(disturbances(log, flags, now - period), period, now)
    return [each for each in found if tenants is None or each.concerns(tenants)]


def disturbances(log: ChangeLog, flags: Iterable[str], since: datetime) -> list[Disturbance]:
    """Flag changes and deploys on record after a moment, in order; from the audit log, where none can be edited away."""
    found = [*_flag_changes(log, flags, since), *_deploys(log)]
    return sorted((each for each in found if each.at > since), key=lambda each: each.at)


def _flag_changes(log: ChangeLog, flags: Iterable[str], since: datetime) -> Iterator[Disturbance]:
    for flag in flags:
        for verb, words in _DONE.items():
            written: dict[str, Disturbance] = {}
            for entry in log.in_any_scope(flag, verb, since):
                # An intended write may have been made, whatever came after: a refusal on record takes nothing back.
                if _may_have_written(entry.event):
                    scope = entry.event.subject.partition("@")[2]
                    written[scope] = Disturbance(entry.event.at, f"{flag} {words}", scope)
            yield from written.values()
        for entry in log.in_any_scope(flag, "watch_flags", since):
            if past := told(entry.event, ChangedPastTheGuard):
                # Since when it was noticed: what the store says about when it was changed proves nothing.
                yield from (Disturbance(entry.event.at, f"{flag} was changed past the guard", scope) for scope in past.scopes)


def _may_have_written(event: AuditEvent) -> bool:
    return bool(told(event, FlagWriteIntended) or told(event, RolledBack) or told(event, Restored))


def _deploys(log: ChangeLog) -> Iterator[Disturbance]:
    for entry in log.of_kind("deploy", "record_deploy"):
        if deploy := told(entry.event, DeployRecorded):
            yield Disturbance(deploy.deployed_at, f"deploy {deploy.version}")
