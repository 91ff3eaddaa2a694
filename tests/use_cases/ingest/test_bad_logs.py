"""Files that are no logs, or mean harm: bounded memory, a clear word, and the next file is read."""

import gzip
import json
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path
from random import Random

import pytest
from access_lines import JSON_LINE, NOW
from backports import zstd
from following import Following, lines

from ledger_guard.adapters.access_log import log_bytes
from ledger_guard.adapters.access_log.log_bytes import LINE_MAX_BYTES, numbered_lines
from ledger_guard.domain.errors import BadInputError

HERE = Path(__file__).parent
_READ = """
import resource, sys
from pathlib import Path
from ledger_guard.adapters.access_log.log_bytes import numbered_lines
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for number, raw in numbered_lines(Path(sys.argv[1])):
        print(number, len(raw))
except Exception as error:
    print(type(error).__name__, error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def read_apart(path):
    """What reading it says, and the KiB by which the process grew."""
    environment = {"PYTHONPATH": str(HERE.parents[2] / "include")}
    done = subprocess.run([sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, env=environment, check=True)
    *said, grown = done.stdout.splitlines()
    return said, int(grown)


def zeros(count, packer):
    """So many zero bytes, packed without ever being in memory."""
    block = bytes(1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(count >> 20)), packer.flush()])


BOMBS = [
    pytest.param(lambda: zeros(256 << 20, zlib.compressobj(6, wbits=31)), id="gzip"),
    pytest.param(lambda: zeros(256 << 20, zstd.ZstdCompressor()), id="zstd"),
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory_and_the_next_file_is_read(tmp_path, bomb):
    (tmp_path / "bomb").write_bytes(bomb())
    said, grown = read_apart(tmp_path / "bomb")
    assert len(said) == 1
    assert said[0].startswith("BadInputError")
    assert "allowed: 200 times its size and 67,108,864 bytes" in said[0]
    assert grown < 64 << 10
    following = Following(tmp_path)
    following.append(lines(0, 5))
    found = following.look(is_last=True)
    assert (found.accepted, len(found.held), "unpacks to more than" in found.held[0]) == (5, 1, True)


def test_a_log_that_packs_well_is_no_bomb(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(JSON_LINE.encode() * 1000 + b"\n"))
    (tmp_path / "b.zst").write_bytes(zstd.compress((JSON_LINE + "\n").encode() * 100_000))
    assert sum(1 for _ in numbered_lines(tmp_path / "b.zst")) == 100_000


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_what_a_compressed_file_may_hold_is_bounded(tmp_path, monkeypatch, over):
    packed = gzip.compress(b"x\n" * 500)
    monkeypatch.setattr(log_bytes, "MOST_UNPACKED_BYTES_ANYWAY", 1_000 - log_bytes.MOST_UNPACKED_PER_BYTE * len(packed) - over)
    (tmp_path / "a.gz").write_bytes(packed)
    if over <= 0:
        assert sum(1 for _ in numbered_lines(tmp_path / "a.gz")) == 500
    else:
        with pytest.raises(BadInputError, match="unpacks to more than 999 bytes"):
            list(numbered_lines(tmp_path / "a.gz"))


def test_zstd_that_looks_back_further_than_allowed_is_refused(tmp_path):
    options = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=options)
    (tmp_path / "far.zst").write_bytes(packer.compress(b"x\n" * 10) + packer.flush())
    with pytest.raises(BadInputError, match="can't be read to its end"):
        list(numbered_lines(tmp_path / "far.zst"))


@pytest.mark.parametrize("pack", [bytes, partial(gzip.compress, compresslevel=1), zstd.compress], ids=["plain", "gzip", "zstd"])
def test_a_line_of_100_mb_comes_cut_in_bounded_memory_and_the_next_one_whole(tmp_path, pack):
    # of random digits, so that it is no bomb
    block = Random(1).randbytes(4 << 20).hex().encode()
    (tmp_path / "long").write_bytes(pack(block * 12 + b"\n" + JSON_LINE.encode() + b"\n"))
    said, grown = read_apart(tmp_path / "long")
    assert said == [f"1 {LINE_MAX_BYTES + 1}", f"2 {len(JSON_LINE) + 1}"]
    assert grown < 64 << 10


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 400,
        b"\xff\xfe" * 5_000 + b"\n",
        b"\x7fELF" + b"\0" * 70_000,
        b"\x28\xb5\x2f\xfd" + b"broken" * 99,
        b"\x1f\x8b" + b"broken" * 99,
    ],
    ids=["every byte", "no UTF-8", "a program", "no zstd", "no gzip"],
)
def test_a_binary_file_holds_completeness_and_the_log_beside_it_is_read(tmp_path, content):
    following = Following(tmp_path)
    following.append(content, "a.bin", NOW)
    following.append(lines(0, 400))
    found = following.look(is_last=True)
    assert (found.accepted, len(found.held), found.complete_through) == (400, 1, None)
    assert "a.bin" in found.held[0]
    (tmp_path / "a.bin").unlink()
    assert following.look().complete_through is not None


@pytest.mark.parametrize(
    "timestamp",
    [
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        -1,
        1e300,
    ],
)
def test_times_at_the_ends_of_the_calendar_are_rejects_or_old_events_and_the_next_line_is_read(tmp_path, timestamp):
    following = Following(tmp_path)
    following.append(json.dumps({**json.loads(JSON_LINE), "timestamp": timestamp}) + "\n" + lines(0, 400))
    found = following.look()
    assert (found.accepted, found.rejected, found.complete_through is not None) == (400, 1, True)


def test_the_oldest_time_that_there_is_does_not_set_completeness_back(tmp_path):
    following = Following(tmp_path)
    following.append(lines(0, 400) + json.dumps({**json.loads(JSON_LINE), "timestamp": "0001-01-01T00:00:00Z"}) + "\n")
    found = following.look()
    assert (found.accepted, found.complete_through is not None) == (401, True)
