"""A person's identity: the user name of the auth manager, the same for requester and approver.

Airflow gives a name for who started a run, and an id and a name for who answered; they are the same text only under one auth
manager. A name that its owner can choose (a full name, an email address) is not an identity.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.runs import GUARD_ITSELF


class UserId(Enum):
    """What an auth manager's user ids are, in words."""

    NAME = "the user name"
    NUMBER = "a number"
    SUBJECT = "a Keycloak user's id"


@dataclass(frozen=True)
class AuthManager:
    """What must be known about an auth manager to distinguish its users by name."""

    name: str
    user_id: UserId
    #: its name for users without a name, possibly several people
    nameless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Login:
    """A logged-in user who answered, as given by Airflow's API server."""

    user_id: str
    user_name: str


#: behind a name that a person gave and no login proved
NOT_PROVED = "stated, not proved"
_STATED = f" ({NOT_PROVED})"
#: the guard's own names in its records
_RESERVED = (GUARD_ITSELF, "nobody", "*")
#: a Keycloak user's own, or one of a user directory behind Keycloak
_SUBJECT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|f:[^:]+:.+", re.IGNORECASE)


def user_name(given: str, manager: AuthManager) -> str:
    """Return the identity of a user with this name.

    Raises:
        SafetyRefusal: it is empty, the guard's own, or could be read as another person's.
    """
    if not _is_plain(given):
        raise SafetyRefusal(
            f"{manager.name} gives an empty name, or blanks or invisible characters ({given[:60]!r}): not identified; "
            "needed: a user name without them, given by an administrator"
        )
    if given.endswith(_STATED):
        raise SafetyRefusal(f"{given[:60]!r} is how the guard writes a name that no login proved; needed: another user name")
    if any(same_person(given, taken) for taken in _RESERVED):
        raise SafetyRefusal(f"{given!r} means the guard itself or no one in its records; needed: another user name")
    if any(same_person(given, nameless) for nameless in manager.nameless):
        raise SafetyRefusal(f"{manager.name} uses {given!r} for users without their own name; needed: a login of one person")
    return given


def name_of_login(login: Login, manager: AuthManager) -> str:
    """Return the identity of the person who answered.

    Raises:
        SafetyRefusal: as `user_name`; or the id is of another form than this auth manager's, so that the name may be anything.
    """
    forms = {
        UserId.NAME: login.user_id == login.user_name,
        UserId.NUMBER: login.user_id.isascii() and login.user_id.isdigit(),
        UserId.SUBJECT: _SUBJECT.fullmatch(login.user_id) is not None,
    }
    if not forms[manager.user_id]:
        raise SafetyRefusal(
            f"the answer is of user id {login.user_id[:60]!r} and name {login.user_name[:60]!r}, and under {manager.name} the id "
            f"is {manager.user_id.value}: not identified; needed: the same auth manager for every Airflow component"
        )
    return user_name(login.user_name, manager)


def same_person(one: str | None, other: str | None) -> bool:
    """Whether two names may be one person's: equal except for case, accents, blanks and invisible characters.

    A directory may treat these as one login while Airflow makes an account of each. Used only to refuse; permissions compare
    exactly.
    """
    return one is not None and other is not None and _key(one) == _key(other)


def stated(name: str) -> str:
    """A name that only its owner's word supports, as it is recorded and shown: `anna (stated, not proved)`.

    No login has such a name, so nothing that asks for a permission believes it. Empty stays empty.
    """
    given = " ".join(name.split())
    return given if not given or given.endswith(_STATED) else f"{given}{_STATED}"


def is_visible(name: str) -> bool:
    """Whether anything of a name can be seen: not empty, and more than blanks and invisible characters."""
    return any(sign.isprintable() and not sign.isspace() for sign in name)


def bare(name: str | None) -> str | None:
    """The name without the words that it was only stated. Used only to refuse."""
    return name if name is None else name.removesuffix(_STATED)


def others_than(names: Sequence[str], *people: str) -> list[str]:
    """Return the names that are none of these people's, each once."""
    return [name for name in dict.fromkeys(names) if not any(same_person(name, person) for person in people)]


def _is_plain(name: str) -> bool:
    return bool(name) and name == " ".join(name.split()) and name.isprintable()


def _key(name: str) -> str:
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(sign for sign in apart if unicodedata.category(sign)[0] not in "CMZ")
