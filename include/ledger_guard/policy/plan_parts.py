"""The parts of a policy that a plan is bound to, with a digest each, and what an edit between dry-run and write means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from ledger_guard.policy.schema import Policy

_DIGITS = 32


class Bearing(str, Enum):
    """What a change of a section does to a plan that is not written to its end."""

    #: its rows may be wrong now: refused, also half-way
    ROWS = "rows"
    #: another writer than it was judged for: refused where that writer is the platform's script
    WRITER = "writer"
    #: what lets it be written without a human: a plan that was not begun needs one then
    LIMITS = "limits"
    #: who answers: every question is judged by its own rule and by the current one (ADR 0007)
    ANSWERS = "answers"
    #: nothing
    NONE = "none"


#: every section of the policy; a test demands that a new one is added
BEARINGS: Mapping[str, Bearing] = {
    "platform": Bearing.ROWS,
    "backfill_writer": Bearing.WRITER,
    "command_runner": Bearing.WRITER,
    "guardrails": Bearing.LIMITS,
    "budget": Bearing.LIMITS,
    "autonomy": Bearing.LIMITS,
    # which rows may repair at all; a mode is not raised by an edit (ADR 0015) and a lower one asks a human by itself
    "matrix": Bearing.LIMITS,
    "approvals": Bearing.ANSWERS,
    "groups": Bearing.ANSWERS,
    "delegation": Bearing.ANSWERS,
    "break_glass": Bearing.ANSWERS,
    # a plan keeps each flag's value, and force compares the values themselves
    "flags": Bearing.NONE,
    "flag_store": Bearing.NONE,
    "backfill_pace": Bearing.NONE,
    "version": Bearing.NONE,
    "name": Bearing.NONE,
    "window_minutes": Bearing.NONE,
    "sensing": Bearing.NONE,
    "detection": Bearing.NONE,
    "triggers": Bearing.NONE,
    "drill": Bearing.NONE,
    "mitigation": Bearing.NONE,
    "access_log": Bearing.NONE,
    "secrets": Bearing.NONE,
    "rotation": Bearing.NONE,
    "notification": Bearing.NONE,
    "forgery": Bearing.NONE,
    "freeze": Bearing.NONE,
    "wake": Bearing.NONE,
    "retention": Bearing.NONE,
    "restore": Bearing.NONE,
    "reminders": Bearing.NONE,
    "probes": Bearing.NONE,
}

#: keys of bound sections that decide nothing about a stored plan: how fast and how long, and what the plan or the write itself
#: keeps (its expiry, its sentences about triggers)
_LEFT_OUT: Mapping[str, Any] = {
    "platform": {
        "statement_timeout_seconds": True,
        "lock_timeout_milliseconds": True,
        "most_replica_lag_seconds": True,
        "wallet": {"known_triggers"},
    },
    "guardrails": {"plan_valid_minutes", "batch_rows", "max_tenants_per_incident"},
    "autonomy": {"verify_again_hours"},
}


def plan_parts(policy: Policy) -> dict[str, str]:
    """A digest of each part that a plan is bound to, by its name in the policy, as in `platform.ledger` or `guardrails`."""
    found: dict[str, str] = {}
    for section, bearing in BEARINGS.items():
        if bearing in (Bearing.ANSWERS, Bearing.NONE):
            continue
        content = _content(policy, section)
        if bearing is Bearing.ROWS:
            found |= {f"{section}.{key}": _digest(value) for key, value in content.items()}
        else:
            found[section] = _digest(content)
    return found


def parts_hash(parts: Mapping[str, str]) -> str:
    """SHA-256 over all parts: the policy that a plan was made under, as far as it is bound to one."""
    return _sha256(dict(parts))


def changed_parts(then: Mapping[str, str], policy: Policy, bearing: Bearing) -> tuple[str, ...]:
    """Names of the parts with this bearing that are not what they were `then`, in the order of the policy."""
    now = plan_parts(policy)
    names = dict.fromkeys((*now, *then))
    return tuple(name for name in names if _bearing(name) is bearing and now.get(name) != then.get(name))


def _bearing(part: str) -> Bearing | None:
    return BEARINGS.get(part.partition(".")[0])


def _content(policy: Policy, section: str) -> Any:
    if section == "matrix":
        return sorted(row.name for row in policy.matrix if "backfill" in row.actions)
    left_out = {section: _LEFT_OUT[section]} if section in _LEFT_OUT else None
    return policy.model_dump(mode="json", by_alias=True, include={section}, exclude=left_out)[section]


def _digest(content: Any) -> str:
    return _sha256(content)[:_DIGITS]


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
