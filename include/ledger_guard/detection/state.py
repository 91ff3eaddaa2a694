"""The rule's memory as bytes and back: numpy's own archive of plain arrays, nothing that runs when it is read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.rule import LevelFilterRule

#: changes with every change of the rule or of what it remembers
VERSION = "level_filter/3"
#: the state is written at every check: quick matters more than small
_COMPRESSION = 1
#: the array that holds the header, as JSON in UTF-8
_HEADER = "header"


def dump(rule: LevelFilterRule, about: dict[str, Any]) -> bytes:
    """Everything the rule remembers, with `about` (JSON-able) beside it."""
    header = {
        **_identity(rule),
        "hour": [rule.hour.number, rule.hour.last_number],
        "pooled": [rule.pooled.is_widespread, rule.pooled.began, rule.pooled.unrest],
        "about": about,
    }
    arrays: dict[str, Any] = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8)}
    for name, part in rule.parts.items():
        arrays |= {f"{name}.{field}": array for field, array in part.stored().items()}
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **arrays)
    return zlib.compress(archive.getbuffer(), _COMPRESSION)


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
            part.restore({field: arrays[f"{name}.{field}"] for field in part.stored()})
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


def _read(state: bytes) -> tuple[dict[str, Any], Mapping[str, NDArray[Any]]]:
    """Header and arrays. Raises ValueError for any other bytes, those of a version with another format too."""
    try:
        # as np.load with what begins as an archive, and refuses everything else
        with np.lib.npyio.NpzFile(io.BytesIO(zlib.decompress(state)), own_fid=True, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = dict(json.loads(arrays.pop(_HEADER).tobytes()))
    except (ValueError, KeyError, TypeError, EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"engine state: is damaged ({error}); allowed: what dump gave") from error
    return header, arrays
