"""The registry takes in signals that say everything, each name once, and nothing else."""

from __future__ import annotations

import typing

import pytest
from tests.triggers import T1, T2, T3

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.triggers import ActionWord
from ledger_guard.signals.balance_mismatch import BalanceMismatch
from ledger_guard.signals.generic import Generic
from ledger_guard.signals.insufficient_funds import InsufficientFunds
from ledger_guard.signals.registry import Registry, nouns_of, signal_of, signals_of_flag, triggers_meaning
from ledger_guard.signals.signal import COMMON_ACTIONS, SECRET_ACTIONS, RestoreNeeds, Signal
from ledger_guard.signals.webhook_signature import WebhookSignature


class Whole(Signal):
    """Says all that it must."""

    name = "whole"
    nouns = Nouns("cracks", "cups", "guests")
    sources = None
    actions = COMMON_ACTIONS
    restore_needs = RestoreNeeds(wallets_compared=False, rotations_done=False)

    def review_topics(self, described):
        return (("Kitchen", "who dropped them?"),)

    def triage(self, deps, incident):
        raise AssertionError("nobody asks")


EVERYTHING = ["actions", "name", "nouns", "restore_needs", "review_topics", "sources", "triage"]


def test_a_signal_that_says_it_all_is_taken_in_under_its_name():
    registry = Registry([Whole])
    assert (registry.names, type(registry.get("whole"))) == (["whole"], Whole)


def test_a_signal_that_says_nothing_is_refused_with_all_that_is_missing():
    empty = type("Empty", (Signal,), {})
    with pytest.raises(BadInputError) as refused:
        Registry([empty])
    assert str(refused.value) == f"signal Empty: lacks {', '.join(EVERYTHING)}; allowed: a signal that defines all of them"


@pytest.mark.parametrize("missing", EVERYTHING)
def test_a_signal_that_leaves_one_thing_unsaid_is_refused_by_its_name(missing):
    said = {key: each for key, each in vars(Whole).items() if key in EVERYTHING and key != missing}
    with pytest.raises(BadInputError, match=rf"^signal Part: lacks {missing}; allowed"):
        Registry([type("Part", (Signal,), said)])


@pytest.mark.parametrize("missing", ["against", "against_now"])
def test_a_signal_that_speaks_against_repairs_says_so_of_then_and_now(missing):
    said = {"against_verb": "triage", "against": lambda *_: {}, "against_now": lambda *_: {}}
    assert Registry([type("Both", (Whole,), said)]).names == ["whole"]
    with pytest.raises(BadInputError, match=f"names against_verb but lacks {missing}; allowed: all of these or none"):
        Registry([type("Half", (Whole,), {key: each for key, each in said.items() if key != missing})])


def test_every_action_of_the_policy_is_one_that_signals_know():
    assert set(typing.get_args(ActionWord)) == COMMON_ACTIONS | SECRET_ACTIONS


def test_a_name_that_is_taken_is_refused_and_names_whose_it_is():
    with pytest.raises(BadInputError, match="signal Again: the name 'whole' is used by Whole; allowed: another name"):
        Registry([Whole, type("Again", (Whole,), {})])


def test_an_unknown_name_is_told_which_there_are():
    with pytest.raises(BadInputError, match="signal: 'cups' is unknown; allowed: generic, whole"):
        Registry([Whole, Generic]).get("cups")


def test_the_shipped_policy_means_the_runbooks_three_signals():
    policy = load_policy()
    assert [type(signal_of(policy, trigger)) for trigger in (T1, T2, T3)] == [
        InsufficientFunds,
        WebhookSignature,
        BalanceMismatch,
    ]
    assert list(signals_of_flag(policy, "ledger_enforce_balance")) == [T1, T3]
    assert triggers_meaning(policy, WebhookSignature) == [T2]


def test_a_trigger_that_the_policy_does_not_know_is_told_which_it_knows():
    with pytest.raises(BadInputError, match="trigger: 'T9' is unknown; allowed: T1, T2, T3"):
        signal_of(load_policy(), Trigger("T9"))


@pytest.mark.parametrize(
    ("trigger", "counted"),
    [
        (T1, Nouns("refused withdrawals", "withdrawals", "players")),
        (T2, Nouns("refused webhooks", "webhooks", "webhooks")),
        (T3, Nouns("differing wallets", "wallets", "players")),
    ],
)
def test_each_trigger_is_counted_in_its_own_nouns(trigger, counted):
    assert nouns_of(load_policy(), trigger) == counted
