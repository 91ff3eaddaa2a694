"""Policy sections for what is watched and what is done."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.modes import Mode, row_name
from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.detection import Detection, Limits
from ledger_guard.policy.section import Section
from ledger_guard.policy.sources import SourceSection
from ledger_guard.policy.words import TriggerWord

ActionWord = Literal[
    "notify",
    "triage",
    "check_secrets",
    "dry_run",
    "backfill",
    "freeze",
    "roll_back",
    "plan_secret_rotation",
    "request_review",
]


class TriggerNouns(Section):
    """The nouns of one trigger, in words for people, in the plural."""

    events: str = Field(min_length=3)
    exposure: str = Field(min_length=3)
    subjects: str = Field(min_length=3)


class ReviewTopic(Section):
    """A topic that people must review after an incident."""

    subject: str = Field(min_length=3)
    question: str = Field(min_length=3)


class TriggerPolicy(Section):
    """One trigger: its signal, its source and its flag."""

    #: its signal: a module of `signals/`, or `generic`, described by this section
    signal: str
    #: the trigger in a word or two, as in `insufficient_funds`; None: the signal's own name
    name: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]{2,39}$")
    description: str
    #: None: the signal's own
    nouns: TriggerNouns | None = None
    source: SourceSection
    #: the flag that the runbook ties to this trigger
    flag: str
    #: what people must review after an incident; empty: the signal's own topics
    review: tuple[ReviewTopic, ...] = ()
    #: overrides of the common detection section
    detection: Detection | None = None
    #: left out: the statistics alone decide
    limits: Limits = Limits()
    runbook: str

    def nouns_or(self, own: Nouns | None) -> Nouns:
        """The policy's nouns, or else the signal's `own`; the loader has proved that there are some."""
        if self.nouns is not None:
            return Nouns(self.nouns.events, self.nouns.exposure, self.nouns.subjects)
        if own is None:
            raise BadInputError(f"nouns: missing for {self.name or self.signal}; allowed: events, exposure and subjects")
        return own


class MatrixRow(Section):
    """One cell of the decision matrix."""

    trigger: TriggerWord
    severity: Literal[Severity.MILD, Severity.SEVERE]
    scope: Literal["any", "isolated", "widespread"] = "any"
    actions: tuple[ActionWord, ...] = Field(min_length=1)
    #: how far the row may go by itself; left out: a human decides every write
    mode: Mode = Mode.PROPOSE
    #: the runbook's own words for this row
    runbook_says: str = Field(min_length=10)
    owner: str = Field(min_length=1)

    @property
    def name(self) -> str:
        """The row in plain words: `T1 severe isolated`."""
        return row_name(self.trigger, self.severity, self.scope)

    def answers(self, trigger: Trigger, severity: Severity, scope: Scope) -> bool:
        """Whether this row decides such a case."""
        return self.trigger == trigger and self.severity is severity and self.scope in ("any", scope.value)
