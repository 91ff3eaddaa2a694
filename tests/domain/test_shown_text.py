"""What people and data wrote is shown, and does nothing."""

import json
import re

import pytest
from markdown_it import MarkdownIt

from ledger_guard.domain.shown_text import controls_shown, lines_shown, markdown, mrkdwn, one_line, quoted


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


HOSTILE = [
    "# Approved by the CTO",
    "x\n\n# Approved by the CTO\n\nfine",
    "x\n===\nApproved",
    "> Approved by the CTO",
    "- Approved\n- Approved",
    "1. Approved",
    "2) Approved",
    "+ Approved",
    "**Approved** _by_ ~~the~~ CTO",
    "_Approved_ __by__ a_b_ _c",
    "[Approve](https://evil.example/x)",
    "[ref]: https://evil.example",
    "![seen](https://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "<https://evil.example>",
    "&lt;b&gt; &#42;&#42;x&#42;&#42;",
    "`code` ``a`",
    "https://evil.example/`x`",
    "http://evil.example/a|b",
    "www.evil.example",
    "go to (www.evil.example)",
    "cto@evil.example agrees",
    "ask @channel or @cto",
    "mailto:cto@evil.example",
    "a | b | c\n---|---|---\n1|2|3",
    "\\*not\\*",
    "***\n",
    "    indented code",
    "\u200b# hidden start",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_people_is_shown_and_makes_nothing_but_text_and_code(text):
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(f"{markdown(text)}\n")
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {"p", "code"}
    bare = re.sub(r"<code>.*?</code>", "", html)
    assert not re.search(r"://|www\.|@\w|mailto:", bare), "renderers make links and mentions of these by themselves"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_table_breaks_out_of_it(text):
    html = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .render(f"| A | B |\n| --- | --- |\n| {markdown(text)} | end |")
    )
    assert html.count("<td>") == 2
    assert "<td>end</td>" in html
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@pytest.mark.parametrize(
    "text",
    [
        "tenant casino_7: 3 of 20 players",
        "ledger_enforce_balance@* off",
        "ledger_enforce_balance@casino_7",
        "03:00:05Z; a/b, 5%!",
        "run remediation__1__b",
    ],
)
def test_ordinary_words_read_in_markdown_as_they_were_written(text):
    html = MarkdownIt("commonmark").render(markdown(text))
    assert html == f"<p>{text}</p>\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("*Approved by the CTO*", "\u2217Approved by the CTO\u2217", id="bold"),
        pytest.param("~no~", "\u223cno\u223c", id="struck out"),
        pytest.param("`code` ```block```", "\u02cbcode\u02cb \u02cb\u02cb\u02cbblock\u02cb\u02cb\u02cb", id="code"),
        pytest.param("say _Approved_ now", "say \uff3fApproved\uff3f now", id="italic"),
        pytest.param("__Approved__", "\uff3f\uff3fApproved\uff3f\uff3f", id="twice"),
        pytest.param("x\n> quoted", "x\n\u203a quoted", id="quote"),
        pytest.param("  > quoted", "  \u203a quoted", id="quote behind blanks"),
        pytest.param(":white_check_mark: ok", "\u2236white_check_mark: ok", id="emoji"),
        pytest.param(":100: :+1:", "\u2236100: \u2236+1:", id="emoji without letters"),
        pytest.param("flag_a@* off", "flag_a@* off", id="a star of its own stays"),
        pytest.param("a_b_c d__e__f 03:00:05 a > b", "a_b_c d__e__f 03:00:05 a > b", id="ids, times and signs stay"),
    ],
)
def test_slacks_signs_are_look_alikes_where_they_would_act(text, shown):
    assert mrkdwn(text) == shown
    assert len(shown) == len(text)
