"""`backtest`: judge a file of readings as the health check would."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ledger_guard.adapters.backtest_files.readings_csv import ReadingsFile
from ledger_guard.adapters.backtest_files.verdicts_csv import VerdictsFile
from ledger_guard.adapters.files.whole_file import written_whole
from ledger_guard.detection.engine import SEVERITIES, SeverityEngine, WindowBatch
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli import backtest_text as text
from ledger_guard.policy.loader import load_policy, policy_path
from ledger_guard.policy.schema import Policy
from ledger_guard.signals.registry import nouns_of
from ledger_guard.use_cases.backtest.backtest import WINDOWS_TO_SEE_SPACING, batches, spacing_minutes
from ledger_guard.use_cases.backtest.comparison import differences
from ledger_guard.use_cases.backtest.summary import SummaryCounter
from ledger_guard.use_cases.backtest.time_series import TimeSeriesKeeper

_PICTURES = (".png", ".svg", ".pdf")
#: steps of the progress bar
_STEPS_OF_BAR = 500


@click.command()
@click.option("--policy", "policy_file", metavar="FILE", help="The policy to judge by. Default: the policy in force.")
@click.option("--trigger", metavar="T", required=True, help="The trigger of the policy whose thresholds apply.")
@click.option("--input", "source", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Readings, as CSV.")
@click.option("--output", "target", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Verdicts, as CSV.")
@click.option(
    "--window-minutes",
    type=click.IntRange(1, 60),
    help="Length of the file's windows. Default: the file's own spacing if a dozen windows show it, else the policy's.",
)
@click.option("--compare", "other_file", metavar="FILE", help="Another policy (B): report what it would have done differently.")
@click.option(
    "--plot", "picture", metavar="FILE", type=click.Path(path_type=Path), help="Draw the worst tenants: .png, .svg or .pdf."
)
@click.option("--plot-tenants", type=click.IntRange(1, 40), default=6, show_default=True, help="How many tenants to draw.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on stdout.")
def backtest(
    policy_file: str | None,
    trigger: str,
    source: Path,
    target: Path,
    window_minutes: int | None,
    other_file: str | None,
    picture: Path | None,
    plot_tenants: int,
    as_json: bool,
) -> None:
    """Judge a file of readings, write one verdict per window and tenant, and summarise what would have happened.

    The input has the columns window_start,tenant_id,events,exposure and, if known, subjects and cents (money at risk): UTC,
    sorted by time. An absent row is no data; an empty exposure means that only counts are known. Without cents no limit by money
    is reached. A verdict uses only its own and earlier windows, so cutting
    the file changes none. Files that end in .gz are written gzipped; gzipped input is recognised by its content.

    The summary counts incidents. Alarms (mild or severe) of one tenant with gaps of at most 30 minutes are one isolated incident.
    Widespread alarms of any tenants are one widespread incident in the same way; it includes its tenants' own alarms up to 30
    minutes before and after. An incident is as severe as its worst verdict. Someone is woken once for every severe incident: once
    for a widespread one, and once for each tenant's own, even if they overlap.

    With --compare, the written verdicts and the picture are those of --policy (A). Incidents of the two policies are compared
    where they overlap. --plot reads the file a second time, for the tenants that were longest in alarm.

    \b
    Examples:
      python -m ledger_guard backtest --trigger T1 --input readings.csv.gz --output verdicts.csv --plot worst.png
      python -m ledger_guard backtest --trigger T1 --input readings.csv --output verdicts.csv --compare stricter.yaml --json
    """  # noqa: D301
    policies = [load_policy(file) for file in ((policy_file,) if other_file is None else (policy_file, other_file))]
    chosen, *_ = [policy.checked_trigger(trigger) for policy in policies]
    readings = ReadingsFile(source)
    _check_places(source, target, picture)
    judging = _Judging(chosen, policies, source, window_minutes)
    counters = judging.judge_all(readings, target)
    summaries = [counter.summary() for counter in counters]
    differing = differences(counters[0].incidents, counters[-1].incidents, judging.length) if other_file else []
    if picture is not None:
        judging.draw(picture, counters[0].worst_tenants(plot_tenants), summaries[0].windows)
    if as_json:
        told: dict[str, Any] = {"trigger": chosen.value, "policy": str(policy_path(policy_file)), **json_of(summaries[0])}
        if other_file:
            told["compared"] = {"policy": other_file, **json_of(summaries[1])}
            told["differences"] = [json_of(difference) for difference in differing]
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(text.headline(chosen, summaries[0]), err=True)
    click.echo(text.figures(summaries), err=True)
    if other_file:
        click.echo(text.differing(differing), err=True)


def _check_places(source: Path, target: Path, picture: Path | None) -> None:
    """Refuse early what could not be written or read again later."""
    if target.exists() and target.samefile(source):
        raise BadInputError(f"{target}: is the input; allowed: another file for the verdicts")
    if picture is None:
        return
    if picture.suffix.lower() not in _PICTURES:
        raise BadInputError(f"{picture}: can't be drawn; allowed: a file that ends in {', '.join(_PICTURES)}")
    if not picture.parent.is_dir():
        raise BadInputError(f"{picture}: can't be written (no such folder); allowed: a file in a folder that exists")
    if picture.resolve() in (source.resolve(), target.resolve()):
        raise BadInputError(f"{picture}: is the input or the output; allowed: another file for the picture")
    if not source.is_file():
        raise BadInputError(f"{source}: can't be read twice; allowed with --plot: a file")


@dataclass
class _Judging:
    """One trigger's readings, judged by one or two policies."""

    trigger: Trigger
    policies: list[Policy]
    source: Path
    window_minutes: int | None

    @property
    def length(self) -> timedelta:
        """Of the file's windows, which is known once it has been read."""
        return timedelta(minutes=self.window_minutes or self.policies[0].window_minutes)

    def judge_all(self, readings: ReadingsFile, target: Path) -> list[SummaryCounter]:
        """Write the first policy's verdicts and count each policy's."""
        with written_whole(target) as file, _progress(readings, "judging") as advance:
            found = self._batches(readings)
            engines = [self._engine(policy) for policy in self.policies]
            counters = [SummaryCounter(self.window_minutes or 0, keep_incidents=len(self.policies) > 1) for _ in self.policies]
            verdicts = VerdictsFile(file, SEVERITIES)
            for batch in found:
                judged = engines[0].judge(batch)
                start = iso(batch.window.start)
                verdicts.write(start, judged.tenant_ids, judged.severity, judged.is_widespread, judged.sentences())
                counters[0].add(judged)
                for engine, counter in zip(engines[1:], counters[1:], strict=True):
                    counter.add(engine.judge(batch))
                advance()
        return counters

    def draw(self, picture: Path, tenant_ids: list[str], windows: int) -> None:
        """Judge again, by the first policy, and draw these tenants."""
        from ledger_guard.adapters.backtest_files.verdict_plot import draw  # noqa: PLC0415  loads matplotlib

        readings = ReadingsFile(self.source)
        keeper = TimeSeriesKeeper(tenant_ids, windows)
        engine = self._engine(self.policies[0])
        with written_whole(picture) as file:
            with _progress(readings, "drawing") as advance:
                for batch in self._batches(readings):
                    keeper.add(engine.judge(batch))
                    advance()
            title = f"{self.source.name}: {self.trigger.value}, {len(tenant_ids)} tenants, longest in alarm first"
            draw(keeper.series(), title, file, picture.suffix.lower().removeprefix("."))

    def _engine(self, policy: Policy) -> SeverityEngine:
        nouns = nouns_of(policy, self.trigger)
        return make_engine(policy, self.trigger, window_minutes=self.window_minutes, nouns=nouns)

    def _batches(self, readings: ReadingsFile) -> Iterator[WindowBatch]:
        """The file's windows, whose length is known from now on."""
        windows = readings.windows()
        first = list(itertools.islice(windows, WINDOWS_TO_SEE_SPACING))
        self.window_minutes = self.window_minutes or spacing_minutes(first, self.policies[0].window_minutes)
        together, chance = itertools.chain(first, windows), self.policies[0].sensing.missing_data_probability
        return batches(together, self.window_minutes, str(self.source), chance)


def _progress(readings: ReadingsFile, what: str) -> AbstractContextManager[Callable[[], None]]:
    """A function to call after each window; draws a bar on a terminal only."""
    if not sys.stderr.isatty():
        return nullcontext(lambda: None)
    return _drawn(readings, what)


@contextmanager
def _drawn(readings: ReadingsFile, what: str) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    # past the stream that would escape the bar's control characters
    with Progress(*columns, console=Console(file=sys.__stderr__), transient=True) as bar:
        task = bar.add_task(what, total=max(readings.size, 1))
        told = 0

        def advance() -> None:
            nonlocal told
            if (steps := readings.bytes_read * _STEPS_OF_BAR // max(readings.size, 1)) > told:
                told = steps
                bar.update(task, completed=readings.bytes_read)

        yield advance
