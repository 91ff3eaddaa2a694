"""`ingest`: read access logs into guard state."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from ledger_guard import wiring
from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.adapters.access_log.line_fields import UnusableLine, read_moment
from ledger_guard.adapters.access_log.log_file import FORMATS, AccessLogFile, guessed_format
from ledger_guard.adapters.access_log.log_folder import FolderOfLogs
from ledger_guard.adapters.postgres.access_events import PostgresAccessEventStore
from ledger_guard.connections import guard_settings
from ledger_guard.domain.access_events import IngestedFile, NamedTenants
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.cli import follow
from ledger_guard.entrypoints.cli.person import actor as actor_option
from ledger_guard.policy.platform import AccessLogMapping
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.ingest import ingest_access_log as ingesting
from ledger_guard.use_cases.ingest.follow_access_log import Follower

#: the policy's mapping for a format when none is named
DEFAULT_MAPPINGS = {"jsonl": "ingress_json", "alb": "alb", "combined": "combined"}
_STANDARD_INPUT = Path("-")
#: the exit code when no line of a file could be used
_NOTHING_USABLE = 1


@click.group()
def ingest() -> None:
    """Read access logs into guard state.

    \b
    Example:
      python -m ledger_guard ingest access-log /var/log/ingress/access.jsonl.gz
    """  # noqa: D301  click needs the backspace character itself


@ingest.command("access-log")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--format", "line_format", type=click.Choice(["auto", *FORMATS]), default="auto", show_default=True)
@click.option("--mapping", metavar="NAME", help="A mapping of the policy; default: ingress_json, alb or combined, by format.")
@click.option("--tenant", metavar="T", help="The tenant of every line, whatever the lines say; needed if they name none.")
@click.option(
    "--complete-through",
    metavar="TIME",
    help="Every event before this moment (ISO 8601 with a zone) has been delivered. Default: the newest event accepted.",
)
@click.option("--follow", "follow_", is_flag=True, help="Follow folders or patterns: read what is new until SIGTERM.")
@click.option("--once", is_flag=True, help="With --follow: read what is new, and end.")
@click.option(
    "--complete-after",
    metavar="SECONDS",
    type=click.IntRange(min=0, max=86_400),
    help=f"How much later than another a line may come, with --follow. Default: {follow.COMPLETE_AFTER_SECONDS}.",
)
@click.option(
    "--idle-complete-after",
    metavar="SECONDS",
    type=click.IntRange(min=0, max=86_400),
    help="With --follow: every line is there so long after its request, so that a log without new lines is complete too.",
)
@actor_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
@click.pass_context
def access_log(
    context: click.Context,
    files: tuple[Path, ...],
    line_format: str,
    mapping: str | None,
    tenant: str | None,
    complete_through: str | None,
    follow_: bool,
    once: bool,
    complete_after: int | None,
    idle_complete_after: int | None,
    actor: str,
    as_json: bool,
) -> None:
    """Read ingress log lines, each once: JSON Lines, AWS' ALB, or Apache/nginx combined; plain, gzip or zstd.

    Query strings, headers and bodies are not stored. Unusable lines are counted, and the first 1,000 of a file are kept with
    their number and the reason. Once a file has named 100 tenants that the platform does not have, lines of further such tenants
    are unusable too. Regular files, or `-` for the standard input.
    Triggers need the error code of each answer: only a JSON log with error codes gives readings. Exit 1 when no line of a file
    could be used: most likely a wrong format or mapping. The source does not count as complete then.

    With --follow: folders or patterns, whose files may grow, be renamed, emptied and compressed. How far each was read is stored
    with its events: after a restart, it goes on from there. docs/signals.md, Follow a log.

    \b
    Examples:
      python -m ledger_guard ingest access-log access.jsonl --complete-through 2026-03-01T12:00:00Z
      kubectl logs ingress-0 | python -m ledger_guard ingest access-log -
      python -m ledger_guard ingest access-log --follow '/var/log/nginx/access.log*' --mapping nginx_json
      python -m ledger_guard ingest access-log access.log.gz --format combined --tenant default_casino --json
    """  # noqa: D301  click needs the backspace character itself
    deps = wiring.open_dependencies()
    if follow_:
        if complete_through is not None or _STANDARD_INPUT in files:
            raise BadInputError("--follow: allowed with folders and patterns, without --complete-through and the standard input")
        bounds = follow.bounds(complete_after, idle_complete_after)
        folder = FolderOfLogs([str(path) for path in files], line_format, _mappings(deps, line_format, mapping, tenant))
        store = PostgresAccessEventStore(guard_settings(), wiring.audit_keys())
        context.exit(follow.follow(Follower(deps, store, folder, actor, bounds), once=once, as_json=as_json))
    if once or complete_after is not None or idle_complete_after is not None:
        raise BadInputError("--once, --complete-after and --idle-complete-after: allowed with --follow")
    through = _moment(complete_through) if complete_through is not None else None
    store = PostgresAccessEventStore(guard_settings(), wiring.audit_keys())
    with _standard_input(files) as standard_input:
        logs = [_log(deps, path, standard_input, line_format, mapping, tenant) for path in files]
        outcome = ingesting.ingest_access_log(deps, store, logs, actor=actor, complete_through=through, progress=_progress)
    if as_json:
        click.echo(json.dumps(outcome.as_json(), indent=2, ensure_ascii=False))
    else:
        for file in outcome.files:
            click.echo("\n".join(_lines(file)))
        click.echo(_completeness(outcome))
    for file in outcome.unusable:
        click.echo(
            f"{file.file_name}: none of its {file.lines} lines could be used as {file.mapping}: {file.first_reject}", err=True
        )
    if outcome.unusable:
        context.exit(_NOTHING_USABLE)


def _completeness(outcome: ingesting.IngestOutcome) -> str:
    if outcome.unusable:
        return "the source does not count as complete: nothing of at least one file could be used"
    return f"the source is complete through {iso(outcome.complete_through) if outcome.complete_through else 'no time yet'}"


@contextmanager
def _standard_input(files: tuple[Path, ...]) -> Iterator[Path | None]:
    """A file with all of the standard input where `-` is among the files: what is stored is stored whole or not at all."""
    if _STANDARD_INPUT not in files:
        yield None
        return
    if files.count(_STANDARD_INPUT) > 1:
        raise BadInputError("files: `-` is named twice; allowed: the standard input once")
    with NamedTemporaryFile(prefix="ledger-guard-ingest-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _log(
    deps: Dependencies,
    given: Path,
    standard_input: Path | None,
    line_format: str,
    mapping: str | None,
    tenant: str | None,
) -> AccessLogFile:
    path = standard_input if given == _STANDARD_INPUT and standard_input else given
    found = guessed_format(path) if line_format == "auto" else line_format
    name, chosen, events = _mapping(deps, found, mapping, tenant)
    return AccessLogFile(path, found, name, chosen, events, name=str(given))


def _mapping(
    deps: Dependencies, line_format: str, mapping: str | None, tenant: str | None
) -> tuple[str, AccessLogMapping, LineEvents]:
    policy = deps.policy
    name = mapping if mapping is not None else DEFAULT_MAPPINGS[line_format]
    if name not in policy.access_log:
        raise BadInputError(
            f"mapping: {name[:60]!r} is unknown; allowed: {', '.join(sorted(policy.access_log)) or 'none is defined'}"
        )
    chosen, requests = policy.access_log[name], list(policy.access_events().values())
    skew = timedelta(seconds=policy.sensing.clock_skew_seconds)
    return name, chosen, LineEvents(chosen, tenant, deps.clock.now(), requests, NamedTenants(deps.ledger.tenant_ids), skew)


def _mappings(
    deps: Dependencies, line_format: str, mapping: str | None, tenant: str | None
) -> dict[str, tuple[str, AccessLogMapping, LineEvents]]:
    """By format: the one that was named, or those that the policy has a mapping for."""
    if mapping is not None or line_format != "auto":
        formats = FORMATS if line_format == "auto" else (line_format,)
    else:
        formats = tuple(name for name in FORMATS if DEFAULT_MAPPINGS[name] in deps.policy.access_log)
    return {name: _mapping(deps, name, mapping, tenant) for name in formats}


def _moment(text: str) -> datetime:
    try:
        return read_moment(text, assume_utc=False)
    except UnusableLine as error:
        raise BadInputError(f"--complete-through: {error}") from error


def _progress(name: str, lines: int) -> None:
    terminal = sys.__stderr__
    if terminal is not None and terminal.isatty():
        # past the stream that would escape the carriage return
        terminal.write(f"\r{one_line(name)}: {lines} lines")
        terminal.flush()


def _lines(file: IngestedFile) -> list[str]:
    span = f"{iso(file.first_event)} to {iso(file.last_event)}" if file.first_event and file.last_event else "no events"
    counts = f"{file.accepted} accepted, {file.already_known} already known, {file.rejected} rejected"
    found = [f"{file.file_name} ({file.mapping}): {file.lines} lines, {counts}; {span}"]
    if file.too_late:
        found.append(f"  too late: {file.too_late} of the accepted came after their windows were settled: they are in no reading")
    if file.from_future:
        found.append(f"  ahead of the clock: {file.from_future} of the rejected; does a host's clock run ahead?")
    found += [f"  missing: {sentence}" for sentence in file.not_knowable]
    if file.rejected:
        found.append(f"  first rejected: {file.first_reject}")
        which = "all" if file.kept_rejects == file.rejected else f"the first {file.kept_rejects}"
        found.append(f"  {which} rejected lines: table ledger_guard.ingest_reject, ingest_id {file.ingest_id}")
    return found
