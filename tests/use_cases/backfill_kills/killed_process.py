"""Runs plans, forces and undos in processes of their own, each of which can kill or pause itself at a chosen moment.

A moment is an exchange with a database: one statement, BEGIN or COMMIT sent and answered. The kill comes before it is sent,
once it is sent (the server goes on with it, nobody reads the answer), or after the answer was read.

As a program it imports the guard once, then forks for each request it reads (a line of JSON) and answers with another line:
first the process's id, then how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.waiting import Wait

BEFORE, SENT, AFTER = "before", "sent", "after"
WHEN = (BEFORE, SENT, AFTER)


@dataclass(frozen=True)
class Kill:
    """At which exchange, counted from 1, and when in it; SIGSTOP pauses instead, until somebody lets it go on."""

    exchange: int
    when: str
    number: int = signal.SIGKILL


@dataclass(frozen=True)
class Request:
    """`operation` is plan, force or undo; `subject` a tenant for a plan, else a plan; `try_number` is its run's, 0: no run."""

    operation: str
    subject: str
    kill: Kill | None = None
    try_number: int = 0


class Exchanges:
    """Counts the exchanges of a process over all its connections."""

    made = 0
    kill: Kill | None = None

    @classmethod
    def die_if_due(cls, when: str) -> None:
        if cls.kill is not None and (cls.kill.exchange, cls.kill.when) == (cls.made, when):
            number, cls.kill = cls.kill.number, None
            os.kill(os.getpid(), number)


class DyingConnection(psycopg.Connection):
    """A connection whose every exchange is counted; all of psycopg's go through `wait`."""

    def wait(self, generator, *rest, **options):
        Exchanges.made += 1
        Exchanges.die_if_due(BEFORE)
        answer = super().wait(_watched(generator), *rest, **options)
        # A COMMIT of nothing sends nothing: there is no moment to wait for an answer.
        Exchanges.die_if_due(SENT)
        Exchanges.die_if_due(AFTER)
        return answer


def _watched(generator):
    """The same exchange; it waits to read only once all is sent."""
    try:
        wanted = next(generator)
        while True:
            if wanted == Wait.R:
                Exchanges.die_if_due(SENT)
            ready = yield wanted
            wanted = generator.send(ready)
    except StopIteration as end:
        return end.value


def small_batches():
    """The shipped policy with batches of two rows, and room for a tenant of few players that is repaired again and again.

    What is paused within a transaction is ended by the database after three seconds.
    """
    from ledger_guard.policy.loader import load_policy

    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"batch_rows": 2, "max_share_of_players": 1.0})
    autonomy = shipped.autonomy.model_copy(update={"repaired_again_days": 0, "cool_down_minutes": 0, "settle_minutes": 0})
    platform = shipped.platform.model_copy(update={"statement_timeout_seconds": 3})
    return shipped.model_copy(update={"guardrails": guardrails, "autonomy": autonomy, "platform": platform})


def run_operation(deps, operation: str, subject: str, try_number: int = 0):
    """The use case of an operation; a run's tries are told apart by who acts."""
    from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
    from ledger_guard.use_cases.backfill.dry_run import dry_run
    from ledger_guard.use_cases.backfill.force import force, undo

    if operation == "plan":
        return dry_run(deps, subject, "force", "oncall")
    claim = WriterClaim("tenant_backfill/run 1", try_number) if try_number else NO_RUN
    return {"force": force, "undo": undo}[operation](deps, subject, f"try {try_number}" if try_number else "oncall", claim=claim)


def _forked(deps, request: dict[str, Any]) -> tuple[int, int]:
    """Start a request in a process of its own; returns its id and where its last words can be read."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    words: dict[str, Any] = {}
    try:
        Exchanges.kill = Kill(**request["kill"]) if request["kill"] else None
        psycopg.connect = DyingConnection.connect
        run_operation(deps, request["operation"], request["subject"], request["try_number"])
    except BaseException as error:  # noqa: BLE001 the last words say it
        words["error"] = f"{type(error).__name__}: {error}"
    os.write(writing, json.dumps({"exchanges": Exchanges.made, **words}).encode())
    os._exit(0)


def main(platform_uri: str, guard_uri: str) -> None:
    from tests.use_cases.backfill.backfill_worlds import postgres_backfill_world

    deps = postgres_backfill_world(small_batches(), platform_uri, guard_uri).deps
    for line in sys.stdin:
        process, words = _forked(deps, json.loads(line))
        print(json.dumps({"process": process}), flush=True)  # noqa: T201 the answer
        _, status = os.waitpid(process, 0)
        said = os.read(words, 65536)
        os.close(words)
        ended = {"killed_by": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, **json.loads(said or b"{}")}
        print(json.dumps(ended), flush=True)  # noqa: T201 the answer


def request_line(request: Request) -> str:
    """A request as the program reads it."""
    return json.dumps(asdict(request)) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
