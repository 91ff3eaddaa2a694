"""The rule's memory as bytes and back: arrays and a header of plain text, nothing that runs when it is read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

import numpy as np

from ledger_guard.detection.rule import TenantBaselineRule

#: changes with every change of the rule or of what it remembers
VERSION = "tenant_baseline/1"
_HEADER = "header"


def dump(rule: TenantBaselineRule, about: dict[str, Any]) -> bytes:
    """Everything the rule remembers, with `about` (JSON-able) beside it."""
    header = {
        "version": VERSION,
        "window_minutes": rule.window_minutes,
        "depth": rule.recent.depth,
        "events_accumulate": rule.events_accumulate,
        "is_widespread": rule.is_widespread,
        "windows_seen": rule.windows_seen,
        "about": about,
    }
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {_HEADER: text, **_arrays(rule)}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def load(rule: TenantBaselineRule, state: bytes) -> dict[str, Any]:
    """Put a dumped memory into a fresh `rule` and return what was beside it.

    Raises:
        ValueError: the bytes are not a dump, or of another version, window length or kind of trigger. Learn from history.
    """
    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as stored:
            header = json.loads(stored[_HEADER].tobytes())
            arrays = {name: stored[name] for name in stored.files if name != _HEADER}
    except (ValueError, zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError) as error:
        raise ValueError(f"engine state: is damaged ({error}); allowed: what dump gave") from error
    wanted = {
        "version": VERSION,
        "window_minutes": rule.window_minutes,
        "depth": rule.recent.depth,
        "events_accumulate": rule.events_accumulate,
    }
    for name, value in wanted.items():
        if header.get(name) != value:
            raise ValueError(f"engine state: {name} is {header.get(name)!r}; allowed: {value!r}")
    if set(arrays) != set(_arrays(rule)):
        raise ValueError("engine state: its parts are not this version's; allowed: what dump gave")
    rule.is_widespread, rule.windows_seen = header["is_widespread"], header["windows_seen"]
    for name, array in arrays.items():
        part, field = name.split(".")
        if part == "alarms":
            setattr(rule.alarms, field, array)
        else:
            getattr(rule, part).memory[field] = array
    rule.baselines.refresh()
    about: dict[str, Any] = header["about"]
    return about


def _arrays(rule: TenantBaselineRule) -> dict[str, Any]:
    arrays: dict[str, Any] = {f"baselines.{name}": array for name, array in rule.baselines.memory.items()}
    arrays |= {f"recent.{name}": array for name, array in rule.recent.memory.items()}
    return arrays | {f"alarms.{name}": getattr(rule.alarms, name) for name in rule.alarms.FIELDS}
