"""The error families, by what the operator does about them.

Every error is one sentence that says what is wrong, where, and what is allowed instead.
"""

from __future__ import annotations


class LedgerGuardError(Exception):
    """Root of all errors that Ledger Guard raises on purpose."""


class BadInputError(LedgerGuardError):
    """An input or a setting is not allowed: correct it and try again (exit code 2)."""


class PolicyError(BadInputError):
    """The policy file is invalid: correct it; each line names file, path, problem and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SafetyRefusal(LedgerGuardError):
    """A safety rule refuses: ask the named human, or remove the cause; nothing was written (exit code 3)."""


class SourceUnavailable(LedgerGuardError):
    """A source did not answer or lacks data: the window is `no_data`; retry when it is back."""


class GuardStateUnavailable(SourceUnavailable):
    """The guard's own database did not answer or is not migrated: the guard is blind until it does."""


class SchemaMismatch(GuardStateUnavailable):
    """Guard state's schema is another release's: upgrade it, or install that release; nothing was read or written."""


class UnusableAnswer(SourceUnavailable):
    """A source answered with rows that can't be used: the windows that they are about are `no_data`; correct the source."""


class LedgerInvariantError(LedgerGuardError):
    """Stored facts contradict one another (an edited plan, a broken chain): stop and find out why."""


class StaleVersionError(SafetyRefusal):
    """Someone else saved it since it was read: read it again and repeat; nothing was written."""


class ConcurrentWriterError(SafetyRefusal):
    """Another run holds this tenant's writer lock: wait for it to end, then start again."""


class WriterSuperseded(SafetyRefusal):
    """Another writer has taken over this one's work: end; what it wrote is journaled, and the other goes on behind it."""

    def __init__(self, message: str, *, by_own_run: bool = False) -> None:
        super().__init__(message)
        #: whether a later try of the same run has: then nothing failed
        self.by_own_run = by_own_run


class NotificationFailed(LedgerGuardError):
    """The notice did not reach the channel: the notifying task fails, nothing else stops."""


class PagingFailed(LedgerGuardError):
    """A pager did not take a call: the next one is called, and nothing else stops."""
