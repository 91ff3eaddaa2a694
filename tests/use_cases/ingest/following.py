"""A follower of a folder, with its guard in memory, for tests that write the folder's files."""

import json
import os
from datetime import datetime, timedelta

from access_lines import JSON_LINE, NOW, POLICY, UTC, line_events

from ledger_guard.adapters.access_log.log_folder import FolderOfLogs
from ledger_guard.adapters.memory.access_events import InMemoryAccessEventStore
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.use_cases.ingest.follow_access_log import Follower
from ledger_guard.use_cases.ingest.followed_looks import Completeness

ELEVEN = datetime(2026, 3, 1, 11, tzinfo=UTC)
DEFAULTS = {"jsonl": "ingress_json", "combined": "combined", "alb": "alb"}
MINUTE = Completeness(timedelta(seconds=60))


def line(number, at=None, **fields):
    """The `number`-th second's withdrawal."""
    moment = (at or ELEVEN + timedelta(seconds=number)).isoformat()
    return json.dumps({**json.loads(JSON_LINE), "request_id": f"req-{number:05}", "timestamp": moment, **fields}) + "\n"


def lines(first, last):
    return "".join(line(number) for number in range(first, last))


def mappings():
    return {name: (known, POLICY.access_log[known], line_events(POLICY.access_log[known])) for name, known in DEFAULTS.items()}


class Following:
    """A folder and who follows it."""

    def __init__(self, folder, store=None, world=None, completeness=MINUTE, places=None, batch=7):
        self.folder = folder
        self.world = world or memory_world(POLICY, NOW)
        self.store = store or InMemoryAccessEventStore(self.world.state)
        self._options = (completeness, places or [str(folder)], batch)
        self.restart()

    def restart(self):
        """As after a kill: what was not stored is forgotten."""
        completeness, places, batch = self._options
        logs = FolderOfLogs(places, "auto", mappings(), batch)
        self.follower = Follower(self.world.deps, self.store, logs, "ops", completeness)

    def look(self, **options):
        return self.follower.look(**options)

    def append(self, text, name="access.log", written_at=NOW):
        with (self.folder / name).open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        self.touch(name, written_at)

    def touch(self, name="access.log", written_at=NOW):
        os.utime(self.folder / name, (written_at.timestamp(), written_at.timestamp()))

    def later(self, **duration):
        for clock in (self.world.clock, self.world.wall_clock):
            clock.advance(timedelta(**duration))

    @property
    def seconds(self):
        """Of the stored events, in order of arrival."""
        return [int((event.event_time - ELEVEN).total_seconds()) for event in self.store.events]

    @property
    def results(self):
        """Lines, accepted, already known and rejected of each file, in order of arrival."""
        return [(file.lines, file.accepted, file.already_known, file.rejected) for file in self.store.files]
