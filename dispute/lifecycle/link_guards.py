"""Guards of links between disputes of one matter; each returns its reason code, or None."""

from __future__ import annotations

from dispute.lifecycle.commands import DeclineLink, Link, Unlink
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.identity import is_dispute_id
from dispute.lifecycle.own_commands import ProposeLink
from dispute.lifecycle.situation import Situation, is_code
from dispute.refusals import commands as refusals
from hub.errors import Code


def master_is_another(at: Situation, order: Link) -> Code | None:
    """The master is the id of another dispute."""
    own = order.master_dispute_id == at.command.dispute_id
    return refusals.BAD_MASTER if own or not is_dispute_id(order.master_dispute_id) else None


def not_linked_yet(at: Situation, _: Link) -> Code | None:
    """A dispute belongs to one matter; another one takes an unlinking first."""
    return refusals.LINKED_ALREADY if at.known.master_dispute_id else None


def is_registered(at: Situation, _: Link) -> Code | None:
    """What was found to be no matter for docking is not counted, so a link has nothing to count it with."""
    known = any(fact.type is EventKind.REGISTERED for fact in at.known.counted)
    return None if known else refusals.WRONG_STATE


def is_linked(at: Situation, order: Unlink) -> Code | None:
    """There is a link to undo, with a reason."""
    if not is_code(order.reason_code):
        return refusals.REASON_MALFORMED
    return None if at.known.master_dispute_id else refusals.NOT_LINKED


def not_proposed_yet(at: Situation, order: ProposeLink) -> Code | None:
    """The same link is proposed to a person once."""
    return refusals.PROPOSED_ALREADY if order.candidate_dispute_id in at.known.proposed_links else None


def is_proposed(at: Situation, order: DeclineLink) -> Code | None:
    """The link was proposed and nobody decided it yet."""
    return None if order.candidate_dispute_id in at.known.proposed_links else refusals.NOT_PROPOSED
