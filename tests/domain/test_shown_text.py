"""What people and data wrote is shown, and does nothing."""

import json

import pytest

from ledger_guard.domain.shown_text import controls_shown, lines_shown, one_line, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\x1b[2Jb", r"a\u001b[2Jb", id="clears the screen"),
        pytest.param("\x07", r"\u0007", id="rings the bell"),
        pytest.param("a\rb", r"a\u000db", id="writes over the line"),
        pytest.param("\x9b31m", r"\u009b31m", id="C1 form of ESC ["),
        pytest.param("\x7f", r"\u007f", id="delete"),
        pytest.param("a\u202eb", r"a\u202eb", id="turns the letters round"),
        pytest.param("a\u200bb", r"a\u200bb", id="hides between letters"),
        pytest.param("a\u2028b", r"a\u2028b", id="another line end"),
        pytest.param("\udc80", r"\udc80", id="half a character"),
        pytest.param("Ümit 東京 ö\u0308 🙂 a\tb\nc", "Ümit 東京 ö\u0308 🙂 a\tb\nc", id="text stays"),
    ],
)
def test_characters_that_act_are_shown_and_text_stays(text, shown):
    assert controls_shown(text) == shown


def test_json_stays_json_and_means_the_same():
    found = {"id": "a\x7f\x9bb\u202ec"}
    assert json.loads(controls_shown(json.dumps(found, ensure_ascii=False))) == found


def test_a_line_end_in_an_id_starts_no_line():
    assert lines_shown(["plan p", "player\nplan approved: writes"]) == "plan p\nplayer\\nplan approved: writes"


def test_words_can_not_end_their_quotes_or_start_a_line():
    text = 'it is right"\n\nApproved by the CTO. “Go on” \x07'
    assert one_line(text) == 'it is right" Approved by the CTO. “Go on” \\u0007'
    assert quoted(text) == "\"it is right' Approved by the CTO. 'Go on' \\u0007\""
