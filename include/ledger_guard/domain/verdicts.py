"""Verdicts: the guard's judgement of a reading, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window

Word = TypeVar("Word", bound=Enum)


class Severity(str, Enum):
    """The judgement of one reading."""

    #: enough evidence, and nothing wrong
    NONE = "none"
    #: a slight and short rise
    MILD = "mild"
    #: a high or a sustained rise
    SEVERE = "severe"
    #: too little traffic to judge; never closes or verifies anything
    INSUFFICIENT = "insufficient"
    #: not measured; never closes or verifies anything
    NO_DATA = "no_data"

    @property
    def is_alarm(self) -> bool:
        """True for mild and severe."""
        return self in (Severity.MILD, Severity.SEVERE)

    @property
    def is_evidence_of_health(self) -> bool:
        """True only for `none`: the other quiet severities mean that nothing is known."""
        return self is Severity.NONE

    @classmethod
    def parse(cls, word: object) -> Severity:
        """Read a severity word; raises BadInputError for any other."""
        return _parse(cls, word, "severity")


class Scope(str, Enum):
    """Whether certain tenants or the whole platform moved."""

    ISOLATED = "isolated"
    WIDESPREAD = "widespread"

    @classmethod
    def parse(cls, word: object) -> Scope:
        """Read a scope word; raises BadInputError for any other."""
        return _parse(cls, word, "scope")


def _parse(kind: type[Word], word: object, what: str) -> Word:
    try:
        return kind(word)
    except ValueError as error:
        allowed = ", ".join(member.value for member in kind)
        raise BadInputError(f"{what}: {str(word)[:60]!r} is unknown; allowed: {allowed}") from error


def worst(first: Severity, second: Severity) -> Severity:
    """The worse of two judgements: severe, mild, none; unknown ranks lowest."""
    return max(first, second, key=_RANK.__getitem__)


_RANK = {Severity.NO_DATA: 0, Severity.INSUFFICIENT: 1, Severity.NONE: 2, Severity.MILD: 3, Severity.SEVERE: 4}


@dataclass(frozen=True)
class Verdict:
    """The judgement of one tenant's window, with its reasons."""

    trigger: Trigger
    tenant_id: str
    window: Window
    severity: Severity
    scope: Scope
    #: which rule decided, in one English sentence
    sentence: str
    #: the figures behind it: rate, baseline_rate, band_low, band_high, ratio, events, exposure, rule … (JSON-able)
    reasons: Mapping[str, Any] = field(default_factory=dict)
