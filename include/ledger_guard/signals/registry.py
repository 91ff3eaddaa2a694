"""All signals. An incomplete or duplicate signal is refused when this module loads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.triggers import TriggerPolicy
from ledger_guard.signals.balance_mismatch import BalanceMismatch
from ledger_guard.signals.generic import Generic
from ledger_guard.signals.insufficient_funds import InsufficientFunds
from ledger_guard.signals.signal import Signal, Topics
from ledger_guard.signals.webhook_signature import WebhookSignature


class Registry:
    """Signals by name."""

    def __init__(self, kinds: Iterable[type[Signal]]) -> None:
        self._signals: dict[str, Signal] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: type[Signal]) -> None:
        """Register a signal. Raises BadInputError when it is incomplete or its name is taken."""
        if missing := sorted(kind.__abstractmethods__):
            raise BadInputError(f"signal {kind.__name__}: lacks {', '.join(missing)}; allowed: a signal that defines all of them")
        signal = kind()
        # without `against_now`, a withheld repair would be proposed again with every window
        half = [name for name in ("against", "against_now") if getattr(kind, name) is getattr(Signal, name)]
        if signal.against_verb is not None and half:
            problem = f"names against_verb but lacks {', '.join(half)}"
            raise BadInputError(f"signal {kind.__name__}: {problem}; allowed: all of these or none")
        if signal.name in self._signals:
            taken = type(self._signals[signal.name]).__name__
            raise BadInputError(f"signal {kind.__name__}: the name {signal.name!r} is used by {taken}; allowed: another name")
        self._signals[signal.name] = signal

    def get(self, name: str) -> Signal:
        """The signal of this name; raises BadInputError when there is none."""
        if name not in self._signals:
            raise BadInputError(f"signal: {name[:60]!r} is unknown; allowed: {', '.join(self.names)}")
        return self._signals[name]

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._signals)


#: a new signal: its module here, and one line below
SIGNALS = Registry((InsufficientFunds, WebhookSignature, BalanceMismatch, Generic))


def signal_of(policy: Policy, trigger: Trigger) -> Signal:
    """What a trigger means; raises BadInputError when the policy does not know it."""
    return SIGNALS.get(policy.trigger(trigger).signal)


def signals_of_flag(policy: Policy, flag: str) -> Mapping[Trigger, Signal]:
    """The triggers tied to a flag, with their signals."""
    return {trigger: signal_of(policy, trigger) for trigger, each in policy.triggers.items() if each.flag == flag}


def triggers_meaning(policy: Policy, kind: type[Signal]) -> list[Trigger]:
    """The triggers that mean this signal."""
    return [trigger for trigger in policy.triggers if isinstance(signal_of(policy, trigger), kind)]


def nouns_of(policy: Policy, trigger: Trigger) -> Nouns:
    """What a trigger counts, for people: in the policy's words, or else the signal's."""
    return policy.trigger(trigger).nouns_or(signal_of(policy, trigger).nouns)


def topics_of(policy: Policy, trigger: Trigger) -> Topics:
    """What people must review after an incident: the policy's topics, or else the signal's."""
    described: TriggerPolicy = policy.trigger(trigger)
    named = tuple((topic.subject, topic.question) for topic in described.review)
    return named or signal_of(policy, trigger).review_topics(described)
