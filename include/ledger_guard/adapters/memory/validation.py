"""A test environment in memory."""

from __future__ import annotations

from ledger_guard.domain.validation import ProbeAnswer


class InMemoryValidationSource:
    """ValidationSource with given answers; None for a flag without one."""

    def __init__(self) -> None:
        self._answers: dict[str, ProbeAnswer] = {}

    def will_answer(self, flag: str, url: str, status: int | None, *, passed: bool, words: str) -> None:
        """Have the probe of this flag answer so from now on."""
        self._answers[flag] = ProbeAnswer(url, status, passed, words)

    def ask(self, flag: str) -> ProbeAnswer | None:
        """See ValidationSource."""
        return self._answers.get(flag)
