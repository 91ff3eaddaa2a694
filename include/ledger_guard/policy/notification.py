"""Policy section for notifications: one shape per kind of channel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ledger_guard.policy.section import Section

#: in Slack's own form; the policy names everyone who may be mentioned
MENTION = r"(<!here>|<!channel>|<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>)"


class SlackChannel(Section):
    """A Slack channel, posted to through the Airflow connection `slack_ledger_ops`."""

    kind: Literal["slack"]
    #: `#name`, or Slack's own id
    channel: str = Field(pattern=r"^[#CG]")

    @property
    def place(self) -> str:
        """Where it is, for people and the audit log."""
        return self.channel


#: a new kind of channel: its section here, as a union told apart by `kind`; its adapter in adapters/notifiers; one line in wiring
ChannelSection = SlackChannel


class Notification(Section):
    """Where notices go, and how much they list."""

    #: the first one keeps each incident in a thread of its own
    channels: tuple[ChannelSection, ...]
    #: at most so many tenants and players in one message
    list_at_most: int = Field(10, ge=1, le=50)
    #: who is mentioned in an urgent Slack message, in Slack's own form; empty: no one
    escalation_mention: str = Field("", pattern=rf"^{MENTION}?$")

    @model_validator(mode="after")
    def _tells_somewhere(self) -> Notification:
        if not self.channels:
            raise ValueError("is empty; allowed: at least one channel")
        return self

    @property
    def places(self) -> str:
        """All channels, for people and the audit log."""
        return ", ".join(channel.place for channel in self.channels)
