"""A file as a stream of events and rejected lines."""

import gzip
import os
from pathlib import Path

import pytest
from access_lines import COMBINED_LINE, JSON_LINE, POLICY, line_events
from backports import zstd

from ledger_guard.adapters.access_log.log_file import LINE_MAX_BYTES, AccessLogFile, guessed_format
from ledger_guard.domain.access_events import MOST_UNKNOWN_TENANTS, REASON_MAX_CHARACTERS, AccessEvent, NamedTenants, RejectedLine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.policy.platform import AccessLogMapping


def log(path, line_format="jsonl", mapping="ingress_json", tenant_id=None):
    found = POLICY.access_log[mapping]
    return AccessLogFile(path, line_format, mapping, found, line_events(found, tenant_id))


def written(tmp_path, *lines, name="access.log"):
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_lines_come_in_order_and_rejects_carry_their_number_and_reason(tmp_path):
    path = written(tmp_path, JSON_LINE, "", "service.boot ok", JSON_LINE.replace("p-1", "p-2"))
    first, second, third = log(path).entries()
    assert first.subject_id == "p-1"
    assert (second.line_number, second.excerpt) == (3, "service.boot ok")
    assert second.reason.startswith("is not JSON")
    assert third.subject_id == "p-2"


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_compressed_file_reads_as_the_plain_one_whatever_its_name(tmp_path, pack):
    plain = written(tmp_path, JSON_LINE)
    zipped = tmp_path / "access.log.1"
    zipped.write_bytes(pack(plain.read_bytes()))
    assert list(log(zipped).entries()) == list(log(plain).entries())


def test_equal_lines_without_a_request_id_are_different_events_each_time_the_file_is_read(tmp_path):
    path = written(tmp_path, COMBINED_LINE, COMBINED_LINE)
    keys = [[entry.event_key for entry in log(path, "combined", "combined").entries()] for _ in range(2)]
    assert len(set(keys[0])) == 2
    assert keys[0] == keys[1]


def test_the_last_line_counts_without_a_line_end_and_windows_line_ends_do_not(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(COMBINED_LINE.encode())
    other.write_bytes(COMBINED_LINE.encode() + b"\r\n")
    keys = [next(iter(log(each, "combined", "combined").entries())).event_key for each in (path, other)]
    assert keys[0] == keys[1]


def test_a_line_that_is_too_long_is_rejected_and_the_next_one_read(tmp_path):
    at_limit = JSON_LINE[:-1] + ',"x":"' + "y" * (LINE_MAX_BYTES - len(JSON_LINE) - 7) + '"}'
    assert len(at_limit) == LINE_MAX_BYTES
    path = written(tmp_path, at_limit, at_limit + " ", "z" * 300_000, JSON_LINE)
    found = list(log(path).entries())
    assert [type(entry) for entry in found] == [AccessEvent, RejectedLine, RejectedLine, AccessEvent]
    assert "longer than 65536 bytes" in found[2].reason


def test_bytes_that_are_no_text_are_rejected_lines(tmp_path):
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00\x01\n" + JSON_LINE.encode() + b"\n")
    assert [type(entry) for entry in log(path).entries()] == [RejectedLine, AccessEvent]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(gzip.compress(JSON_LINE.encode() * 100)[:-20], "can't be read to its end", id="cut off"),
        pytest.param(gzip.compress(JSON_LINE.encode())[:12] + b"\x00" * 40, "can't be read to its end", id="damaged"),
    ],
)
def test_a_gzip_file_that_is_not_whole_is_bad_input(tmp_path, content, problem):
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=problem):
        list(log(path).entries())


def test_a_missing_file_and_a_folder_are_bad_input(tmp_path):
    for path in (tmp_path / "none.log", tmp_path):
        with pytest.raises(BadInputError, match="can't be opened"):
            guessed_format(path)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([JSON_LINE], "jsonl", id="json"),
        pytest.param(["INFO: started", "Traceback:", JSON_LINE], "jsonl", id="json after a banner"),
        pytest.param([COMBINED_LINE], "combined", id="combined"),
        pytest.param([f"casino.example:443 {COMBINED_LINE}"], "combined", id="combined with a virtual host"),
        pytest.param([], "jsonl", id="an empty file is as good as any"),
    ],
)
def test_the_format_is_guessed_from_the_first_lines(tmp_path, lines, expected):
    assert guessed_format(written(tmp_path, *lines)) == expected


def test_a_format_that_can_not_be_guessed_has_to_be_named(tmp_path):
    with pytest.raises(BadInputError, match="--format"):
        guessed_format(written(tmp_path, *["noise"] * 60))


def test_a_file_says_what_it_can_not_tell(tmp_path):
    path = written(tmp_path, COMBINED_LINE)
    combined = log(path, "combined", "combined").not_knowable
    assert combined[0] == "no error codes in this format: it gives no readings for any trigger"
    assert any("player" in sentence for sentence in combined)
    assert log(path).not_knowable == ()
    blunt = AccessLogMapping(error_code=None, subject_id="s", source_address="a")
    assert len(AccessLogFile(path, "jsonl", "blunt", blunt, line_events(blunt)).not_knowable) == 1
    nameless = POLICY.access_log["ingress_json"].model_copy(update={"source_address": None})
    told = ("no source addresses are stored: the senders of refused webhooks are not known",)
    assert AccessLogFile(path, "jsonl", "nameless", nameless, line_events(nameless)).not_knowable == told


def test_a_pipe_that_no_one_writes_to_and_a_device_without_end_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.log")
    for path in (tmp_path / "pipe.log", Path("/dev/zero"), Path("/dev/stdin")):
        for look in (guessed_format, lambda each: list(log(each).entries()), lambda each: log(each).sha256()):
            with pytest.raises(BadInputError, match=r"no regular file|can't be opened"):
                look(path)


def test_a_link_to_a_regular_file_is_read(tmp_path):
    (tmp_path / "link").symlink_to(written(tmp_path, JSON_LINE))
    assert len(list(log(tmp_path / "link").entries())) == 1


def test_a_reason_does_not_grow_with_the_line(tmp_path):
    path = written(tmp_path, JSON_LINE.replace('"2026-03-01T11:00:00.250Z"', "9" * 4_000))
    (found,) = log(path).entries()
    assert isinstance(found, RejectedLine)
    assert len(found.reason) <= REASON_MAX_CHARACTERS


def tenants_of(tmp_path, lines, named):
    path = written(tmp_path, *lines)
    mapping = POLICY.access_log["ingress_json"]
    found = AccessLogFile(path, "jsonl", "ingress_json", mapping, line_events(mapping, tenants=named)).entries()
    return [each.tenant_id if isinstance(each, AccessEvent) else each.reason for each in found]


def of_tenants(*tenants):
    return [
        JSON_LINE.replace("casino_a", tenant).replace("req-00001", f"req-{number:05}") for number, tenant in enumerate(tenants)
    ]


def test_invented_tenants_beyond_the_bound_are_rejected_and_known_ones_never():
    named = NamedTenants(lambda: ["casino_a", "casino_b"], most_unknown=2)
    asked = ["new-1", "casino_a", "new-2", "new-3", "casino_b", "new-1", "new-4", "casino_a"]
    assert [each for each in asked if not named.admits(each)] == ["new-3", "new-4"]


def test_the_platform_is_asked_only_when_a_file_names_more_tenants_than_may_be_unknown():
    times = []
    named = NamedTenants(lambda: times.append(1) or [], most_unknown=2)
    assert all(named.admits(each) for each in ("a", "b", "a", "b"))
    assert not times
    assert [named.admits(each) for each in ("c", "d", "a")] == [False, False, True]
    assert len(times) == 1


def test_lines_of_a_tenant_too_many_say_why(tmp_path):
    found = tenants_of(tmp_path, of_tenants("new-1", "new-2", "casino_a"), NamedTenants(lambda: ["casino_a"], most_unknown=1))
    assert (found[0], found[2]) == ("new-1", "casino_a")
    assert found[1] == f"names more than {MOST_UNKNOWN_TENANTS} tenants that the platform does not have"


def test_a_hundred_thousand_invented_tenants_become_at_most_a_hundred(tmp_path):
    found = tenants_of(tmp_path, of_tenants(*(f"invented-{number}" for number in range(3_000))), NamedTenants(list))
    assert sum(each.startswith("invented-") for each in found) == MOST_UNKNOWN_TENANTS
