"""Policy section that says how to see whether a flag change took effect: ask every instance, then try it out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ledger_guard.policy.platform import Section
from ledger_guard.policy.words import HttpUrl, VariableName


class InstanceProbe(Section):
    """Each instance of the platform is asked which value it serves."""

    #: one address an instance, every one of them
    urls: tuple[HttpUrl, ...] = Field(min_length=1)
    #: where the value stands in the JSON answer: keys parted by dots. It has to be true or false there
    value_at: str = Field(min_length=1)
    #: query parameter that names the tenant; None: the address answers for everybody
    tenant_parameter: str | None = None
    #: names the variable that holds a bearer token; None: no token is sent
    token_env: VariableName | None = None
    timeout_seconds: float = Field(3, gt=0, le=60)
    #: how long all of them have, from the write on, to serve the new value
    wait_seconds: float = Field(120, ge=0, le=1800)
    look_again_seconds: float = Field(2, gt=0, le=60)


class WebhookCanary(Section):
    """Two webhooks to a test endpoint, one rightly and one wrongly signed."""

    kind: Literal["webhook"]
    url: HttpUrl
    #: names the variable that holds the signing secret
    secret_env: VariableName
    #: header that carries the HMAC-SHA256 of the body, in hex, behind `signature_prefix`
    signature_header: str = Field("X-Signature", pattern=r"^[A-Za-z0-9-]+$")
    signature_prefix: str = ""
    refused_status: int = Field(401, ge=400, le=499)
    timeout_seconds: float = Field(5, gt=0, le=60)


class WithdrawalCanary(Section):
    """A withdrawal of a player kept for this, whose wallet is empty: enforcement refuses it, no enforcement allows it."""

    kind: Literal["withdrawal"]
    url: HttpUrl
    tenant_id: str = Field(min_length=1)
    player_id: str = Field(min_length=1)
    amount_cents: int = Field(1, ge=1, le=10_000)
    #: names the variable that holds the player's bearer token; None: no token is sent
    token_env: VariableName | None = None
    refused_status: int = Field(400, ge=400, le=499)
    #: must stand in the body of a refusal
    refused_code: str = Field("INSUFFICIENT_FUNDS", min_length=1)
    timeout_seconds: float = Field(5, gt=0, le=60)


Canary = Annotated[WebhookCanary | WithdrawalCanary, Field(discriminator="kind")]


class Probe(Section):
    """How one flag's effect is seen. A change counts as confirmed only with both; what is left out is said."""

    instances: InstanceProbe | None = None
    canary: Canary | None = None
