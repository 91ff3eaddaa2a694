"""What one look at followed logs found, and the files that could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledger_guard.domain.followed_logs import COMPRESSING_SECONDS, LogSight

#: a file that can't be read and did not change is tried again after so long
TRY_AGAIN_SECONDS = 60


@dataclass(frozen=True)
class Completeness:
    """When the source counts as complete while it is followed."""

    #: how much later than another a line may be written, or a file be brought
    behind: timedelta
    #: a line is there at most so long after its request, whether or not others follow; None: nobody can say that
    idle_behind: timedelta | None = None


@dataclass
class Look:
    """The result of looking once at what is followed."""

    accepted: int = 0
    already_known: int = 0
    rejected: int = 0
    #: why the source does not count as complete further on: sentences for people
    held: list[str] = field(default_factory=list)
    #: what was lost for good: sentences for people
    lost: list[str] = field(default_factory=list)
    #: stated by this look; None: no later than before
    complete_through: datetime | None = None
    #: not everything that is there was read, and nothing is wrong: it was stopped, or a file is still being written
    is_unfinished: bool = False
    #: lines that came after their windows were settled, and lines ahead of the clock
    too_late: int = 0
    from_future: int = 0


@dataclass(frozen=True)
class _Fault:
    sight: LogSight
    since: datetime
    tried_at: datetime
    words: str


class Faults:
    """Files that could not be read to their end."""

    def __init__(self) -> None:
        self._by_file: dict[str, _Fault] = {}

    def waits(self, sight: LogSight, now: datetime) -> bool:
        """Whether it is the same as when it could not be read, not long ago."""
        fault = self._by_file.get(sight.file_id)
        return fault is not None and fault.sight == sight and (now - fault.tried_at).total_seconds() < TRY_AGAIN_SECONDS

    def add(self, sight: LogSight, words: str, now: datetime) -> None:
        """It could not be read now."""
        known = self._by_file.get(sight.file_id)
        self._by_file[sight.file_id] = _Fault(sight, known.since if known else now, now, words)

    def clear(self, sight: LogSight) -> None:
        """It could be read."""
        self._by_file.pop(sight.file_id, None)

    def keep_only(self, file_ids: set[str]) -> None:
        """Forget those that are not there any more."""
        self._by_file = {key: fault for key, fault in self._by_file.items() if key in file_ids}

    def hold(self, look: Look, now: datetime, *, is_last: bool) -> None:
        """Say them in `look`; not yet those that may still be being compressed, unless nobody looks again soon."""
        for fault in self._by_file.values():
            begun = fault.since if fault.sight.is_plain else max(fault.since, fault.sight.written_at)
            if is_last or (now - begun).total_seconds() >= COMPRESSING_SECONDS:
                look.held.append(fault.words)
            else:
                look.is_unfinished = True
