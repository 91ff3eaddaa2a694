"""`python -m ledger_sandbox`: seed the stand-in platform, play traffic, cause incidents, move money, stand in for Slack."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
import numpy as np
import psycopg
from psycopg.conninfo import make_conninfo

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.windows import iso
from ledger_guard.policy.loader import load_policy
from ledger_sandbox import clock as sandbox_clock
from ledger_sandbox import scenarios
from ledger_sandbox.access_events import complete_through
from ledger_sandbox.balance_changes import tenants_by_size
from ledger_sandbox.environment import write_environment
from ledger_sandbox.history import traffic_history
from ledger_sandbox.live import LiveTraffic
from ledger_sandbox.population import generate, store
from ledger_sandbox.profiles import PopulationShape
from ledger_sandbox.running import RunningSandbox, running_sandbox
from ledger_sandbox.slack import DEFAULT_CHANNELS, DEFAULT_TOKEN, SlackStandIn
from ledger_sandbox.traffic import play

_WINDOW = timedelta(minutes=5)
_SCENARIOS = (
    "t1_stale_wallets",
    "t1_platform_wide",
    "t2_one_provider_secret_wrong",
    "t2_all_webhooks_refused",
    "t2_signature_check_broken",
    "t3_one_tenant_drifts",
    "t3_many_tenants_drift",
    "repair_secrets",
)


class SandboxGroup(click.Group):
    """Turns what is wrong with the input into one line on stderr and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a database error ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except (ValueError, LedgerGuardError) as error:
            raise click.UsageError(" ".join(str(error).split())) from error
        except psycopg.Error as error:
            raise click.ClickException(" ".join(str(error).split())) from error


@click.group(cls=SandboxGroup)
@click.option("--uri", envvar="AIRFLOW_CONN_LEDGER_DB", help="The sandbox's database. Default: that of `make up`.")
@click.pass_context
def sandbox(ctx: click.Context, uri: str | None) -> None:
    """Drive the stand-in platform. Example: python -m ledger_sandbox scenario t1_stale_wallets."""
    ctx.obj = RunningSandbox(uri, None) if uri else running_sandbox()


def on_database(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command the sandbox's database first. Only when it runs: its help needs none."""

    @wraps(command)
    @click.pass_context
    def run(ctx: click.Context, /, **options: Any) -> None:
        if ctx.obj is None:
            where = "a sandbox that runs (make up), or a postgresql:// URI here or in AIRFLOW_CONN_LEDGER_DB"
            raise click.UsageError(f"--uri: is missing; allowed: {where}")
        command(make_conninfo(**dict(ConnectionSettings.parse(ctx.obj.database_uri, "ledger_db").parameters)), **options)

    return run


@sandbox.command()
@click.option("--seed", default=1, show_default=True, help="Same seed, same data.")
@click.option("--tenants", default=24, show_default=True, type=click.IntRange(1))
@click.option("--largest", default=2400, show_default=True, type=click.IntRange(1), help="Players of the largest tenant.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(0, 90), help="Days of traffic before now.")
@on_database
def seed(uri: str, seed: int, tenants: int, largest: int, days: int) -> None:
    """Fill empty tables. Example: python -m ledger_sandbox seed --seed 7 --days 3."""
    now = sandbox_clock.now(uri)
    population = generate(seed, PopulationShape(tenants=tenants, largest=largest), now)
    store(uri, population, now)
    events = traffic_history(uri, now, np.random.default_rng(seed), length=timedelta(days=days)) if days else 0
    players = sum(profile.players for profile in population.profiles)
    click.echo(f"seeded {tenants} tenants, {players} players, {events} access events up to {iso(now)}")


@sandbox.command(name="play")
@click.option("--windows", default=1, show_default=True, type=click.IntRange(1), help="Five-minute windows to play.")
@click.option("--seed", default=None, type=int, help="Default: the time of the first window.")
@on_database
def play_windows(uri: str, windows: int, seed: int | None) -> None:
    """Play traffic from where it ended; event time runs ahead with it. Example: python -m ledger_sandbox play --windows 3."""
    with psycopg.connect(uri) as connection:
        start = complete_through(connection) or sandbox_clock.now(uri)
    end = start + windows * _WINDOW
    events = play(uri, start, end, np.random.default_rng(int(start.timestamp()) if seed is None else seed))
    # A window is closed once event time has passed its end.
    sandbox_clock.advance(uri, max(end - sandbox_clock.now(uri), timedelta(0)))
    click.echo(f"played {events} requests from {iso(start)} to {iso(end)}")


def _described() -> str:
    """Every scenario with what it does, for the help."""
    lines = (f"  {name:30}{(getattr(scenarios, name).__doc__ or '').splitlines()[0]}" for name in _SCENARIOS)
    return "\b\nScenarios:\n" + "\n".join(lines)


@sandbox.command(epilog=_described())
@click.argument("name", type=click.Choice(_SCENARIOS), metavar="SCENARIO")
@click.option("--tenant-id", help="For t1_stale_wallets and t3_one_tenant_drifts. Default: a fitting one.")
@click.option("--provider", help="For t2_one_provider_secret_wrong. Default: the one with the fewest tenants.")
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the platform's environment file again. Default: that of `make up`.",
)
@on_database
def scenario(uri: str, name: str, tenant_id: str | None, provider: str | None, env_file: Path | None) -> None:
    """Cause an incident. Example: python -m ledger_sandbox scenario t3_one_tenant_drifts --tenant-id default_casino."""
    arguments: dict[str, Any] = {}
    if name == "t1_stale_wallets":
        arguments["tenant_id"] = tenant_id or scenarios.pick_tenant_for_t1(uri, load_policy().guardrails)
    elif name == "t3_one_tenant_drifts":
        arguments["tenant_id"] = tenant_id or _largest_tenant(uri)
    elif name == "t2_one_provider_secret_wrong":
        arguments["provider"] = provider
    incident: scenarios.Incident = getattr(scenarios, name)(uri, **arguments)
    # a deploy that loses the secrets loses them in the file, too, that the guard looks at
    file = env_file or click.get_current_context().obj.environment_file
    if file is not None:
        write_environment(uri, file)
    click.echo(incident.sentence)


@sandbox.command()
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--rate", default=50.0, show_default=True, help="Moves a second, of all threads together.")
@click.option("--seconds", default=30.0, show_default=True, help="How long.")
@click.option("--tenant-id", help="Default: all tenants.")
@click.option("--races", is_flag=True, help="Let requests at once for one player lose each other's updates.")
@on_database
def live(uri: str, threads: int, rate: float, seconds: float, tenant_id: str | None, races: bool) -> None:
    """MoneyMovement money as the platform does. Example: python -m ledger_sandbox live --rate 200 --seconds 60."""
    seed = random.SystemRandom().getrandbits(32)
    traffic = LiveTraffic(uri, threads=threads, moves_per_second=rate, tenant_id=tenant_id, seed=seed, races=races).start()
    try:
        counts = traffic.wait(seconds)
    except KeyboardInterrupt:
        counts = traffic.stop()
    click.echo(
        f"{counts.moves} moves, {counts.refused} refused, {counts.waits} waits (longest {counts.longest_wait_seconds:.3f} s), "
        f"{counts.deadlocks} deadlocks"
    )


@sandbox.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=18090, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--token", default=DEFAULT_TOKEN, show_default=True, help="The bearer token it takes.")
@click.option("--channel", "channels", multiple=True, default=DEFAULT_CHANNELS, show_default=True)
def slack(host: str, port: int, token: str, channels: tuple[str, ...]) -> None:
    """Stand in for Slack until interrupted. Example: python -m ledger_sandbox slack --port 18090."""
    stand_in = SlackStandIn(host=host, port=port, token=token, channels=channels).start()
    click.echo(f"{stand_in.base_url}/ shows the channel; the Web API is at {stand_in.base_url}/api/")
    stand_in.wait()


@sandbox.command(name="environment")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@on_database
def environment_file(uri: str, file: Path) -> None:
    """Write the platform's environment file. Example: python -m ledger_sandbox environment var/platform.env."""
    click.echo(f"wrote {write_environment(uri, file)}")


@sandbox.group()
def clock() -> None:
    """The sandbox's event time."""


@clock.command()
@click.option("--minutes", required=True, type=click.FloatRange(0), help="How much further ahead of real time.")
@on_database
def advance(uri: str, minutes: float) -> None:
    """Let event time run ahead. Example: python -m ledger_sandbox clock advance --minutes 5."""
    click.echo(iso(sandbox_clock.advance(uri, timedelta(minutes=minutes))))


@clock.command(name="now")
@on_database
def show_now(uri: str) -> None:
    """Show event time. Example: python -m ledger_sandbox clock now."""
    click.echo(iso(sandbox_clock.now(uri)))


def _largest_tenant(uri: str) -> str:
    with psycopg.connect(uri) as connection:
        found = tenants_by_size(connection)
    if not found:
        raise click.UsageError("scenario: the platform has no tenants; allowed: seed it first")
    return found[0]


@sandbox.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Play the whole demo scenario on real Airflow processes. Exit code 1 when a step did not happen."""
    from ledger_sandbox.demo import demo as play_demo  # noqa: PLC0415  the stack is loaded only by who starts it

    ctx.exit(play_demo())


@sandbox.command()
@click.pass_context
def up(ctx: click.Context) -> None:
    """Start the demo's stack with live traffic and scheduled checks, until Ctrl-C."""
    from ledger_sandbox.demo import up as stay_up  # noqa: PLC0415  the stack is loaded only by who starts it

    ctx.exit(stay_up())
