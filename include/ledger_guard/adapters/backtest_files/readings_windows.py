"""Rows of readings, cut into windows: checked in bulk, and row by row only to point at the first that is wrong."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ledger_guard.adapters.backtest_files import readings_fields as fields
from ledger_guard.adapters.backtest_files.csv_columns import BadLine, TextBlock
from ledger_guard.adapters.backtest_files.readings_fields import BadField
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.windows import iso

#: the columns that every file has, and those that it may have
COLUMNS = ("window_start", "tenant_id", "events", "exposure")
OPTIONAL = ("subjects", "cents")


_READ = {"subjects": fields.subjects, "cents": fields.cents}


@dataclass(frozen=True)
class WindowRows:
    """The rows of one window, sorted by tenant. The arrays are parallel to `tenant_ids`."""

    start: datetime
    #: line of the window's first row, for messages
    line: int
    #: sorted, without repeats; the same object as before where the tenants are the same
    tenant_ids: tuple[str, ...]
    events: NDArray[np.int64]
    #: NaN where the field is empty
    exposure: NDArray[np.float64]
    #: NaN where the field is empty or the column is missing
    subjects: NDArray[np.float64]
    #: NaN where the field is empty; None where the column is missing
    cents: NDArray[np.float64] | None = None


class WindowCutter:
    """Takes blocks of rows in the order of the file, and gives windows; holds back the last one, which may go on."""

    def __init__(self, optional: Sequence[str] = ()) -> None:
        """`optional` are those of OPTIONAL that the file has, in their order."""
        self._optional = tuple(optional)
        #: rows held back, in the order of COLUMNS, then those of `optional`
        self._columns: tuple[list[str], ...] = ()
        self._lines: Sequence[int] = ()
        self._known: set[str] = set()
        #: a window's tenants in file order, sorted, and the file position of each sorted one
        self._as_read: list[str] = []
        self._sorted: tuple[str, ...] = ()
        self._order: NDArray[np.intp] | None = None

    def add(self, block: TextBlock) -> list[WindowRows]:
        """The windows that a block completes, whose lists are taken over; raises BadLine for the first row that is wrong."""
        if not self._lines:
            self._columns, self._lines = block.columns, block.lines
        else:
            for held, new in zip(self._columns, block.columns, strict=True):
                held.extend(new)
            self._lines = _joined(self._lines, block.lines)
        moments = self._columns[0]
        return [] if moments[0] == moments[-1] else self._cut(is_end=False)

    def end(self) -> list[WindowRows]:
        """The last window; raises BadLine like `add`."""
        return self._cut(is_end=True) if self._lines else []

    def point_at_wrong_row(self) -> None:
        """Raise BadLine for the first row held back that is wrong, if there is one."""
        self._check_row_by_row(len(self._lines))

    def _cut(self, *, is_end: bool) -> list[WindowRows]:
        end = len(self._lines)
        try:
            runs = self._runs()
            if not is_end:
                end = runs.pop()[1]
            windows = list(self._windows(runs, end)) if runs else []
        except (BadField, BadInputError):
            self._check_row_by_row(end)
            raise
        if windows:
            for column in self._columns:
                del column[:end]
            self._lines = self._lines[end:]
        return windows

    def _runs(self) -> list[tuple[datetime, int]]:
        """Where each window begins, and at which row."""
        moments = self._columns[0]
        changes = map(operator.ne, moments, itertools.islice(moments, 1, None))
        runs: list[tuple[datetime, int]] = []
        last: datetime | None = None
        for row in itertools.chain((0,), itertools.compress(range(1, len(moments)), changes)):
            start = fields.moment(moments[row])
            if start == last:
                # the same moment, written otherwise
                continue
            if last is not None and start < last:
                raise _unsorted(start, last)
            runs.append((start, row))
            last = start
        return runs

    def _windows(self, runs: list[tuple[datetime, int]], end: int) -> Iterator[WindowRows]:
        events = fields.events(self._columns[2][:end])
        exposure = fields.exposure(self._columns[3][:end])
        others = {name: _READ[name](column[:end]) for name, column in zip(self._optional, self._columns[4:], strict=True)}
        subjects, cents = others.get("subjects", np.full(end, np.nan)), others.get("cents")
        beginnings = [row for _, row in runs] + [end]
        for (start, low), high in zip(runs, beginnings[1:], strict=True):
            self._see(self._columns[1][low:high])
            rows: slice | NDArray[np.intp] = slice(low, high) if self._order is None else low + self._order
            money = None if cents is None else cents[rows]
            yield WindowRows(start, self._lines[low], self._sorted, events[rows], exposure[rows], subjects[rows], money)

    def _see(self, tenants: list[str]) -> None:
        """Sort a window's tenants, unless they are those of the window before."""
        if tenants == self._as_read:
            return
        different = set(tenants)
        if len(different) < len(tenants):
            raise BadField("a tenant is repeated", "one row per window and tenant")
        for unknown in different - self._known:
            self._known.add(fields.tenant(unknown))
        by_name = sorted(tenants)
        self._as_read, self._sorted = tenants, tuple(by_name)
        self._order = None
        if by_name != tenants:
            self._order = np.array(sorted(range(len(tenants)), key=tenants.__getitem__), np.intp)

    def _check_row_by_row(self, end: int) -> None:
        last: datetime | None = None
        seen: set[str] = set()
        for row in range(end):
            try:
                start = fields.moment(self._columns[0][row])
                if last is not None and start < last:
                    raise _unsorted(start, last)
                seen = seen if start == last else set()
                last = start
                self._check_row(row, seen)
            except BadField as error:
                raise BadLine(self._lines[row], error.problem, error.allowed) from error
            except BadInputError as error:
                problem, _, allowed = str(error).partition("; allowed: ")
                raise BadLine(self._lines[row], problem, allowed) from error

    def _check_row(self, row: int, seen: set[str]) -> None:
        moment, tenant, *numbers = (column[row] for column in self._columns)
        fields.tenant(tenant)
        if tenant in seen:
            raise BadField(f"repeats tenant {tenant} within window {moment}", "one row per window and tenant")
        seen.add(tenant)
        columns = (fields.events, fields.exposure, *(_READ[name] for name in self._optional))
        for column, text in zip(columns, numbers, strict=True):
            column([text])


def _unsorted(start: datetime, before: datetime) -> BadField:
    return BadField(f"window_start {iso(start)} comes after {iso(before)}", "rows sorted by time")


def _joined(lines: Sequence[int], more: Sequence[int]) -> Sequence[int]:
    if isinstance(lines, range) and isinstance(more, range):
        # only blank lines and line ends within quotes leave gaps, and rows about those come with a list
        return range(lines.start, more.stop)
    return [*lines, *more]
