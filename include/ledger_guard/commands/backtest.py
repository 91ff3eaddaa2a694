"""`backtest`: judge a file of readings as the health check would."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ledger_guard.adapters.readings_csv import ReadingsFile
from ledger_guard.detection.engine import SEVERITIES
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import iso
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.backtest import WINDOWS_TO_SEE_SPACING, spacing_minutes
from ledger_guard.use_cases.backtest import backtest as judged_windows

COLUMNS = ("window_start", "tenant_id", "severity", "scope", "reason")


@click.command()
@click.option("--policy", "policy_file", metavar="FILE", help="The policy to judge by. Default: the policy in force.")
@click.option("--trigger", metavar="T", required=True, help="Whose thresholds to judge by: T1, T2 or T3.")
@click.option("--input", "source", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Readings, as CSV.")
@click.option("--output", "target", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Verdicts, as CSV.")
@click.option(
    "--window-minutes",
    type=click.IntRange(1, 60),
    help="Length of the file's windows. Default: its own spacing where a dozen windows show it, else the policy's.",
)
def backtest(policy_file: str | None, trigger: str, source: Path, target: Path, window_minutes: int | None) -> None:
    """Judge a file of readings and write one verdict per window and tenant.

    The input has the columns window_start,tenant_id,events,exposure: UTC, sorted by time, an absent row is no data, an empty
    exposure means that only counts are known. A verdict uses its own and earlier windows only, so cutting the file changes none.
    Files that end in .gz are written gzipped; gzipped input is recognised by its content.

    \b
    Example:
      python -m ledger_guard backtest --trigger T1 --input readings.csv.gz --output verdicts.csv
    """  # noqa: D301
    policy = load_policy(policy_file)
    chosen = Trigger.parse(trigger)
    readings = ReadingsFile(source)
    if target.exists() and target.samefile(source):
        raise BadInputError(f"{target}: is the input; allowed: another file for the verdicts")
    windows = readings.windows()
    first = list(itertools.islice(windows, WINDOWS_TO_SEE_SPACING))
    minutes = window_minutes or spacing_minutes(first, policy.window_minutes)
    engine = make_engine(policy, chosen, window_minutes=minutes)
    counts: Counter[str] = Counter()
    count, tenants = 0, 0
    with _written(target) as text, _progress(readings) as advance:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        try:
            for verdicts in judged_windows(engine, itertools.chain(first, windows), minutes):
                start = iso(verdicts.window.start)
                writer.writerows((start, v.tenant_id, v.severity.value, v.scope.value, v.sentence) for v in verdicts)
                counts.update(SEVERITIES[code].value for code in verdicts.severity)
                count, tenants = count + 1, len(verdicts)
                advance()
        except BadInputError as error:
            raise error if str(error).startswith(str(source)) else BadInputError(f"{source}: {error}") from error
    told = ", ".join(f"{number} {word}" for word, number in counts.most_common())
    click.echo(f"{chosen.value}: {count} windows of {minutes} minutes, {tenants} tenants; {told}", err=True)


@contextmanager
def _written(target: Path) -> Iterator[TextIO]:
    """The output, put in its place only when it is whole; a device or pipe is written to as it is."""
    is_file = not target.exists() or target.is_file()
    place = target.with_name(f".{target.name}.{os.getpid()}.part") if is_file else target
    try:
        raw = place.open("wb")
    except OSError as error:
        raise BadInputError(f"{target}: can't be written ({error.strerror}); allowed: a file in a folder that exists") from error
    try:
        with raw:
            packed = (
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) if target.suffix == ".gz" else None
            )
            with io.TextIOWrapper(packed or raw, encoding="utf-8", newline="") as text:
                yield text
        if is_file:
            place.replace(target)
    finally:
        if is_file:
            place.unlink(missing_ok=True)


def _progress(readings: ReadingsFile) -> AbstractContextManager[Any]:
    """A function to call after each window; draws a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(lambda: None)
    return _drawn(readings)


@contextmanager
def _drawn(readings: ReadingsFile) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("judging", total=max(readings.size, 1))
        yield lambda: bar.update(task, completed=readings.bytes_read)
