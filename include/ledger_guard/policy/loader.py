"""The only reader of the policy file: from a path to a checked Policy that decides every case exactly once."""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from ledger_guard.domain.errors import PolicyError
from ledger_guard.policy import yaml_text
from ledger_guard.policy.checks import contradictions
from ledger_guard.policy.problems import problem_lines
from ledger_guard.policy.schema import Policy
from ledger_guard.signals.policy_checks import signal_problems

#: names the policy file when none is given
POLICY_VARIABLE = "LEDGER_GUARD_POLICY"
_SHIPPED = Path(__file__).resolve().parents[2] / "policies" / "ledger_rollout.yaml"


def policy_path(path: str | Path | None = None) -> Path:
    """Which file is the policy: `path`, else what LEDGER_GUARD_POLICY names, else the shipped one."""
    return Path(path or os.environ.get(POLICY_VARIABLE) or _SHIPPED)


def load_policy(path: str | Path | None = None) -> Policy:
    """Read, validate and cross-check the policy.

    Raises:
        PolicyError: with all problems, one line each, as `file:path.to.key: problem; allowed: …`. Correct the file.
    """
    file = policy_path(path)
    allowed = "a readable YAML file with a policy"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PolicyError([f"{file}: file not found; allowed: {allowed}"]) from error
    except UnicodeDecodeError as error:
        raise PolicyError([f"{file}: is not UTF-8 text (byte {error.start}); allowed: {allowed}"]) from error
    except OSError as error:
        raise PolicyError([f"{file}: can't be read ({error.strerror}); allowed: {allowed}"]) from error
    return parse_policy(text, str(file))


@lru_cache(maxsize=2)
def parse_policy(text: str, name: str) -> Policy:
    """As `load_policy`, from text; `name` stands for the file in messages.

    A policy is a value: the same text gives the same one again. A DAG file and its task read it in one process.
    """
    document, problems = yaml_text.parse(text)
    if not problems and "content_hash" in document:
        problems = ["content_hash: is computed from the content; allowed: leave it out"]
    if problems:
        raise PolicyError([f"{name}:{problem}" for problem in problems])
    try:
        # strict JSON: a text is never taken for a number, nor a number for a truth value
        policy = Policy.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise PolicyError([f"{name}:{line}" for line in problem_lines(error, Policy)]) from error
    found = [*contradictions(policy), *signal_problems(policy)]
    if found:
        raise PolicyError([f"{name}:{place}: {problem}" for place, problem in found])
    return policy.model_copy(update={"content_hash": content_hash(policy)})


def content_hash(policy: Policy) -> str:
    """SHA-256 over the policy's content: comments, order of keys and explicit defaults don't change it."""
    content = policy.model_dump(mode="json", exclude={"content_hash"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
