"""ingest: store ingress log lines in guard state, each once, and report what they can't show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ledger_guard.domain.access_events import MOST_KEPT_REJECTS, AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import json_form, json_of, recorded
from ledger_guard.domain.facts.records import FileIngested, SourceAdvanced
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import iso, require_aware
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import AccessEventDelivery, AccessEventStore, AccessLog
from ledger_guard.use_cases.ingest.event_times import from_future, remember_out_of_time, settled_before, too_late

BATCH_LINES = 5_000


@dataclass(frozen=True)
class IngestOutcome:
    """The result of one ingest."""

    files: tuple[IngestedFile, ...]
    #: every event before this time was delivered; None when there was none
    complete_through: datetime | None

    @property
    def unusable(self) -> tuple[IngestedFile, ...]:
        """Files in which no line could be used; with one of them, the source does not count as complete."""
        return tuple(file for file in self.files if file.is_unusable)

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "files": [{**json_of(told_of(file)), "not_knowable": list(file.not_knowable)} for file in self.files],
            **json_form(self, "complete_through"),
            "unusable": [file.file_name for file in self.unusable],
        }


def ingest_access_log(
    deps: Dependencies,
    store: AccessEventStore,
    logs: Sequence[AccessLog],
    *,
    actor: str,
    complete_through: datetime | None = None,
    progress: Callable[[str, int], None] = lambda _name, _lines: None,
) -> IngestOutcome:
    """Ingest files one after the other. Each is stored completely or not at all; a second time changes nothing.

    Of rejected lines the first `MOST_KEPT_REJECTS` of a file are kept; all are counted.

    After all of them, the source counts as complete up to `complete_through`, or else up to the newest accepted event. Not
    sooner: several files may cover the same minutes; and never later than now, however far ahead a host's clock runs. If nothing
    of a file could be used, the source does not count as complete: its requests are missing, and windows without them would look
    quiet. `progress` gets a file's name and its lines so far.

    Raises:
        BadInputError: a file can't be read to its end or is mostly not a log, or `complete_through` is in the future. Earlier
        files are stored; the source does not count as complete. Correct the file and start again.
        SourceUnavailable: guard state (or, for many tenants, the platform) does not answer. Start again when it is back.
    """
    now = deps.clock.now()
    if complete_through is not None and require_aware(complete_through, "complete_through") > now:
        raise BadInputError(f"complete through {iso(complete_through)}: is in the future; allowed: up to {iso(now)}")
    settled = settled_before(deps)
    files = tuple(_ingest_file(deps, store, log, actor, progress, settled) for log in logs)
    late, ahead = sum(file.too_late for file in files), sum(file.from_future for file in files)
    remember_out_of_time(deps, late, ahead, settled)
    # a clock that runs ahead, within what the policy allows, makes nothing complete that has not happened yet
    newest = complete_through or max((min(file.last_event, now) for file in files if file.last_event), default=None)
    if newest is None or any(file.is_unusable for file in files):
        return IngestOutcome(files, None)
    at = deps.wall_clock.now()
    with store.delivery() as delivery:
        reached = delivery.advance(newest, at)
        fact = SourceAdvanced(stated=newest, complete_through=reached)
        delivery.audit.append(recorded(fact, actor=actor, subject="source:access_event", at=at))
    return IngestOutcome(files, reached)


def _ingest_file(
    deps: Dependencies,
    store: AccessEventStore,
    log: AccessLog,
    actor: str,
    progress: Callable[[str, int], None],
    settled: datetime | None,
) -> IngestedFile:
    file = IngestedFile(new_id(), log.name, log.sha256(), log.mapping)
    matching: Counter[str] = Counter()
    entries = log.entries()
    #: unusable lines before the file's first event: when they were written is told by that
    early: list[RejectedLine] = []
    hidden: Counter[str] = Counter()
    with store.delivery() as delivery:
        delivery.begin(file)
        while batch := list(islice(entries, BATCH_LINES)):
            events = [entry for entry in batch if isinstance(entry, AccessEvent)]
            rejects = [entry for entry in batch if isinstance(entry, RejectedLine)]
            file = delivered(delivery, file, events, rejects, settled)
            matching.update(_matching(deps, events))
            hiding = [line for line in rejects if line.hides_request_to]
            hidden.update(line.hides_request_to for line in hiding if line.hides_request_to)
            early += [line for line in hiding if line.near is None]
            delivery.keep_hiding([line for line in hiding if line.near is not None])
            progress(log.name, file.lines)
            if file.is_hopeless:
                raise BadInputError(
                    f"{log.name}: {file.rejected} of its first {file.lines} lines can't be used ({file.first_reject}): stopped, "
                    f"nothing of it was stored; allowed: a log in the format of the mapping {log.mapping}"
                )
        delivery.keep_hiding([replace(line, near=file.first_event) for line in early if file.first_event])
        file = replace(file, not_knowable=(*log.not_knowable, *_gaps(deps, file, matching, hidden)))
        delivery.finish(file)
        subject, at = f"file:{file.ingest_id}", deps.wall_clock.now()
        delivery.audit.append(recorded(told_of(file), actor=actor, subject=subject, at=at))
    return file


def delivered(
    delivery: AccessEventDelivery,
    file: IngestedFile,
    events: list[AccessEvent],
    rejects: list[RejectedLine],
    settled: datetime | None,
) -> IngestedFile:
    """Store a part of the file, and return the file with it counted. `settled` is as `settled_before` tells it."""
    late, new = too_late(delivery, events, settled), delivery.add(events)
    delivery.keep_rejects(file, rejects[: MOST_KEPT_REJECTS - file.kept_rejects])
    moments = [event.event_time for event in events]
    reject = f"line {rejects[0].line_number}: {rejects[0].reason}" if rejects else ""
    return replace(
        file,
        lines=file.lines + len(events) + len(rejects),
        accepted=file.accepted + new,
        already_known=file.already_known + len(events) - new,
        rejected=file.rejected + len(rejects),
        first_event=min([*moments, *([file.first_event] if file.first_event else [])], default=None),
        last_event=max([*moments, *([file.last_event] if file.last_event else [])], default=None),
        first_reject=file.first_reject or reject,
        too_late=file.too_late + late,
        from_future=file.from_future + from_future(rejects),
    )


def _matching(deps: Dependencies, events: Sequence[AccessEvent]) -> Iterator[str]:
    """Triggers that the events belong to; with a `?` where a failure can't be recognised."""
    for trigger, shape in deps.policy.access_events().items():
        for event in events:
            if shape.covers(event.method, event.path):
                yield trigger.value
                if event.status == shape.status and not event.error_code_is_known:
                    yield f"{trigger.value}?"


def _gaps(deps: Dependencies, file: IngestedFile, matching: Counter[str], hidden: Counter[str]) -> Iterator[str]:
    if file.lines == 0 or file.is_unusable:
        return
    most = deps.policy.sensing.most_unreadable_share
    for trigger, shape in deps.policy.access_events().items():
        if not matching[trigger.value]:
            wanted = f"{shape.method} {shape.path}"
            yield f"it has no request to {wanted}: no data for {trigger.value}"
        if unreadable := hidden[shape.path]:
            yield (
                f"{unreadable} line(s) that name {shape.path} can't be read: {trigger} has no data in windows where such lines "
                f"are more than {most:.0%} of its requests"
            )
        if unclear := matching[f"{trigger.value}?"]:
            yield f"{unclear} answer(s) {shape.status} have no error code: {trigger} has no data in the windows that hold them"


def told_of(file: IngestedFile) -> FileIngested:
    """What the audit log records of it."""
    return FileIngested(
        ingest_id=file.ingest_id,
        file=file.file_name,
        sha256=file.sha256,
        mapping=file.mapping,
        lines=file.lines,
        accepted=file.accepted,
        already_known=file.already_known,
        rejected=file.rejected,
        kept_rejects=file.kept_rejects,
        first_event=file.first_event,
        last_event=file.last_event,
        first_reject=file.first_reject,
        too_late=file.too_late,
        from_future=file.from_future,
    )
