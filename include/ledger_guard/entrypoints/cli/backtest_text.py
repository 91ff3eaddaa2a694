"""A backtest's summary in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ledger_guard.domain.shown_text import counted, listed
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import iso
from ledger_guard.use_cases.backtest.comparison import KINDS, Difference, Seen
from ledger_guard.use_cases.backtest.summary import Summary

#: tenants and differences that are named
TENANTS_NAMED = 6
DIFFERENCES_NAMED = 20
_KINDS = {"only_a": "only A", "only_b": "only B", "severity": "other severity", "start": "earlier or later"}

_FIGURES: tuple[tuple[str, Callable[[Summary], str]], ...] = (
    *((f"verdicts {severity.value}", lambda s, of=severity: f"{s.verdicts[of]:,}") for severity in Severity),
    ("verdicts without data", lambda s: f"{100 * s.no_data_share:.1f} %"),
    *(
        (f"{scope.value} incidents, {severity.value}", lambda s, of=(scope, severity): f"{s.incidents[of[0]][of[1]]:,}")
        for scope in Scope
        for severity in (Severity.SEVERE, Severity.MILD)
    ),
    ("times somebody is woken", lambda s: f"{s.woken:,}"),
    ("times a week", lambda s: "too short" if s.woken_per_week is None else f"{s.woken_per_week:.1f}"),
    ("tenants with too little traffic", lambda s: f"{len(s.insufficient_tenants):,}"),
    ("tenants alarmed", lambda s: f"{len(s.alarmed_tenants):,}"),
)


def headline(trigger: Trigger, summary: Summary) -> str:
    """The file in one line."""
    days = (summary.end - summary.start).total_seconds() / 86_400
    told = ", ".join(f"{number} {severity.value}" for severity, number in _most_first(summary))
    return (
        f"{trigger.value}: {summary.windows} windows of {summary.window_minutes} minutes, {summary.tenants} tenants; {told}\n"
        f"{iso(summary.start)} to {iso(summary.end)}, {days:.1f} days"
    )


def figures(summaries: Sequence[Summary]) -> str:
    """The figures of one policy, or of two side by side."""
    lines = [f"  {'':<34}{'A':>14}{'B':>14}"] if len(summaries) > 1 else []
    lines += [f"  {name:<34}" + "".join(f"{told(summary):>14}" for summary in summaries) for name, told in _FIGURES]
    for place, summary in zip("AB", summaries, strict=False):
        lines += _tenants(summary, f" ({place})" if len(summaries) > 1 else "")
    return "\n".join(lines)


def differing(found: Sequence[Difference]) -> str:
    """How many incidents differ, by kind, and the first of them."""
    if not found:
        return "no incident differs"
    counts = Counter(kind for difference in found for kind in difference.kinds)
    told = ", ".join(f"{counts[kind]} {_KINDS[kind]}" for kind in KINDS)
    lines = [f"incidents that differ: {len(found)} ({told})", *map(_difference, found[:DIFFERENCES_NAMED])]
    if len(found) > DIFFERENCES_NAMED:
        lines.append(f"  and {len(found) - DIFFERENCES_NAMED} more: --json tells all")
    return "\n".join(lines)


def _most_first(summary: Summary) -> list[tuple[Severity, int]]:
    return sorted(((severity, number) for severity, number in summary.verdicts.items() if number), key=lambda pair: -pair[1])


def _tenants(summary: Summary, place: str) -> list[str]:
    lines = []
    if summary.insufficient_tenants:
        lines.append(f"  too little traffic{place}: {listed(summary.insufficient_tenants, TENANTS_NAMED)}")
    worst = [
        f"{alarms.tenant_id} {alarms.alarm_hours:.1f} h ({alarms.severe_hours:.1f} severe)" for alarms in summary.alarmed_tenants
    ]
    if worst:
        lines.append(f"  most alarm hours{place}: {listed(worst, TENANTS_NAMED)}")
    return lines


def _difference(difference: Difference) -> str:
    who = difference.tenant_id or "(platform)"
    told = f"  {iso(difference.start)}  {who}: A {_seen(difference.a)}; B {_seen(difference.b)}"
    later = difference.b_later_windows
    if not later:
        return told
    return f"{told}; B {counted(abs(later), 'window', 'windows')} {'later' if later > 0 else 'earlier'}"


def _seen(seen: Seen | None) -> str:
    return "nothing" if seen is None else f"{seen.severity.value} until {iso(seen.end)}"
