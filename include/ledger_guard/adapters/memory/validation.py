"""A test environment in memory."""

from __future__ import annotations

from ledger_guard.domain.validation import ProbeAnswer


class InMemoryValidationSource:
    """ValidationSource that answers what it was told; asks nobody for a flag that it was told nothing about."""

    def __init__(self) -> None:
        self._answers: dict[str, ProbeAnswer] = {}

    def will_answer(self, flag: str, url: str, status: int | None, *, passed: bool, words: str) -> None:
        """Have the probe of this flag answer so from now on."""
        self._answers[flag] = ProbeAnswer(url, status, passed, words)

    def ask(self, flag: str) -> ProbeAnswer | None:
        """See ValidationSource."""
        return self._answers.get(flag)
