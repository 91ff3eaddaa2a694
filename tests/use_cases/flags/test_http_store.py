"""A flag server that misbehaves: nothing but a well-formed answer is a value, and a write is made once."""

from __future__ import annotations

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.flag_stores import http_store
from tests.use_cases.flags.rollout_world import BALANCE

from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState

UNSET = FlagState(BALANCE, EVERYWHERE, None)


@pytest.mark.parametrize("remembers_keys", [True, False], ids=["a server that knows the key", "a server that forgot it"])
def test_a_write_whose_answer_was_lost_is_tried_again_under_one_key_and_made_once(flag_server, remembers_keys):
    flag_server.remembers_keys = remembers_keys
    flag_server.misbehave = ["drop"]
    written = compare_and_set(http_store(flag_server), UNSET, True, "lead", "(approval 1)")
    assert written == FlagState(BALANCE, EVERYWHERE, True, 1)
    assert (len(flag_server.keys), len(set(flag_server.keys))) == (2, 1)


@pytest.mark.parametrize("status", ["502", "503", "504"])
def test_an_answer_of_something_in_between_is_tried_again_with_growing_pauses(flag_server, status):
    flag_server.misbehave, pauses = [status] * 3, []
    assert http_store(flag_server, pauses).get(BALANCE, EVERYWHERE) == UNSET
    assert pauses == [0.5, 1.0, 2.0]


def test_after_the_last_try_the_store_is_unavailable(flag_server):
    flag_server.misbehave = ["503"] * 4
    with pytest.raises(SourceUnavailable, match="no answer in 4 tries"):
        http_store(flag_server).get(BALANCE, EVERYWHERE)


@pytest.mark.parametrize("word", ["400", "401", "404", "429", "500", "302", "garbage"])
def test_any_other_answer_is_no_value_and_not_tried_again(flag_server, word):
    flag_server.misbehave, pauses = [word], []
    with pytest.raises(SourceUnavailable):
        http_store(flag_server, pauses).get(BALANCE, EVERYWHERE)
    assert pauses == []


@pytest.mark.parametrize("status", ["409", "412"])
def test_out_of_date_is_a_refusal(flag_server, status):
    flag_server.misbehave = [status]
    with pytest.raises(SafetyRefusal, match="refused the write as out of date"):
        compare_and_set(http_store(flag_server), UNSET, True, "lead", "because")
    assert flag_server.scopes == {}


def test_the_token_is_in_no_message(flag_server):
    with pytest.raises(SourceUnavailable, match="answered 401") as refused:
        http_store(flag_server, token="t0p-secret").get(BALANCE, EVERYWHERE)
    assert "t0p-secret" not in str(refused.value)
