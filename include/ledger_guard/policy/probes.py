"""Policy section for checking the effect of a flag change: ask every instance, then send a canary."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, field_validator

from ledger_guard.policy.request_template import gaps
from ledger_guard.policy.section import Section
from ledger_guard.policy.words import HttpUrl, VariableName

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
#: set from other fields: a token never stands in a policy, and the body's form is JSON
_OWN_HEADERS = ("authorization", "content-type", "content-length", "host")

_WEBHOOK_BODY: dict[str, JsonValue] = {"event": "canary", "id": "{canary_id}"}
_WITHDRAWAL_BODY: dict[str, JsonValue] = {"tenant_id": "{tenant_id}", "player_id": "{player_id}", "amount": "{amount}"}


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("is not a header name; allowed: letters, digits and '-'")
    if name.lower() in _OWN_HEADERS:
        raise ValueError(f"{name} is set by the guard; allowed: any other header, and token_env for a bearer token")
    return name


def _header_value(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("is not a header's value; allowed: printable ASCII characters")
    return value


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]


class InstanceProbe(Section):
    """Each instance of the platform is asked which value it serves."""

    #: one address per instance, all of them
    urls: tuple[HttpUrl, ...] = Field(min_length=1)
    #: where the value stands in the JSON answer: keys parted by dots. It has to be true or false there
    value_at: str = Field(min_length=1)
    #: query parameter that names the tenant; None: the address answers for everyone
    tenant_parameter: str | None = None
    #: names the variable that holds a bearer token; None: no token is sent
    token_env: VariableName | None = None
    timeout_seconds: float = Field(3, gt=0, le=60)
    #: how long all of them have, from the write on, to serve the new value
    wait_seconds: float = Field(120, ge=0, le=1800)
    look_again_seconds: float = Field(2, gt=0, le=60)


class SignatureScheme(str, Enum):
    """How a webhook's signature is made; in hex either way."""

    #: HMAC-SHA256 of the body's bytes, keyed with the secret
    HMAC_SHA256_BODY = "hmac_sha256_body"
    #: SHA-256 of the secret's text followed by the body's JSON with sorted keys, no blanks, and non-ASCII escaped
    SHA256_SORTED_JSON = "sha256_secret_sorted_json"


class CanaryRequest(Section):
    """A request in the platform's form. Texts may have gaps, filled for each request."""

    #: what gaps may be called
    gap_names: ClassVar[tuple[str, ...]] = ("canary_id",)

    url: HttpUrl
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    #: beside content type, signature and bearer token
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    #: names the variable that holds a bearer token; None: no token is sent
    token_env: VariableName | None = None
    timeout_seconds: float = Field(5, gt=0, le=60)

    @field_validator("headers", "body", check_fields=False)
    @classmethod
    def _gaps_are_known(cls, template: dict[str, JsonValue]) -> dict[str, JsonValue]:
        unknown = sorted(set(gaps(template)) - set(cls.gap_names))
        if unknown:
            allowed = ", ".join(f"{{{name}}}" for name in cls.gap_names)
            raise ValueError(f"{{{unknown[0]}}} is an unknown gap; allowed: {allowed}")
        try:
            json.dumps(template, allow_nan=False)
        except ValueError as error:
            raise ValueError("has a number that JSON does not allow; allowed: finite numbers") from error
        return template


class WebhookCanary(CanaryRequest):
    """Two webhooks that book nothing, one correctly and one wrongly signed."""

    kind: Literal["webhook"]
    body: dict[str, JsonValue] = Field(_WEBHOOK_BODY)
    #: names the signing secret, in the dotenv file of `secrets` or else among the guard's variables
    secret_env: VariableName
    signature_scheme: SignatureScheme = SignatureScheme.HMAC_SHA256_BODY
    #: header that carries the signature, behind `signature_prefix`
    signature_header: str = Field("X-Signature", pattern=r"^[A-Za-z0-9-]+$")
    signature_prefix: str = ""
    refused_status: int = Field(401, ge=400, le=499)
    #: must stand in the body of a refusal; None: only the status counts
    refused_code: str | None = Field(None, min_length=1)


class WithdrawalCanary(CanaryRequest):
    """A withdrawal of a canary player with an empty wallet: refused with enforcement, allowed without."""

    gap_names: ClassVar[tuple[str, ...]] = ("canary_id", "tenant_id", "player_id", "amount")

    kind: Literal["withdrawal"]
    tenant_id: str = Field(min_length=1)
    player_id: str = Field(min_length=1)
    amount_cents: int = Field(1, ge=1, le=10_000)
    #: `{amount}` alone is a number, in whole units of the currency
    body: dict[str, JsonValue] = Field(_WITHDRAWAL_BODY)
    refused_status: int = Field(400, ge=400, le=499)
    #: must stand in the body of a refusal
    refused_code: str = Field("INSUFFICIENT_FUNDS", min_length=1)


Canary = Annotated[WebhookCanary | WithdrawalCanary, Field(discriminator="kind")]


class Probe(Section):
    """How one flag's effect is checked. A change is confirmed only with both; the finding names what is missing."""

    instances: InstanceProbe | None = None
    canary: Canary | None = None
