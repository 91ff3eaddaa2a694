"""The ingest of whole files."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from access_lines import COMBINED_LINE, JSON_LINE, NOW, POLICY, line_events

from ledger_guard.adapters.access_log.log_file import AccessLogFile
from ledger_guard.adapters.memory.access_events import InMemoryAccessEventStore
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.access_events import MOST_KEPT_REJECTS, IngestedFile
from ledger_guard.domain.errors import BadInputError
from ledger_guard.use_cases.ingest.ingest_access_log import ingest_access_log

ELEVEN = datetime(2026, 3, 1, 11, tzinfo=timezone.utc)


class Bench:
    def __init__(self, tmp_path):
        self.world = memory_world(POLICY, NOW)
        self.store = InMemoryAccessEventStore(self.world.state)
        self._folder = tmp_path

    def log(self, *lines, name="a.log", line_format="jsonl", mapping="ingress_json", raw=None):
        path = self._folder / name
        path.write_bytes(raw if raw is not None else "".join(f"{line}\n" for line in lines).encode())
        found = POLICY.access_log[mapping]
        return AccessLogFile(path, line_format, mapping, found, line_events(found))

    def ingest(self, *logs, **options):
        return ingest_access_log(self.world.deps, self.store, logs, actor="ops", **options)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def line(number, at=ELEVEN, **fields):
    return json.dumps({**json.loads(JSON_LINE), "request_id": f"req-{number:05}", "timestamp": at.isoformat(), **fields})


def test_a_file_is_summed_up_line_by_line(bench):
    later = line(2, ELEVEN + timedelta(minutes=3))
    outcome = bench.ingest(bench.log(line(1), later, later, "noise"))
    (file,) = outcome.files
    assert (file.lines, file.accepted, file.already_known, file.rejected) == (4, 2, 1, 1)
    assert (file.first_event, file.last_event) == (ELEVEN, ELEVEN + timedelta(minutes=3))
    assert [reject.line_number for reject in bench.store.rejects(file.ingest_id)] == [4]
    assert file.first_reject.startswith("line 4: is not JSON")


def test_a_second_time_changes_nothing_and_says_so(bench):
    log = bench.log(line(1), line(2))
    bench.ingest(log)
    before = bench.store.events
    (file,) = bench.ingest(log).files
    assert (file.accepted, file.already_known) == (0, 2)
    assert bench.store.events == before


def test_the_source_is_complete_through_the_newest_event_of_all_files(bench):
    late, early = line(1, ELEVEN + timedelta(minutes=9)), line(2, ELEVEN)
    outcome = bench.ingest(bench.log(late, name="a"), bench.log(early, name="b"))
    assert outcome.complete_through == bench.store.complete_through == ELEVEN + timedelta(minutes=9)


def test_completeness_can_be_stated_and_never_moves_backwards(bench):
    bench.ingest(bench.log(line(1)), complete_through=NOW)
    assert bench.store.complete_through == NOW
    assert bench.ingest(bench.log(line(2)), complete_through=ELEVEN).complete_through == NOW


def test_completeness_can_not_be_stated_for_the_future(bench):
    with pytest.raises(BadInputError, match="is in the future"):
        bench.ingest(bench.log(line(1)), complete_through=NOW + timedelta(seconds=1))
    assert (bench.store.events, bench.store.complete_through) == ((), None)


def test_a_file_that_breaks_off_is_not_stored_and_the_source_is_not_called_complete(bench):
    import gzip

    broken = gzip.compress("".join(line(n) + "\n" for n in range(50)).encode())[:-12]
    with pytest.raises(BadInputError, match="can't be read to its end"):
        bench.ingest(bench.log(line(900, subject_id="whole"), name="whole"), bench.log(raw=broken, name="broken.gz"))
    assert [event.subject_id for event in bench.store.events] == ["whole"]
    assert bench.store.complete_through is None


def test_files_without_a_usable_line_leave_completeness_alone(bench):
    outcome = bench.ingest(bench.log("noise"), bench.log(name="empty"))
    assert (outcome.complete_through, bench.store.complete_through) == (None, None)
    assert [file.lines for file in outcome.files] == [1, 0]


def test_what_can_not_be_known_from_a_file_is_said(bench):
    (combined,) = bench.ingest(bench.log(COMBINED_LINE, line_format="combined", mapping="combined")).files
    assert "1 answer(s) 400 have no error code: T1 has no data in the windows that hold them" in combined.not_knowable
    assert any(sentence.endswith("no data for T2") for sentence in combined.not_knowable)
    (complete,) = bench.ingest(bench.log(line(1), line(2, path="/api/v1/payments/webhook/mockpsp", status=200))).files
    assert complete.not_knowable == ()


def test_the_ingest_is_on_record_with_who_did_it(bench):
    outcome = bench.ingest(bench.log(line(1)))
    with bench.world.deps.state.transaction() as state:
        events = [entry.event for entry in state.audit.entries()]
    assert [(event.verb, event.actor, event.subject) for event in events] == [
        ("ingest", "ops", f"file:{outcome.files[0].ingest_id}"),
        ("ingest", "ops", "source:access_event"),
    ]


def test_the_outcome_is_plain_json(bench):
    found = json.loads(json.dumps(bench.ingest(bench.log(line(1))).as_json()))
    assert found["complete_through"] == "2026-03-01T11:00:00Z"
    assert found["files"][0]["accepted"] == 1


@pytest.mark.parametrize(
    ("lines", "is_complete"),
    [
        pytest.param([], True, id="no lines: nobody asked"),
        pytest.param(["noise"], False, id="no line could be used"),
        pytest.param(["noise", line(1)], True, id="one line could be used"),
    ],
)
def test_a_file_of_which_nothing_could_be_used_keeps_the_source_from_being_called_complete(bench, lines, is_complete):
    outcome = bench.ingest(bench.log(line(2), name="a.log"), bench.log(*lines, name="b.log"), complete_through=ELEVEN)
    assert (outcome.complete_through == ELEVEN, outcome.unusable == ()) == (is_complete, is_complete)
    assert outcome.files[0].accepted == 1


@pytest.mark.parametrize(
    ("rejected", "kept"),
    [
        (MOST_KEPT_REJECTS - 1, MOST_KEPT_REJECTS - 1),
        (MOST_KEPT_REJECTS, MOST_KEPT_REJECTS),
        (MOST_KEPT_REJECTS + 1, MOST_KEPT_REJECTS),
        (12_000, MOST_KEPT_REJECTS),
    ],
)
def test_every_rejected_line_is_counted_and_only_the_first_are_kept(bench, rejected, kept):
    outcome = bench.ingest(bench.log(line(1), *["x"] * rejected))
    (file,) = outcome.files
    assert (file.lines, file.rejected, file.kept_rejects) == (rejected + 1, rejected, kept)
    assert [each.line_number for each in bench.store.rejects(file.ingest_id)] == list(range(2, kept + 2))
    assert outcome.as_json()["files"][0]["kept_rejects"] == kept


@pytest.mark.parametrize(
    ("lines", "rejected", "is_hopeless"),
    [(200_000, 200_000, False), (200_001, 200_001, True), (400_002, 200_001, False), (400_001, 200_001, True)],
)
def test_a_file_is_given_up_when_many_lines_and_most_of_them_are_no_log(lines, rejected, is_hopeless):
    assert IngestedFile("id", "a.log", "hash", "m", lines=lines, rejected=rejected).is_hopeless is is_hopeless


def test_a_file_that_is_given_up_leaves_nothing_and_says_why(bench, monkeypatch):
    monkeypatch.setattr("ledger_guard.domain.access_events.MOST_REJECTS", 20)
    with pytest.raises(
        BadInputError, match=r"21 of its first 22 lines can't be used \(line 2: is not JSON.*nothing of it was stored"
    ):
        bench.ingest(bench.log(line(1), *["x"] * 21))
    assert (bench.store.events, bench.store.files) == ((), ())
