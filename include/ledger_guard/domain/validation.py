"""What the test environment answered about a flag's effect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeAnswer:
    """The answer of a validation probe."""

    url: str
    #: HTTP status; None when nothing answered
    status: int | None
    passed: bool
    #: for people: `answered 200`, or why nothing did
    words: str
