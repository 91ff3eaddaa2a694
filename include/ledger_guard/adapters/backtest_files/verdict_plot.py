"""A picture of verdicts: one panel a tenant, with its rate, what is usual for it, and the verdicts behind.

Importing this module imports matplotlib, which takes a second: import it where a picture is asked for. No display is needed,
and pyplot's global state is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.windows import UTC

#: background colours; `none` stays white
_COLOURS = {
    Severity.SEVERE: "#e5484d",
    Severity.MILD: "#f5b041",
    Severity.INSUFFICIENT: "#e8e8ec",
    Severity.NO_DATA: "#b9bbc6",
}
_ALARMS = (Severity.SEVERE, Severity.MILD)
_STRENGTH = 0.6
_RATE, _USUAL, _BAND = "#1c2024", "#0b68cb", "#7db8f5"
_WIDTH_INCHES, _PANEL_INCHES, _FRAME_INCHES = 15.0, 2.5, 1.5
_DOTS_PER_INCH = 110
#: of the points that are no alarm, so many may stick out at the top, so that one of them does not flatten all others
_STICKING_OUT = 0.002


class DrawnSeries(Protocol):
    """One tenant's figures by time. The arrays are parallel; NaN where nothing is known."""

    @property
    def tenant_id(self) -> str:
        """The panel's title."""

    @property
    def start(self) -> datetime:
        """The position of the first point."""

    @property
    def step(self) -> timedelta:
        """The distance between two points."""

    @property
    def rate(self) -> NDArray[np.float32]:
        """What was seen."""

    @property
    def usual_rate(self) -> NDArray[np.float32]:
        """The middle of the band."""

    @property
    def band_low(self) -> NDArray[np.float32]:
        """The band's lower end."""

    @property
    def band_high(self) -> NDArray[np.float32]:
        """The band's upper end."""

    @property
    def severity(self) -> NDArray[np.int8]:
        """Index into `severities`."""

    @property
    def severities(self) -> tuple[Severity, ...]:
        """What the codes mean."""


def draw(series: Sequence[DrawnSeries], title: str, target: BinaryIO, picture_format: str) -> None:
    """Draw the series, which have the same times, one above the other; the format is `png`, `svg` or `pdf`."""
    height = _FRAME_INCHES + _PANEL_INCHES * len(series)
    # texts stay texts in an SVG, and the same verdicts give the same bytes
    with mpl.rc_context({"font.size": 10, "svg.fonttype": "none", "svg.hashsalt": "verdicts", "timezone": "UTC"}):
        figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DOTS_PER_INCH, layout="constrained")
        figure.suptitle(title, fontsize=14, fontweight="bold")
        panels = figure.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
        for axes, each in zip(panels, series, strict=True):
            _panel(axes, each)
        locator = mdates.AutoDateLocator(tz=UTC, minticks=5, maxticks=15)  # type: ignore[no-untyped-call]
        panels[-1].xaxis.set_major_locator(locator)
        panels[-1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
        panels[-1].set_xlabel("time (UTC)")
        figure.legend(handles=_legend(), loc="outside lower center", ncols=7, frameon=False)
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(picture_format)
        figure.savefig(target, format=picture_format, metadata=metadata)


def _panel(axes: Axes, series: DrawnSeries) -> None:
    points = len(series.rate)
    first_day: float = mdates.date2num(series.start)  # type: ignore[no-untyped-call]
    days = first_day + (series.step / timedelta(days=1)) * np.arange(points + 1, dtype=np.float64)
    for code, severity in enumerate(series.severities):
        if severity in _COLOURS:
            _backdrop(axes, days, series.severity == code, severity)
    top = _top(series)
    low, high = (_stepped(np.minimum(ends, 2 * top)) for ends in (series.band_low, series.band_high))
    axes.fill_between(days, low, high, step="post", color=_BAND, alpha=0.55, linewidth=0, zorder=2)
    axes.step(days, _stepped(series.usual_rate), where="post", color=_USUAL, linewidth=1.4, zorder=5)
    axes.step(days, _stepped(series.rate), where="post", color=_RATE, linewidth=0.7, zorder=4)
    axes.set_xlim(days[0], days[-1])
    axes.set_ylim(0, top)
    if np.nanmax(series.usual_rate, initial=0) <= 1:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g} %"))
        axes.set_ylabel("events per attempt")
    else:
        axes.set_ylabel("events a window")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(visible=True, color="#d9d9e0", linewidth=0.5, zorder=1)
    axes.set_axisbelow(True)
    axes.set_title(_heading(series), loc="left", fontsize=11)


def _backdrop(axes: Axes, days: NDArray[np.float64], where: NDArray[np.bool_], severity: Severity) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    spans = [(days[low], days[high] - days[low]) for low, high in edges.reshape(-1, 2).tolist()]
    if spans:
        # an edge of its own keeps a single window visible in a month
        edge = 0.8 if severity in _ALARMS else 0.0
        axes.broken_barh(
            spans,
            (0, 1),
            transform=axes.get_xaxis_transform(),
            facecolor=_COLOURS[severity],
            edgecolor=_COLOURS[severity],
            linewidth=edge,
            alpha=_STRENGTH,
            zorder=0.5,
        )


def _top(series: DrawnSeries) -> float:
    """Where the vertical axis ends: all alarms and the usual band stand below."""
    is_alarm = np.isin(series.severity, [series.severities.index(severity) for severity in _ALARMS])
    candidates = [
        series.rate[is_alarm],
        series.usual_rate,
        *(np.quantile(known, [1 - _STICKING_OUT]) for known in _known(series.rate, series.band_high)),
    ]
    return 1.08 * float(np.nanmax(np.concatenate(candidates), initial=0)) or 1.0


def _known(*columns: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    finite = [column[np.isfinite(column)] for column in columns]
    return [column for column in finite if column.size]


def _stepped(column: NDArray[np.float32]) -> NDArray[np.float32]:
    """With the last point repeated, since a step ends where the next begins."""
    return np.append(column, column[-1:])


def _heading(series: DrawnSeries) -> str:
    hours = series.step / timedelta(hours=1)
    told = [
        f"{severity.value} {hours * int(np.count_nonzero(series.severity == series.severities.index(severity))):.1f} h"
        for severity in _ALARMS
    ]
    return f"{series.tenant_id}   ({', '.join(told)})"


def _legend() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=_RATE, linewidth=1.2, label="rate"),
        Line2D([], [], color=_USUAL, linewidth=1.6, label="usual rate"),
        Patch(color=_BAND, alpha=0.55, label="expected band"),
        *(Patch(color=colour, alpha=_STRENGTH, label=severity.value) for severity, colour in _COLOURS.items()),
    ]
