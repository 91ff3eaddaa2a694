"""Errors of the command line in one line: what is wrong and what is allowed."""

from __future__ import annotations

import click

#: longer messages are cut in the middle: the problem is at the beginning, what is allowed at the end
LONGEST_LINE = 600


def one_line(text: str) -> str:
    """`text` on one line, without control characters, cut in the middle when it is long."""
    flat = " ".join(text.split())
    flat = "".join(character if character.isprintable() else "?" for character in flat)
    if len(flat) <= LONGEST_LINE:
        return flat
    half = (LONGEST_LINE - 3) // 2
    return f"{flat[:half]} … {flat[-half:]}"


def usage_sentence(error: click.UsageError) -> str:
    """What was wrong in the command, and what is allowed."""
    said = error.message.rstrip(".") if isinstance(error, click.NoSuchOption | click.exceptions.NoSuchCommand) else ""
    said = said or error.format_message().rstrip(".")
    return f"{_where(error.ctx)}{_lowered(said)}; allowed: {_allowed(error)}"


def _where(ctx: click.Context | None) -> str:
    """The command's name as typed, below the program's."""
    names = []
    while ctx is not None and ctx.parent is not None:
        names.append(ctx.info_name or "")
        ctx = ctx.parent
    return f"{' '.join(reversed(names))}: " if names else ""


def _allowed(error: click.UsageError) -> str:
    ctx = error.ctx
    if ctx is None:
        return "what --help shows"
    if isinstance(error, click.BadParameter) and error.param is not None and not isinstance(error, click.MissingParameter):
        kind = error.param.type
        if isinstance(kind, click.Choice):
            return ", ".join(str(choice) for choice in kind.choices)
    if isinstance(ctx.command, click.Group) and not isinstance(error, click.NoSuchOption):
        return ", ".join(ctx.command.list_commands(ctx))
    options = [option for parameter in ctx.command.get_params(ctx) for option in parameter.opts if option.startswith("--")]
    return f"{' '.join(piece for piece in ctx.command.collect_usage_pieces(ctx))} with {', '.join(options)}"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
