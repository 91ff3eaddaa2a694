"""Rules that every store of guard state keeps, whatever it stores in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import Freeze, RotationPlan
from ledger_guard.domain.freeze_overrides import FreezeOverride
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
    last: Reading | None = None
    for reading in readings:
        # readings mostly come by window, and share it
        is_as_last = last is not None and reading.window is last.window and reading.trigger is last.trigger
        last = reading
        if not is_as_last and (reading.trigger, reading.window) not in complete:
            raise ValueError(
                f"reading of {reading.trigger.value} at {reading.window.start.isoformat()}: no complete window is given with it"
            )


def require_root_cause(freeze: Freeze) -> None:
    """Raise SafetyRefusal unless the freeze says who lifts it, when, and what the root cause was, by two people's word."""
    missing = [
        what
        for what, value in (
            ("a time", freeze.lifted_at),
            ("a person", (freeze.lifted_by or "").strip()),
            ("a root cause", (freeze.root_cause or "").strip()),
            ("a link to it", (freeze.root_cause_link or "").strip()),
            ("its owner", (freeze.root_cause_owner or "").strip()),
            ("the name of who wrote it", (freeze.root_cause_by or "").strip()),
        )
        if not value
    ]
    if missing:
        raise SafetyRefusal(f"freeze {freeze.freeze_id} of {freeze.flag}: can't be lifted without {', '.join(missing)}")
    if freeze.lifted_by == freeze.root_cause_by:
        raise SafetyRefusal(
            f"freeze {freeze.freeze_id} of {freeze.flag}: {freeze.lifted_by} wrote the root cause and can't lift it too; "
            "allowed: someone else"
        )


def require_no_overlap(rotation: RotationPlan, last_done: RotationPlan | None) -> None:
    """Raise SafetyRefusal while the rotation that was done last still overlaps the moment this one is planned."""
    ends_at = last_done.overlap_ends_at if last_done is not None else None
    if last_done is not None and ends_at is not None and rotation.planned_at < ends_at:
        raise SafetyRefusal(
            f"rotation of {rotation.secret_name}: {last_done.rotation_id} was done by {last_done.done_by} and overlaps until "
            f"{ends_at.isoformat()}; allowed: another rotation after that"
        )


def require_running_override(override: FreezeOverride, at: datetime) -> None:
    """Raise SafetyRefusal when the override has ended or expired by `at`."""
    if override.ended_at is not None:
        raise SafetyRefusal(f"override {override.override_id} of {override.flag}: has already ended, by {override.ended_by}")
    if at >= override.expires_at:
        raise SafetyRefusal(
            f"override {override.override_id} of {override.flag}: has already expired, at {override.expires_at.isoformat()}"
        )
