"""What the instances serve before a flag is changed: they may not follow the store."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.flags import effective_value
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal


def held_against_instances(deps: Dependencies, proposal: FlagProposal) -> FlagProposal:
    """The proposal, with `is_needed` decided by the instances where the store alone can't decide it.

    They are asked when the store already has the value (their own environment may override it, or they read it only at start;
    they get the policy's time to follow), and once when the store does not know their value. Where the policy names no
    instances, the store decides, and an unknown value is written.
    """
    if deps.probes is None:
        return proposal
    is_open = effective_value(proposal.seen, proposal.tenant_id) is None and len(proposal.to_write) == 1
    if proposal.is_needed and not is_open:
        return proposal
    found = deps.probes.instances(proposal.flag, proposal.tenant_id, proposal.target, once=is_open)
    if not found:
        return proposal
    is_needed = not all(finding.is_in_effect for finding in found)
    text = "; ".join([proposal.text, *(finding.words for finding in found)])
    if is_needed and not proposal.to_write:
        text += "; the store has the value already: an instance's own environment overrides it, or it was not restarted"
    return replace(proposal, is_needed=is_needed, text=text)
