"""How late data changed stored verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger_guard.domain.facts.incidents import LateData
from ledger_guard.domain.signals import SensedWindow
from ledger_guard.domain.verdicts import Scope, Verdict, worst
from ledger_guard.domain.windows import Window, iso


@dataclass(frozen=True)
class Difference:
    """A window's new verdicts compared with the stored ones."""

    #: verdicts that replace the stored ones
    changed: tuple[Verdict, ...]
    #: those of them that are a worse alarm than before: late evidence
    late_alarms: tuple[Verdict, ...]
    #: tenants that no longer have a verdict for this window
    withdrawn: tuple[str, ...]


@dataclass
class Revision:
    """The windows judged again in one run, counted for the audit log."""

    revised: Sequence[SensedWindow]
    list_at_most: int
    windows: int = 0
    verdicts_changed: int = 0
    _turned: list[str] = field(default_factory=list)

    @property
    def since(self) -> datetime | None:
        """Start of the oldest revised window: verdicts before it do not change."""
        return self.revised[0].window.start if self.revised else None

    def concerns(self, window: Window) -> bool:
        """Whether the verdicts of an already judged window may differ now."""
        return self.since is not None and window.start >= self.since

    def compare(self, stored: Iterable[Verdict], again: Iterable[Verdict]) -> Difference:
        """The changes from re-judging a window; counts them."""
        known = {verdict.tenant_id: verdict for verdict in stored}
        changed = []
        for verdict in again:
            before = known.pop(verdict.tenant_id, None)
            if before is None or not _is_same(before, verdict):
                changed.append((before, verdict))
        self.windows += 1
        self.verdicts_changed += len(changed) + len(known)
        self._turned += [_in_words(before, after) for before, after in changed if _kind(before) != _kind(after)]
        self._turned += [_in_words(before, None) for before in known.values()]
        late = tuple(after for before, after in changed if _is_graver(before, after))
        return Difference(tuple(after for _, after in changed), late, tuple(known))

    @property
    def late_data(self) -> LateData | None:
        """For the audit entry: what was judged again, and the first changed severities and scopes; None if nothing was."""
        if self.since is None:
            return None
        return LateData(
            since=self.since,
            windows_revised=tuple(each.window.start for each in self.revised),
            severities_changed=len(self._turned),
            first_changes=tuple(self._turned[: self.list_at_most]),
        )


def _is_same(stored: Verdict, again: Verdict) -> bool:
    if (_kind(stored), stored.sentence) != (_kind(again), again.sentence):
        return False
    return stored.reasons == again.reasons or stored.reasons == _as_stored(again.reasons)


def _as_stored(reasons: Mapping[str, Any]) -> Any:
    """Lists for tuples, text keys: stored reasons come back from JSON."""
    return json.loads(json.dumps(reasons))


def _kind(verdict: Verdict | None) -> tuple[str, str] | None:
    return None if verdict is None else (verdict.severity.value, verdict.scope.value)


def _is_graver(stored: Verdict | None, again: Verdict) -> bool:
    if not again.severity.is_alarm:
        return False
    if stored is None:
        return True
    is_worse = again.severity is not stored.severity and worst(stored.severity, again.severity) is again.severity
    return is_worse or (again.scope is Scope.WIDESPREAD and stored.scope is not Scope.WIDESPREAD)


def _in_words(before: Verdict | None, after: Verdict | None) -> str:
    of = after or before
    if of is None:
        return ""
    said = [f"{each.severity.value} {each.scope.value}" if each else "no verdict" for each in (before, after)]
    return f"{iso(of.window.start)} {of.tenant_id}: {' → '.join(said)}"
