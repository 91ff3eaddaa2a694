"""Counts of a metrics server: on a real Prometheus, and its odd answers on a stand-in."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qs

import httpx
import pytest
from signal_worlds import NOON
from tests.triggers import T1

from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.signal_sources.prometheus import PrometheusSource
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.signals import Reading
from ledger_guard.domain.windows import Window
from ledger_guard.policy.sources import Prometheus
from ledger_sandbox.airflow_api import wait_for
from ledger_sandbox.stub_server import QuietHandler, StubServer

FIVE, SCRAPE = timedelta(minutes=5), timedelta(seconds=15)
AT_NOON = Window(NOON, FIVE)
EVENTS, EXPOSURE = (f"sum by (tenant) (increase({name}[$window]))" for name in ("refused_total", "withdrawals_total"))


def source_at(url: str, **fields: object) -> PrometheusSource:
    section = {"kind": "prometheus", "url": url, "events": EVENTS, "exposure": EXPOSURE, **fields}
    clock = SettableClock(NOON + timedelta(minutes=20))
    return PrometheusSource(Prometheus.model_validate(section), HttpCaller(timeout_seconds=10, attempts=1), clock)


def samples(name: str, tenant: str, replica: str, rates: list[int], resets_at: datetime | None = None) -> Iterator[str]:
    """A counter that a process counts up by so much a scrape, window by window from noon on, and loses when it restarts."""
    count, moment = 0, NOON - FIVE
    while moment <= NOON + FIVE * len(rates):
        window = max(0, -((NOON - moment) // FIVE))
        rate = rates[min(window - 1, len(rates) - 1)] if moment > NOON else 0
        count = rate if moment == resets_at else count + rate
        yield f'{name}{{tenant="{tenant}",replica="{replica}"}} {count} {moment.timestamp():.0f}'
        moment += SCRAPE


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real server that scraped two replicas of two tenants for fifteen minutes from noon on."""
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    lines = ["# TYPE refused counter"]
    lines += [*samples("refused_total", "a", "1", [1, 0, 2]), *samples("refused_total", "a", "2", [0, 0, 1])]
    lines.append("# TYPE withdrawals counter")
    lines += samples("withdrawals_total", "a", "1", [10, 10, 10], resets_at=NOON + timedelta(minutes=7))
    lines += [*samples("withdrawals_total", "a", "2", [5, 5, 5]), *samples("withdrawals_total", "b", "1", [1, 1, 1])]
    (folder / "metrics").write_text("\n".join([*lines, "# EOF", ""]))
    (folder / "prometheus.yml").write_text("global: {}\n")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "metrics", folder / "data"],
        check=True,
        capture_output=True,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    server = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
         "--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: _is_ready(address), "Prometheus to be ready", 30, lambda _: None, every_seconds=0.05)
        yield f"http://{address}"
    finally:
        server.kill()
        server.wait()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def test_counts_are_summed_over_replicas_and_survive_a_restart(prometheus):
    found = source_at(prometheus).readings(T1, AT_NOON, AT_NOON.next.next)
    by_window = {(each.window, each.tenant_id): (each.events, each.exposure, each.subjects) for each in found}
    assert by_window[AT_NOON, "a"] == (20, 300, 20)
    events, exposure, _ = by_window[AT_NOON.next, "a"]
    # what a process counted between its last scrape and its end is lost with it
    assert (events, 280 <= exposure <= 300) == (0, True)
    assert by_window[AT_NOON.next.next, "a"] == (60, 300, 60)


def test_a_tenant_whose_failures_never_counted_has_none_and_one_without_attempts_no_reading(prometheus):
    found = source_at(prometheus).readings(T1, AT_NOON, AT_NOON)
    assert [(each.tenant_id, each.events, each.exposure) for each in found] == [("a", 20, 300), ("b", 0, 20)]
    before = Window(NOON - timedelta(hours=3), FIVE)
    assert source_at(prometheus).readings(T1, before, before) == []


MISTYPED = EVENTS.replace("refused_total", "refussed_total")


@pytest.mark.parametrize("mistyped", [MISTYPED, EVENTS.replace("refused_total", 'refused_total{code="INSUFICIENT_FUNDS"}')])
def test_windows_without_any_series_of_events_are_no_data_for_a_typo_must_not_look_healthy(prometheus, mistyped):
    found = source_at(prometheus, events=mistyped).unmeasurable(T1, AT_NOON, AT_NOON.next)
    assert list(found) == [NOON, NOON + FIVE]
    assert found[NOON].startswith(
        "events had no series in an hour: a mistyped name, a metric that is gone, or a counter that never"
    )
    assert source_at(prometheus).unmeasurable(T1, AT_NOON, AT_NOON.next) == {}


def test_a_policy_may_say_that_events_can_be_absent(prometheus):
    tolerant = source_at(prometheus, events=MISTYPED, events_may_be_absent=True)
    assert tolerant.unmeasurable(T1, AT_NOON, AT_NOON) == {}
    assert [(each.tenant_id, each.events) for each in tolerant.readings(T1, AT_NOON, AT_NOON)] == [("a", 0), ("b", 0)]


def test_a_counter_that_is_gone_for_an_hour_is_no_data_and_for_less_had_no_events(prometheus):
    """A deploy that renames it, as well as a process that restarted and has no series until its first refusal."""
    ended = NOON + 3 * FIVE
    first = Window(ended, FIVE)
    last = Window(ended + timedelta(hours=2), FIVE)
    found = source_at(prometheus).unmeasurable(T1, first, last)
    assert min(found) == ended + timedelta(minutes=55)
    assert len(found) == (last.start - min(found)) // FIVE + 1


def test_a_day_is_asked_for_in_pieces_that_the_server_takes(prometheus):
    first = Window(NOON - timedelta(days=2), FIVE)
    found = source_at(prometheus).readings(T1, first, AT_NOON)
    assert found[-2:] == source_at(prometheus).readings(T1, AT_NOON, AT_NOON)
    assert len({(each.window, each.tenant_id) for each in found}) == len(found)


def test_it_is_complete_so_long_after_things_happened_if_it_answers(prometheus):
    assert source_at(prometheus, complete_after_seconds=60).complete_through(T1) == NOON + timedelta(minutes=19)
    with pytest.raises(SourceUnavailable):
        source_at("http://127.0.0.1:1").complete_through(T1)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("increase(withdrawals_total[$window])", "tenant a has several series; allowed: sum by (tenant)"),
        ("sum(increase(withdrawals_total[$window]))", "a series has no label tenant; allowed: sum by (tenant)"),
        ("sum by (tenant) (increase(withdrawals_total[$window])) / 0", "is no number"),
        ("-sum by (tenant) (increase(withdrawals_total[$window]))", "is no count; allowed: whole numbers from 0"),
        ("sum by (tenant) (increase(withdrawals_total[$window])", "status 400: "),
        ("sum by (tenant) (increase(nothing_total[$window]))", "has events at 2026-03-01T12:00:00Z and no exposure"),
    ],
    ids=["not summed", "no tenant", "infinite", "negative", "a mistake", "no exposure"],
)
def test_an_expression_that_does_not_count_by_tenant_is_refused_with_the_reason(prometheus, expression, why):
    with pytest.raises(SourceUnavailable) as refused:
        source_at(prometheus, exposure=expression).readings(T1, AT_NOON, AT_NOON)
    assert why in str(refused.value)


class Answering(QuietHandler):
    """Answers every request with `answer`, and keeps what it was asked."""

    answer: tuple[int, object] = (200, {})
    asked: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        """Keep the form and the headers."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        headers = {name: self.headers[name] for name in ("X-Scope-OrgID", "Authorization") if name in self.headers}
        self.asked.append({"path": self.path, **{name: values[0] for name, values in form.items()}, **headers})
        status, content = self.answer
        self.send_content(status, content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.fixture
def stand_in() -> Iterator[StubServer]:
    Answering.asked = []
    server = StubServer(Answering).start()
    yield server
    server.stop()


def matrix(*series: object, **more: object) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}, **more}


POINT = [AT_NOON.end.timestamp(), "7"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((200, matrix(warnings=["1 of 3 stores did not answer"])), "the answer is partial: 1 of 3 stores did not answer"),
        ((422, {"status": "error", "error": "query timed out"}), "status 422: query timed out"),
        ((200, b"<html>login</html>"), "status 200 without JSON"),
        ((200, []), "status 200: no success"),
        ((200, {"status": "success", "data": {"resultType": "vector", "result": []}}), "is no matrix"),
        ((200, matrix({"metric": {"tenant": "a"}})), "not as the API describes it"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[POINT[0], "many"]]})), "not as the API describes it"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[POINT[0], "NaN"]]})), "a count that is no number"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[POINT[0] + 1, "7"]]})), "begins no window"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[1e300, "7"]]})), "a moment that is none"),
        ((200, b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"tenant":"a"},"values":[[NaN,"7"]]}]}}'),
         "a moment that is none"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[-62_135_596_800 - 1, "7"]]})), "a moment that is none"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[POINT[0], "1e30"]]})), "is no count"),
        ((200, matrix({"metric": {"tenant": "a"}, "values": [[POINT[0], "-1"]]})), "is no count"),
        ((200, matrix({"metric": {"tenant": "a%"}, "values": [POINT]})), "tenant_id"),
        ((503, {}), "no answer in 1 tries (status 503)"),
    ],
    ids=[
        "partial",
        "an error",
        "a login page",
        "a list",
        "a vector",
        "no values",
        "a word",
        "NaN",
        "off the grid",
        "beyond every calendar",
        "at no time",
        "before the year 1",
        "absurd",
        "negative",
        "a pattern",
        "away",
    ],
)  # fmt: skip
def test_an_odd_answer_counts_for_nothing(stand_in, answer, why):
    Answering.answer = answer
    with pytest.raises(SourceUnavailable) as refused:
        source_at(stand_in.base_url).readings(T1, AT_NOON, AT_NOON)
    assert why in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_loki_and_mimir_are_asked_the_same_way_below_their_own_address(stand_in):
    Answering.answer = (200, matrix({"metric": {"casino": "a"}, "values": [POINT]}))
    source = source_at(f"{stand_in.base_url}/loki/", organization="wallets", tenant_label="casino")
    assert source.readings(T1, AT_NOON, AT_NOON) == [Reading(T1, "a", AT_NOON, 7, 7, 7)]
    first = Answering.asked[0]
    assert (first["path"], first["X-Scope-OrgID"], first["step"]) == ("/loki/api/v1/query_range", "wallets", "300")
    assert (first["start"], first["end"]) == ("2026-03-01T12:05:00Z", "2026-03-01T12:05:00Z")
    assert first["query"] == "sum by (tenant) (increase(withdrawals_total[300s]))"


def test_an_expression_without_the_windows_length_is_refused_by_the_policy():
    with pytest.raises(ValueError, match=r"has no \$window"):
        source_at("http://prometheus:9090", events="increase(refused_total[5m])")
