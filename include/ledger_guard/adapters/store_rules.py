"""Rules that every store of guard state keeps, whatever it stores in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.signals import Reading, SensedWindow, WindowState
from ledger_guard.domain.windows import require_aware


def stored_json(content: Mapping[str, Any]) -> str:
    """The one text that `content` is stored and hashed as: sorted keys, no spaces, no escapes.

    Raises:
        TypeError, ValueError: something in it has no JSON form (a set, a date, NaN): the caller gives plain values.

    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` as it comes back from a store: own copies, lists for tuples, text keys."""
    found: dict[str, Any] = json.loads(stored_json(content))
    return found


def storable_event(event: AuditEvent) -> AuditEvent:
    """The event as it will be read back, so that its hash is the same then."""
    return replace(event, detail=plain_json(event.detail), at=require_aware(event.at, "audit event"))


def require_known_windows(windows: Sequence[SensedWindow], readings: Sequence[Reading]) -> None:
    """Raise ValueError unless every reading belongs to a complete window among `windows`."""
    complete = {(sensed.trigger, sensed.window) for sensed in windows if sensed.state is WindowState.COMPLETE}
    for reading in readings:
        if (reading.trigger, reading.window) not in complete:
            raise ValueError(
                f"reading of {reading.trigger.value} at {reading.window.start.isoformat()}: no complete window is given with it"
            )


def require_root_cause(freeze: Freeze) -> None:
    """Raise SafetyRefusal unless the freeze says who lifts it, when, and what the root cause was."""
    missing = [
        what
        for what, value in (
            ("a time", freeze.lifted_at),
            ("a person", (freeze.lifted_by or "").strip()),
            ("a root cause", (freeze.root_cause or "").strip()),
        )
        if not value
    ]
    if missing:
        raise SafetyRefusal(f"freeze {freeze.freeze_id} of {freeze.flag}: can't be lifted without {', '.join(missing)}")
