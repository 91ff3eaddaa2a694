"""Verdicts as CSV, a window at a time: `window_start,tenant_id,severity,scope,reason`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ledger_guard.domain.verdicts import Scope, Severity

COLUMNS = ("window_start", "tenant_id", "severity", "scope", "reason")


class VerdictsFile:
    """Writes one row per verdict: built from whole columns, since the standard writer costs more than judging does.

    The reason is always quoted; another field only where CSV asks for it.
    """

    def __init__(self, target: BinaryIO, severities: Sequence[Severity]) -> None:
        """`severities` says what the codes in `write` mean."""
        self._target = target
        #: the text between tenant and reason, by severity code and scope
        self._middles = [f',{severity.value},{scope.value},"' for severity in severities for scope in _SCOPES]
        self._tenant_ids: tuple[str, ...] = ()
        self._quoted: list[str] = []
        target.write(f"{','.join(COLUMNS)}\n".encode())

    def write(
        self,
        window_start: str,
        tenant_ids: tuple[str, ...],
        severity: NDArray[np.int8],
        is_widespread: NDArray[np.bool_],
        reasons: list[str],
    ) -> None:
        """Append a window's rows; everything is parallel to `tenant_ids`."""
        if tenant_ids is not self._tenant_ids and tenant_ids != self._tenant_ids:
            self._tenant_ids, self._quoted = tenant_ids, [_quoted(tenant_id) for tenant_id in tenant_ids]
        codes = (severity * len(_SCOPES) + is_widespread).tolist()
        rows = self._rows(window_start, codes, reasons)
        if rows.count('"') != 2 * len(reasons):
            rows = self._rows(window_start, codes, [reason.replace('"', '""') for reason in reasons])
        self._target.write(rows.encode())

    def _rows(self, window_start: str, codes: list[int], reasons: list[str]) -> str:
        middles = map(self._middles.__getitem__, codes)
        before = itertools.repeat(f'"\n{window_start},')
        pieces = itertools.chain.from_iterable(zip(before, self._quoted, middles, reasons, strict=False))
        # every row begins with the end of the row before it: the first has none, and the last lacks its own
        return f'{"".join(pieces)}"\n'[2:]


_SCOPES = (Scope.ISOLATED, Scope.WIDESPREAD)


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"\r\n') else field
