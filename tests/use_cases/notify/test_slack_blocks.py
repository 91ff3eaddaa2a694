"""Block Kit: what a notice looks like in Slack, below, at and above each of Slack's limits."""

from __future__ import annotations

import json
import re

import pytest

from ledger_guard.adapters.notifiers.slack_blocks import escaped, fitted, slack_message
from ledger_guard.domain.notices import Notice
from ledger_sandbox.slack_rules import checked_blocks, checked_text


def _message(**fields):
    return slack_message(Notice(**{"title": "classify · T1", "summary": "Something rose.", **fields}))


def _fields(message) -> list[str]:
    return [field["text"] for block in message["blocks"] for field in block.get("fields", [])]


def _texts(node) -> list[dict]:
    """Every text object of a message."""
    if isinstance(node, dict):
        own = [node] if node.get("type") in {"mrkdwn", "plain_text"} else []
        return own + [found for inner in node.values() for found in _texts(inner)]
    return [found for inner in node for found in _texts(inner)] if isinstance(node, list) else []


def test_a_notice_is_header_summary_facts_links_and_incident_in_this_order():
    message = _message(
        facts=(("Tenants", "acme"), ("Owner", "oncall")),
        links=(("Approve", "https://ui/a"), ("Board", "https://ui/b")),
        incident_id="i-1",
    )
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "section", "section", "context"]
    assert message["blocks"][0]["text"]["text"] == "classify · T1"
    assert message["blocks"][1]["text"]["text"] == "Something rose."
    assert _fields(message) == ["*Tenants*\nacme", "*Owner*\noncall"]
    assert message["blocks"][3]["text"]["text"] == "<https://ui/a|Approve>\n<https://ui/b|Board>"
    assert message["blocks"][4]["elements"][0]["text"] == "Ledger Guard · incident i-1"
    assert message["text"] == "classify · T1: Something rose."


def test_a_notice_without_facts_links_and_incident_is_header_and_summary():
    assert [block["type"] for block in _message()["blocks"]] == ["header", "section"]


def test_an_empty_summary_or_fact_never_makes_an_empty_text():
    message = _message(title="", summary=" ", facts=(("", ""), ("Players", "  ")))
    checked_blocks(message)
    assert _fields(message) == ["*-*\n-", "*Players*\n-"]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        pytest.param("abcd", 5, "abcd", id="below"),
        pytest.param("abcde", 5, "abcde", id="at the limit nothing is cut"),
        pytest.param("abcdef", 5, "abcd…", id="above, one place is the ellipsis"),
        pytest.param("a&b", 7, "a&amp;b", id="entities count whole, at the limit"),
        pytest.param("a&bc", 7, "a&amp;…", id="entities are kept whole where they fit"),
        pytest.param("ab&&c", 8, "ab&amp;…", id="the entity that does not fit goes whole"),
        pytest.param("a&b", 5, "a…", id="an entity is never cut"),
    ],
)
def test_text_is_cut_after_escaping_and_never_within_an_entity(text, limit, expected):
    assert fitted(text, limit) == expected


@pytest.mark.parametrize(("length", "ends"), [(149, "x"), (150, "x"), (151, "…")], ids=["below", "at", "above"])
def test_a_header_has_at_most_150_characters(length, ends):
    text = _message(title="x" * length)["blocks"][0]["text"]["text"]
    assert (len(text), text[-1]) == (min(length, 150), ends)


@pytest.mark.parametrize(("length", "ends"), [(2999, "x"), (3000, "x"), (3001, "…")], ids=["below", "at", "above"])
def test_a_section_has_at_most_3000_characters(length, ends):
    text = _message(summary="x" * length)["blocks"][1]["text"]["text"]
    assert (len(text), text[-1]) == (min(length, 3000), ends)


@pytest.mark.parametrize(("length", "ends"), [(1995, "x"), (1996, "x"), (1997, "…")], ids=["below", "at", "above"])
def test_a_field_has_at_most_2000_characters_with_its_label(length, ends):
    (field,) = _fields(_message(facts=(("A", "x" * length),)))
    assert (len(field), field[-1]) == (min(length + 4, 2000), ends)


@pytest.mark.parametrize(("facts", "sections"), [(9, [9]), (10, [10]), (11, [10, 1])], ids=["below", "at", "above"])
def test_a_section_has_at_most_10_fields(facts, sections):
    message = _message(facts=tuple((f"f{n}", "x") for n in range(facts)))
    assert [len(block["fields"]) for block in message["blocks"] if "fields" in block] == sections


def test_facts_beyond_the_room_of_a_message_are_counted():
    message = _message(facts=tuple((f"f{n}", "x" * 300) for n in range(100)))
    checked_blocks(message)
    fields = _fields(message)
    assert fields[0].startswith("*f0*")
    assert fields[-1] == f"+ {100 - (len(fields) - 1)} more"


def test_so_many_short_facts_keep_within_50_blocks():
    message = _message(facts=tuple(("f", "x") for _ in range(2000)), links=(("a", "https://a"),), incident_id="i")
    checked_blocks(message)
    assert len(message["blocks"]) <= 50
    assert message["blocks"][-1]["type"] == "context"


def test_links_that_do_not_fit_are_left_out_whole_and_counted():
    message = _message(links=tuple((f"run {n}", f"https://ui/{'r' * 200}/{n}") for n in range(40)))
    checked_blocks(message)
    lines = message["blocks"][-1]["text"]["text"].splitlines()
    assert all(line.startswith("<https://ui/") and line.endswith(">") for line in lines[:-1])
    assert lines[-1] == f"+ {40 - (len(lines) - 1)} more"


@pytest.mark.parametrize(
    "character", ["x", "&", '"', "\n", "ş", "\x07"], ids=["plain", "escaped", "quoted", "lines", "wide", "control"]
)
def test_a_notice_that_is_too_long_everywhere_is_still_taken(character):
    long = character * 5_000
    message = slack_message(
        Notice(
            title=f"t{long}",
            summary=f"s{long}",
            facts=tuple((f"l{n}{long}", f"f{long}") for n in range(60)),
            links=tuple((f"{n}{long}", f"https://ui/{n}?{'q' * 500}") for n in range(60)),
            incident_id=f"i{long}",
        )
    )
    checked_blocks(message)
    checked_text(message, message["blocks"])


@pytest.mark.parametrize(
    "hostile",
    ["<!channel>", "<!here>", "<@U123ABC>", "<#C123ABC>", "<https://evil|click>", "&lt;!channel&gt;"],
)
def test_no_word_of_a_notice_can_ping_or_link(hostile):
    message = _message(
        title=hostile, summary=hostile, facts=((hostile, hostile),), links=((hostile, "https://ui/ok"),), incident_id=hostile
    )
    shown = json.dumps(message).replace("<https://ui/ok|", "")
    assert "<!" not in shown
    assert "<@" not in shown
    assert "<#" not in shown
    assert "<https://evil" not in shown
    assert escaped(hostile) in message["text"]


def test_slack_gets_every_text_unformatted():
    message = _message(facts=(("Players", "@channel #general"),), links=(("a", "https://a"),), incident_id="i")
    texts = _texts(message["blocks"])
    assert all(text["verbatim"] is True for text in texts if text["type"] == "mrkdwn")
    assert all(text["emoji"] is False for text in texts if text["type"] == "plain_text")
    assert len(texts) == 5


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("https://ui/a b|c>d<e", "<https://ui/a%20b%7Cc%3Ed%3Ce|go>", id="characters that end a link"),
        pytest.param("https://ui/?a=1&b=2", "<https://ui/?a=1&amp;b=2|go>", id="ampersand"),
        pytest.param("javascript:alert(1)", "go: javascript:alert(1)", id="not a web address: shown, not linked"),
        pytest.param("docs/runbooks/T1.md", "go: docs/runbooks/T1.md", id="a file: shown, not linked"),
    ],
)
def test_a_link_can_not_be_broken_out_of(address, shown):
    assert _message(links=(("go", address),))["blocks"][-1]["text"]["text"] == shown


def test_a_link_without_an_address_is_left_out():
    assert [block["type"] for block in _message(links=(("Answer", ""),))["blocks"]] == ["header", "section"]


@pytest.mark.parametrize(
    "words",
    ["*Approved by the CTO*", "_Approved_", "~not~ approved", "`run` it `now`", ":white_check_mark: approved", "\n> Approved"],
)
def test_no_words_of_people_or_data_are_set_as_anything_but_words(words):
    message = _message(title=words, summary=words, facts=((words, words),), links=((words, "https://ui/ok"),), incident_id=words)
    own_bold = r"^\*[^*]*\*\n"
    for text in _texts(message["blocks"]):
        if text["type"] == "mrkdwn":
            shown = re.sub(own_bold, "", text["text"])
            assert not re.search(r"\*.*\*|(?<!\w)_\w+_|~.*~|`.*`|:\w+:|^\s*&gt;", shown, re.DOTALL), shown
