"""The mode in force of each matrix row: the lower of the policy's and of what the audit log permits.

Entries are only ever added there, so no edited row and no edited policy raises a mode: that takes an entry with a reason, by a
person whom a login proved, with the mark of an audit key where one is set. Any entry may lower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ledger_guard.domain.attestations import AttestingLog, is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.modes import ModeLowered, ModeRaised, ModesSeen
from ledger_guard.domain.modes import Mode, cases_of, lowest
from ledger_guard.domain.shown_text import one_line, wrote
from ledger_guard.domain.stops import named
from ledger_guard.domain.windows import iso

#: the subject of entries about modes
SUBJECT = "modes"
VERBS = ("see_modes", "lower_mode", "raise_mode")
_UNREADABLE = "an entry about modes can't be read"
_NEW = "new in the policy, and nobody raised it on record"


@dataclass(frozen=True)
class RowMode:
    """One row's mode in force, and why."""

    row: str
    mode: Mode
    policy_mode: Mode
    #: None: the policy was edited, and no health check has seen it yet
    since: datetime | None
    why: str

    @property
    def sentence(self) -> str:
        """For people: `T1 severe isolated: propose since 2026-11-28T14:03:00Z (policy: act): plan … was undone`."""
        since = f" since {iso(self.since)}" if self.since else ""
        policy = f" (policy: {self.policy_mode.value})" if self.mode is not self.policy_mode else ""
        return f"{self.row}: {self.mode.value}{since}{policy}: {self.why}"


def row_modes(log: AttestingLog, policy_modes: Mapping[str, Mode]) -> tuple[RowMode, ...]:
    """Each row's mode in force, in the policy's order. With nothing on record the policy's modes stand."""
    record = _Record()
    for entry in log.about(SUBJECT, VERBS):
        record.read(entry, counts=log.keys.newest is None or is_marked(entry, log.keys))
    return tuple(record.mode_of(row, mode) for row, mode in policy_modes.items())


def notable_modes(modes: Sequence[RowMode]) -> tuple[RowMode, ...]:
    """Those that are not `act`, or not the policy's."""
    return tuple(each for each in modes if each.mode is not Mode.ACT or each.mode is not each.policy_mode)


def modes_in_short(modes: Sequence[RowMode]) -> tuple[str, ...]:
    """For people, a line each: rows whose mode is the policy's by mode, then each other row with its reason."""
    as_named = {mode: [each.row for each in modes if each.mode is mode is each.policy_mode] for mode in Mode}
    lines = [f"{mode.value}, as the policy says: {', '.join(rows)}" for mode, rows in as_named.items() if rows]
    return (*lines, *(each.sentence for each in modes if each.mode is not each.policy_mode))


def mode_of_row(log: AttestingLog, policy_modes: Mapping[str, Mode], row: str) -> RowMode:
    """The mode in force of one row of the policy."""
    return next(each for each in row_modes(log, policy_modes) if each.row == row)


def modes_last_seen(log: AttestingLog) -> Mapping[str, Mode] | None:
    """The policy's modes at the newest entry that counts; None without one."""
    for entry in reversed(log.about(SUBJECT, ("see_modes",))):
        seen = told(entry.event, ModesSeen)
        if seen and (log.keys.newest is None or is_marked(entry, log.keys)):
            return seen.modes
    return None


@dataclass(frozen=True)
class _Ceiling:
    """The highest mode that the record permits."""

    mode: Mode
    since: datetime | None = None
    #: empty: it is what the policy said
    why: str = ""


@dataclass
class _Record:
    ceilings: dict[str, _Ceiling] = field(default_factory=dict)
    #: for cases that are not on record
    others: _Ceiling = field(default_factory=lambda: _Ceiling(Mode.ACT))
    is_begun: bool = False

    def read(self, entry: AuditEntry, *, counts: bool) -> None:
        if entry.event.verb == "see_modes":
            self._see(entry, counts=counts)
        elif entry.event.verb == "lower_mode":
            self._lower(entry)
        elif counts:
            self._raise(entry)

    def mode_of(self, row: str, policy_mode: Mode) -> RowMode:
        ceilings = [self._of(case) for case in cases_of(row)]
        mode = lowest(*(each.mode for each in ceilings))
        ceiling = next(each for each in ceilings if each.mode is mode)
        if policy_mode.is_below(mode):
            return RowMode(row, policy_mode, policy_mode, None, "the policy's mode")
        raised_since = f"the policy says {policy_mode.value} now, and nobody raised it on record"
        why = ceiling.why or ("the policy's mode" if mode is policy_mode else raised_since)
        return RowMode(row, mode, policy_mode, ceiling.since, why)

    def _of(self, case: str) -> _Ceiling:
        return self.ceilings.get(case, self.others)

    def _cap(self, case: str, ceiling: _Ceiling) -> None:
        if ceiling.mode.is_below(self._of(case).mode):
            self.ceilings[case] = ceiling

    def _cap_all(self, ceiling: _Ceiling) -> None:
        for case in self.ceilings:
            self._cap(case, ceiling)
        if ceiling.mode.is_below(self.others.mode):
            self.others = ceiling

    def _see(self, entry: AuditEntry, *, counts: bool) -> None:
        seen, at = told(entry.event, ModesSeen), entry.event.at
        if seen is None:
            self._cap_all(_Ceiling(Mode.PROPOSE, at, _UNREADABLE))
            return
        listed = {case: mode for row, mode in seen.modes.items() for case in cases_of(row)}
        for case, mode in listed.items():
            self._cap(case, _Ceiling(mode, at))
            if counts:
                # a case that is not on record yet: what holds for it now, from here on
                self.ceilings.setdefault(case, replace(self.others, since=at))
        if counts and not self.is_begun:
            self.is_begun = True
            new = _Ceiling(Mode.PROPOSE, at, _NEW)
            self.others = new if new.mode.is_below(self.others.mode) else self.others

    def _lower(self, entry: AuditEntry) -> None:
        lowered, at = told(entry.event, ModeLowered), entry.event.at
        if lowered is None:
            self._cap_all(_Ceiling(Mode.PROPOSE, at, _UNREADABLE))
            return
        by = named(entry.event.actor, lowered.is_proved)
        why = one_line(lowered.reason) if lowered.is_by_guard else f"lowered by {by}, who {wrote(lowered.reason)}"
        for case in cases_of(lowered.row):
            self._cap(case, _Ceiling(lowered.to, at, why))

    def _raise(self, entry: AuditEntry) -> None:
        raised = told(entry.event, ModeRaised)
        if raised is None or not raised.is_proved:
            return
        why = f"raised by {one_line(entry.event.actor)}, who {wrote(raised.reason)}"
        for case in cases_of(raised.row):
            if self._of(case).mode.is_below(raised.to):
                self.ceilings[case] = _Ceiling(raised.to, entry.event.at, why)
