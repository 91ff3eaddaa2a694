"""Before-images for an undo, checked against digests in the marked audit entries of their batches.

Someone who can write guard state but lacks the key could add a before-image, and an approved undo would pay it out. So a digest
over all images of a batch is in the entry that settles the batch, and in the one that announces it if two databases are written.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ledger_guard.domain.attestations import AttestingLog, is_marked
from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.backfill import BatchAnnounced, BatchWritten
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.wallet_writes import Pair, WalletWrite

_REMEDY = "nothing is undone: compare the tenant with a new dry-run, and find out who edited guard state"


@dataclass(frozen=True)
class Images:
    """The before-images of a range of players, without rows that were left alone."""

    rows: int
    digest: str


def images_of(writes: Iterable[WalletWrite]) -> Images:
    """Of these writes, in whatever order."""
    lines = sorted(_line(each) for each in writes)
    return Images(len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest())


def require_announced(log: AttestingLog, plan_id: str, operation: str, images: Images, transaction: str | None) -> None:
    """Raise SafetyRefusal unless a marked entry announces exactly these writes; without a key nothing is checked."""
    if log.keys.newest is None:
        return
    announced = [told(entry.event, BatchAnnounced) for entry in _marked(log, plan_id, operation)]
    wanted = images.rows, images.digest, transaction
    if not any(each and (each.announced, each.images, each.transaction) == wanted for each in announced):
        raise SafetyRefusal(
            f"plan {plan_id}: {operation} finds {images.rows} writes that a run announced and never settled, and no marked audit "
            "entry announces them: guard state was edited, or they are from an earlier version; nothing was written; make a new "
            "dry-run for the rest"
        )


def require_images(log: AttestingLog, plan_id: str, in_span: Callable[[str, str], Images], every: int) -> None:
    """Raise SafetyRefusal unless the marked entries of a plan's force cover each of its current before-images.

    `in_span` gives the images after one player id up to and including another, `every` their total number. Without a key
    nothing is checked.
    """
    if log.keys.newest is None:
        return
    covered = 0
    for entry in _marked(log, plan_id, "force"):
        batch = told(entry.event, BatchWritten)
        if batch is not None:
            covered += _require_span(plan_id, entry.sequence, batch, in_span)
    if covered != every:
        words = f"{every} before-images are stored, but marked audit entries cover {covered}"
        raise SafetyRefusal(f"plan {plan_id}: {words}: guard state was edited since; {_REMEDY}")


def _require_span(plan_id: str, sequence: int, batch: BatchWritten, in_span: Callable[[str, str], Images]) -> int:
    """How many images a settled batch has; raises SafetyRefusal when they differ from those in its entry."""
    after, through = batch.after_player_id, batch.last_player_id
    if batch.images is None:
        raise SafetyRefusal(
            f"plan {plan_id}: audit entry {sequence} is from an older version and does not cover before-images; "
            "nothing is undone: compare the tenant with a new dry-run"
        )
    found = in_span(after, through)
    if found.digest != batch.images:
        who = f"players after {after!r} up to {through!r}"
        words = f"before-images of {who} differ from audit entry {sequence}"
        raise SafetyRefusal(f"plan {plan_id}: {words}: guard state was edited since; {_REMEDY}")
    return found.rows


def _marked(log: AttestingLog, plan_id: str, operation: str) -> list[AuditEntry]:
    return [entry for entry in log.about(f"plan:{plan_id}", (operation,)) if is_marked(entry, log.keys)]


def _line(write: WalletWrite) -> str:
    return f"{len(write.player_id)}:{write.player_id} {_doubles(write.before)} {_doubles(write.after)}"


def _doubles(pair: Pair | None) -> str:
    return "-" if pair is None else " ".join(struct.pack(">d", amount).hex() for amount in pair)
