"""What the instances serve before a flag is changed: the store is not all that they obey."""

from __future__ import annotations

from dataclasses import replace

from ledger_guard.domain.flags import effective_value
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal


def held_against_instances(deps: Dependencies, proposal: FlagProposal) -> FlagProposal:
    """The proposal, needed or not by what the instances serve where the store alone does not settle it.

    They are asked when the store holds the value already (their own environment may win over it, or they read it at their
    start only; they have the policy's time to come round), and, once, when the store can't tell what they obey. Where the
    policy names none, the store's word stands, and a value that is not known is written.
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
        text += "; the store holds the value already: an instance's own environment wins over it, or it was not restarted"
    return replace(proposal, is_needed=is_needed, text=text)
