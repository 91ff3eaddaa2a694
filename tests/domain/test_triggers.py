"""A trigger is a word: any that can name tasks and rows, the same wherever it comes from."""

from __future__ import annotations

import json
import pickle

import pytest

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Trigger


@pytest.mark.parametrize("word", ["T1", "t", "game_timeouts", "A" * 32])
def test_letters_digits_and_underscores_make_a_trigger(word):
    assert Trigger(word).value == word


@pytest.mark.parametrize("word", ["", "1T", "_T", "T 1", "T-1", "T.sense", "T\n", "ä", "A" * 33, None, 1, ["T1"]])
def test_what_could_not_name_a_task_is_refused_with_what_may(word):
    with pytest.raises(BadInputError, match=r"is not a trigger name; allowed: 1 to 32 letters, digits or '_'"):
        Trigger(word)


def test_a_long_word_is_not_repeated_whole():
    with pytest.raises(BadInputError) as refused:
        Trigger("T" * 10_000)
    assert len(str(refused.value)) < 200


def test_it_is_equal_to_its_word_and_survives_every_copy():
    trigger = Trigger("T4")
    assert trigger == Trigger("T4") == "T4"
    assert {trigger: 1}["T4"] == 1
    assert (f"{trigger}", json.dumps({"trigger": trigger})) == ("T4", '{"trigger": "T4"}')
    assert pickle.loads(pickle.dumps(trigger)) == trigger


def test_its_value_is_a_plain_text():
    assert type(Trigger("T4").value) is str
