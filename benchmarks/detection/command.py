"""Options, and what is run."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Console

from benchmarks.detection.published import PUBLISHED
from benchmarks.detection.score import Score
from benchmarks.detection.settings import WorldSettings
from benchmarks.detection.speed import measured
from benchmarks.detection.tables import scores_table, speed_table, whole_table
from benchmarks.detection.truth import read_truth
from benchmarks.detection.verdicts import engine_verdicts
from benchmarks.detection.whole_backtest import whole_backtest
from benchmarks.detection.world import make_world
from ledger_guard.detection.engine import SeverityEngine
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.signals import Trigger
from ledger_guard.policy.loader import load_policy

OURS = "ledger guard"
#: tenants → windows after which the state is measured; the last windows are timed
SPEED_RUNS = {150: (288,), 1_000: (288, 864), 10_000: (144,)}
TIMED_WINDOWS = 25
#: tenants and windows of the files that the whole command is timed on
WHOLE_RUNS = ((138, 2_688), (2_000, 600), (10_000, 144))


@click.command()
@click.option("--worlds", default=2, show_default=True, type=click.IntRange(min=1), help="Worlds of consecutive seeds.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Seed of the first world.")
@click.option("--tenants", default=150, show_default=True, type=click.IntRange(min=10), help="Tenants of each world.")
@click.option("--days", default=21, show_default=True, type=click.IntRange(min=9), help="Days of each world; 7 are for learning.")
def command(worlds: int, seed: int, tenants: int, days: int) -> None:
    """Score the severity engine and published rules on worlds with known truth, and time the engine."""
    settings = WorldSettings(tenants=tenants, days=days)
    seeds = range(seed, seed + worlds)
    console = Console()
    with console.status("judging"):
        scores = scored(settings, seeds)
    console.print(scores_table(scores, settings, seeds))
    with console.status("timing"):
        speeds = [measured(new_engine(5), count, dumps_at, TIMED_WINDOWS) for count, dumps_at in SPEED_RUNS.items()]
        whole = [whole_backtest(*size) for size in WHOLE_RUNS]
    console.print(speed_table(speeds, TIMED_WINDOWS))
    console.print(whole_table(whole))


def new_engine(window_minutes: int) -> SeverityEngine:
    """The engine of the first trigger, under the policy in force."""
    return make_engine(load_policy(), Trigger("T1"), window_minutes=window_minutes)


def scored(settings: WorldSettings, seeds: Sequence[int]) -> dict[str, list[Score]]:
    """Each rule's score of each world; our own stands last."""
    scores: dict[str, list[Score]] = {name: [] for name in (*(rule.name for rule in PUBLISHED), OURS)}
    for seed in seeds:
        world = make_world(settings, seed)
        truth = read_truth(world.truth)
        answers = {rule.name: rule.judge(world.events, world.exposure, settings.window_minutes) for rule in PUBLISHED}
        answers[OURS] = engine_verdicts(new_engine(settings.window_minutes), world)
        for name, verdicts in answers.items():
            scores[name].append(Score())
            scores[name][-1].add(truth, verdicts)
    return scores
