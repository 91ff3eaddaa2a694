"""The rule's memory as bytes and back: arrays and a header of plain text, nothing that runs when it is read."""

from __future__ import annotations

import io
import json
import zlib
from typing import Any

import numpy as np

from ledger_guard.detection.rule import LevelFilterRule

#: changes with every change of the rule or of what it remembers
VERSION = "level_filter/3"
_MAGIC = b"LGS1"
#: the state is written at every check: quick matters more than small
_LEVEL = 1


def dump(rule: LevelFilterRule, about: dict[str, Any]) -> bytes:
    """Everything the rule remembers, with `about` (JSON-able) beside it."""
    arrays = _arrays(rule)
    header = {
        **_identity(rule),
        "hour": [rule.hour.number, rule.hour.last_number],
        "pooled": [rule.pooled.is_widespread, rule.pooled.began, rule.pooled.unrest],
        "about": about,
        "arrays": [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()],
    }
    text = json.dumps(header).encode()
    body = io.BytesIO()
    body.write(len(text).to_bytes(8, "big"))
    body.write(text)
    for array in arrays.values():
        body.write(np.ascontiguousarray(array).tobytes())
    return _MAGIC + zlib.compress(body.getvalue(), _LEVEL)


def load(rule: LevelFilterRule, state: bytes) -> dict[str, Any]:
    """Put a dumped memory into a fresh `rule` and return what was beside it.

    Raises:
        ValueError: the bytes are not a dump, or of another version, grid, window length or kind of trigger. Learn from history.
    """
    header, arrays = _read(state)
    for name, value in _identity(rule).items():
        if header.get(name) != value:
            raise ValueError(f"engine state: {name} is {header.get(name)!r}; allowed: {value!r}")
    try:
        for name, part in rule.parts.items():
            part.restore({key.split(".", 1)[1]: array for key, array in arrays.items() if key.split(".", 1)[0] == name})
        rule.hour.number, rule.hour.last_number = header["hour"]
        rule.pooled.is_widespread, rule.pooled.began, rule.pooled.unrest = header["pooled"]
        about: dict[str, Any] = header["about"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"engine state: its parts are not this version's ({error}); allowed: what dump gave") from error
    return about


def _identity(rule: LevelFilterRule) -> dict[str, Any]:
    return {
        "version": VERSION,
        "window_minutes": rule.window_minutes,
        "events_accumulate": rule.events_accumulate,
        "ratios": [round(float(ratio), 6) for ratio in rule.rises.ratios],
    }


def _arrays(rule: LevelFilterRule) -> dict[str, np.ndarray[Any, Any]]:
    return {f"{name}.{field}": array for name, part in rule.parts.items() for field, array in part.stored().items()}


def _read(state: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    if not state.startswith(_MAGIC):
        raise ValueError("engine state: is damaged (it does not begin as one); allowed: what dump gave")
    try:
        body = zlib.decompress(state[len(_MAGIC) :])
        end = 8 + int.from_bytes(body[:8], "big")
        header = json.loads(body[8:end])
        arrays = {}
        for name, kind, shape in header["arrays"]:
            dtype = np.dtype(kind)
            size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(body[end : end + size], dtype).reshape(shape).copy()
            end += size
    except (ValueError, zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"engine state: is damaged ({error}); allowed: what dump gave") from error
    return header, arrays
