"""From the lines of one file to access events and rejected lines, each with its key."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import datetime

from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.line_fields import LineReader, UnusableLine
from ledger_guard.adapters.access_log.log_bytes import LINE_MAX_BYTES
from ledger_guard.domain.access_events import REASON_MAX_CHARACTERS, AccessEvent, RejectedLine, safe_excerpt

#: equal lines are distinguished by their order; repeats come within moments, so older lines can be dropped
REMEMBERED_LINES = 100_000


class LineEntries:
    """What the lines of one file are, in their order."""

    def __init__(self, reader: LineReader, events: LineEvents, *, cut_shows: bool, near: datetime | None = None) -> None:
        """`cut_shows`: whether a line of this format that was cut off can't be read. `near`: time of the event before."""
        self._reader, self._events, self._cut_shows = reader, events, cut_shows
        self._repeats = Repeats()
        #: time of the event that came last
        self.near = near

    def entry(self, number: int, raw: bytes) -> AccessEvent | RejectedLine:
        """The line as an event, or why it is none."""
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        key = self._repeats.key(raw)
        if len(raw.rstrip(b"\r\n")) > LINE_MAX_BYTES:
            return self._rejected(number, line, UnusableLine(f"is longer than {LINE_MAX_BYTES} bytes"), key)
        try:
            event = self._events.event(self._reader(line), key)
        except UnusableLine as reason:
            return self._rejected(number, line, reason, key, is_cut=self._cut_shows and not raw.endswith(b"\n"))
        self.near = event.event_time
        return event

    def pass_over(self, raw: bytes) -> None:
        """Remember a line that was read before, so that the next one that is equal counts as another."""
        self._repeats.key(raw)

    def _rejected(self, number: int, line: str, reason: UnusableLine, key: str, *, is_cut: bool = False) -> RejectedLine:
        """`is_cut`: the writer may not have ended it yet. It is read when the file comes again, and hides nothing till then."""
        words = f"{reason}; it is the last line and has no line end: read again when it is whole" if is_cut else str(reason)
        return RejectedLine(
            number,
            words[:REASON_MAX_CHARACTERS],
            safe_excerpt(line),
            line_key=key,
            hides_request_to=self._events.hidden_path(line) if reason.may_hide and not is_cut else None,
            near=reason.moment or self.near,
        )


class Repeats:
    """Gives equal lines of a file different keys, the same ones each time the file is read."""

    def __init__(self) -> None:
        self._times: OrderedDict[bytes, int] = OrderedDict()

    def key(self, raw: bytes) -> str:
        """The key of this line, told from equal ones before it."""
        digest = hashlib.sha256(raw.rstrip(b"\r\n")).digest()
        times = self._times.pop(digest, 0) + 1
        self._times[digest] = times
        if len(self._times) > REMEMBERED_LINES:
            self._times.popitem(last=False)
        return "line:" + hashlib.sha256(digest + str(times).encode()).hexdigest()
