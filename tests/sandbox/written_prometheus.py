"""A real Prometheus that is given the platform's counters: by remote write, scrape by scrape, as an agent sends them."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import httpx
from tests.folders import run_folder

from ledger_sandbox.airflow_api import wait_for

#: the labels of a series, and its samples
Series = tuple[Mapping[str, str], Iterable[tuple[datetime, float]]]


def why_there_is_none() -> str:
    """Why none can be started here; empty where one can."""
    return "" if shutil.which("prometheus") else "prometheus is not installed"


@contextmanager
def running_prometheus() -> Iterator[str]:
    """Its address, empty as yet."""
    folder = run_folder("prometheus")
    (folder / "prometheus.yml").write_text("global: {}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    server = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
         "--storage.tsdb.retention.time=100y", f"--web.listen-address={address}", "--web.enable-remote-write-receiver"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: _is_ready(address), "Prometheus to be ready", 30, lambda _: None, every_seconds=0.05)
        yield f"http://{address}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def write(url: str, series: Iterable[Series]) -> None:
    """Send samples, the oldest of a series first."""
    content = b"".join(_field(1, _series(labels, samples)) for labels, samples in series)
    headers = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    answer = httpx.post(f"{url}/api/v1/write", content=_as_snappy(content), headers=headers, timeout=60)
    assert answer.is_success, answer.text


def _series(labels: Mapping[str, str], samples: Iterable[tuple[datetime, float]]) -> bytes:
    named = b"".join(_field(1, _field(1, name.encode()) + _field(2, labels[name].encode())) for name in sorted(labels))
    return named + b"".join(
        _field(2, b"\x09" + struct.pack("<d", count) + b"\x10" + _varint(round(moment.timestamp() * 1000)))
        for moment, count in samples
    )


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _as_snappy(content: bytes) -> bytes:
    """One literal: the format allows what compresses nothing."""
    return _varint(len(content)) + b"\xfc" + struct.pack("<I", len(content) - 1) + content


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready").is_success
    except httpx.TransportError:
        return False
