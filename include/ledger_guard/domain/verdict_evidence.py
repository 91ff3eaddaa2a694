"""Verdicts in words, for people: what was measured, against what, in which window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger_guard.domain.money_at_risk import in_words as money_in_words
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.verdicts import Severity, Verdict
from ledger_guard.domain.windows import iso

_GRAVITY = {Severity.SEVERE: 0, Severity.MILD: 1}


def newest_alarms(verdicts: Iterable[Verdict], tenants: Sequence[str]) -> list[Verdict]:
    """Each tenant's newest alarm, worst first, then most events; tenants without one are left out."""
    newest: dict[str, Verdict] = {}
    for verdict in verdicts:
        known = newest.get(verdict.tenant_id)
        if verdict.severity.is_alarm and (known is None or known.window < verdict.window):
            newest[verdict.tenant_id] = verdict
    found = [newest[tenant] for tenant in tenants if tenant in newest]
    return sorted(found, key=lambda verdict: (_GRAVITY[verdict.severity], -_number(verdict.reasons, "events"), verdict.tenant_id))


def since(verdicts: Iterable[Verdict], tenant_id: str) -> str:
    """When the tenant's first alarm among `verdicts` began; empty when it has none there."""
    starts = [verdict.window.start for verdict in verdicts if verdict.tenant_id == tenant_id and verdict.severity.is_alarm]
    return iso(min(starts)) if starts else ""


def in_words(verdict: Verdict, began: str, nouns: Nouns) -> str:
    """One tenant's evidence: value, money, baseline, band, ratio, window and since when."""
    reasons = verdict.reasons
    parts = [f"{verdict.severity.value}: {_value(reasons, nouns)}", money_in_words(reasons, nouns.events)]
    if (baseline := _share(reasons, "baseline_rate")) is not None:
        parts.append(f"baseline {baseline}")
    low, high = _share(reasons, "band_low"), _share(reasons, "band_high")
    if low is not None and high is not None:
        parts.append(f"band {low} to {high}")
    # of a window in which nothing failed any more the rise of before says nothing
    if isinstance(ratio := reasons.get("ratio"), int | float) and reasons.get("events"):
        parts.append(f"{ratio:.3g} times the baseline")
    parts.append(f"window {iso(verdict.window.start)} to {iso(verdict.window.end)}")
    if began:
        parts.append(f"since {began}")
    return f"{'; '.join(parts)}. {verdict.sentence}".strip()


def _value(reasons: Mapping[str, Any], nouns: Nouns) -> str:
    """As in `41 refused withdrawals of 1,200 (3.42%)`."""
    counts = f"{_counted(reasons, 'events')} {nouns.events} of {_counted(reasons, 'exposure')}"
    rate = _share(reasons, "rate")
    if reasons.get("events") == 0:
        return f"{counts}, none any more; the alarm ends after quiet windows"
    return counts if rate is None else f"{counts} ({rate})"


def _counted(reasons: Mapping[str, Any], key: str) -> str:
    found = reasons.get(key)
    return f"{found:,}" if isinstance(found, int | float) else "?"


def _share(reasons: Mapping[str, Any], key: str) -> str | None:
    found = reasons.get(key)
    return f"{found:.2%}" if isinstance(found, int | float) else None


def _number(reasons: Mapping[str, Any], key: str) -> float:
    found = reasons.get(key)
    return float(found) if isinstance(found, int | float) else 0.0
