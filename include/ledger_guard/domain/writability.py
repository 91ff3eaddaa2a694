"""Obstacles to writing a platform's wallets, found before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from ledger_guard.domain.findings import DifferenceCounts
from ledger_guard.domain.plans import BackfillMode


class WriteKind(str, Enum):
    """What may happen to a wallet row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class ObstacleKind(str, Enum):
    """Kinds of obstacles."""

    NOT_A_TABLE = "not_a_table"
    NO_UNIQUE_KEY = "no_unique_key"
    HAS_HEIRS = "has_heirs"
    NEEDS_VALUE = "needs_value"
    IS_GENERATED = "is_generated"
    HAS_RULE = "has_rule"
    ROW_SECURITY = "row_security"
    MISSING_RIGHT = "missing_right"
    #: not certainly an obstacle: a person must read the trigger
    HAS_TRIGGER = "has_trigger"


#: `{table}` and `{subject}` are those of the obstacle
_SENTENCES = {
    ObstacleKind.NOT_A_TABLE: "{table} is a {subject}; the policy has to map the table itself",
    ObstacleKind.NO_UNIQUE_KEY: "{table} has no unique key of exactly ({subject}), so a wallet could be there twice",
    ObstacleKind.HAS_HEIRS: "{table} has tables that inherit from it ({subject}), and no key holds over all of them",
    ObstacleKind.NEEDS_VALUE: "{table} wants a value for column {subject} in a new row, and the policy names none",
    ObstacleKind.IS_GENERATED: "{table} computes column {subject} by itself, so it can't be written",
    ObstacleKind.HAS_RULE: "{table} has rule {subject}, which makes something else of the write",
    ObstacleKind.ROW_SECURITY: "{table} hides rows from {subject} (row-level security); `alter role {subject} bypassrls`",
    ObstacleKind.MISSING_RIGHT: "{table}: {subject}; `db roles` prints the rights that a writer needs",
    ObstacleKind.HAS_TRIGGER: (
        "{table} has trigger {subject}, which may refuse or change what is written; once it was read and found harmless, "
        "platform.wallet.known_triggers may name it"
    ),
}


@dataclass(frozen=True)
class WriteObstacle:
    """One obstacle to writing a table."""

    kind: ObstacleKind
    table: str
    #: what exactly: a column, a trigger, what a login may not do
    subject: str
    stops: frozenset[WriteKind]

    @property
    def is_certain(self) -> bool:
        """Whether a write fails for certain; otherwise a person may know that it does not."""
        return self.kind is not ObstacleKind.HAS_TRIGGER

    @property
    def sentence(self) -> str:
        """For people, with what to do."""
        return _SENTENCES[self.kind].format(table=self.table, subject=self.subject)


def writes_of_force(mode: BackfillMode, counts: DifferenceCounts) -> frozenset[WriteKind]:
    """What a force of a plan with such counts does, and what an undo of it would: wallets that it makes must be removable."""
    made = {WriteKind.INSERT, WriteKind.DELETE} if counts.missing else set()
    changes = mode is BackfillMode.FORCE and counts.repairable > counts.missing
    return frozenset(made | ({WriteKind.UPDATE} if changes else set()))


def writes_of_undo(mode: BackfillMode, counts: DifferenceCounts) -> frozenset[WriteKind]:
    """What an undo of such a plan does."""
    return writes_of_force(mode, counts) - {WriteKind.INSERT}


def certain_sentences(obstacles: Iterable[WriteObstacle], needed: frozenset[WriteKind]) -> tuple[str, ...]:
    """Why writes of the needed kinds would fail."""
    return tuple(each.sentence for each in obstacles if each.is_certain and each.stops & needed)


def doubtful_sentences(
    obstacles: Iterable[WriteObstacle], needed: frozenset[WriteKind], known: Collection[str]
) -> tuple[str, ...]:
    """Doubts about writes of the needed kinds, without triggers `known` by name to be harmless."""
    return tuple(each.sentence for each in obstacles if not each.is_certain and each.stops & needed and each.subject not in known)
