"""Faults in the format of a webhook secret, as people make them when they set one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_STRIPE_API_KEY = re.compile(r"(?:sk|pk|rk)_(?:test|live)_")
#: placeholder words; a value of only these and the policy's placeholders is not a secret
_FILLERS = (
    *("your", "my", "the", "here", "this", "me", "replace", "with", "insert", "example", "placeholder", "todo"),
    *("webhook", "signing", "secret", "key"),
)
_BETWEEN = r"[\s._-]+"


def is_placeholder(value: str, placeholders: Sequence[str]) -> bool:
    """Whether it is one of the platform's own placeholders, or made of nothing but such words, or stands within `<…>`."""
    bare = value.strip().lower()
    word = "|".join(re.escape(each.lower()) for each in (*placeholders, *_FILLERS))
    return re.fullmatch(r"<[^<>]*>", bare) is not None or re.fullmatch(rf"(?:{word})(?:{_BETWEEN}(?:{word}))*", bare) is not None


def form_problems(provider: str, value: str, placeholders: Sequence[str], minimum_characters: int) -> list[str]:
    """Sentences about a value's form, each to follow the secret's name; none holds anything of the value."""
    bare = value.strip()
    if not bare:
        return ["is empty: the platform refuses to start with an empty value"]
    problems = []
    if value != bare:
        problems.append("has spaces around it: the platform refuses to start with a padded value")
    if bare.lower() in {placeholder.lower() for placeholder in placeholders}:
        problems.append("is a placeholder that ships with the platform")
    elif is_placeholder(bare, placeholders):
        problems.append("is a placeholder: it was never replaced by a secret")
    elif len(bare) < minimum_characters:
        problems.append(f"is shorter than {minimum_characters} characters")
    return problems if is_placeholder(bare, placeholders) else [*problems, *_faults_within(provider, bare)]


def _faults_within(provider: str, bare: str) -> Iterator[str]:
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        yield "has its own quotes: it was quoted twice, and the inner quotes count as part of it"
    if any(character.isspace() for character in bare):
        yield "contains a blank: copied with other text, or broken over two lines"
    unseen = sorted({f"U+{ord(each):04X}" for each in bare if unicodedata.category(each) in ("Cf", "Cc") and not each.isspace()})
    if unseen:
        yield f"has invisible characters ({', '.join(unseen)}), copied with it: type it again"
    if provider == "stripe" and _STRIPE_API_KEY.match(bare):
        yield "is a Stripe API key, not a webhook secret, which begins with whsec_: take the one of the endpoint"
    if provider == "adyen" and not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", bare):
        yield "is not a hexadecimal key, as Adyen's HMAC keys are: most likely the API key, or a part of the key"
