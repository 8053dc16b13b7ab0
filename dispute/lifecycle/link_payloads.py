"""Payload of events, and those of the links between disputes of one matter."""

from __future__ import annotations

from msgspec import Struct


class Payload(Struct, frozen=True, omit_defaults=True):
    """What an event tells beyond the fields that all events have."""


class Linked(Payload, frozen=True):
    """First dispute of the matter, and why the two are one matter.

    Attributes:
        master_dispute_id: First dispute of the matter.
        score: Points of the match; 0 when a person linked.
        reasons: What the points were given for.
    """

    master_dispute_id: str
    score: int = 0
    reasons: tuple[str, ...] = ()


class Unlinked(Payload, frozen=True):
    """First dispute of the matter that it no longer belongs to."""

    master_dispute_id: str


class Unshared(Payload, frozen=True):
    """Dispute whose outcome it was; it no longer belongs to the matter."""

    shared_from: str


class LinkProposed(Payload, frozen=True):
    """Dispute that may be the same matter, with the reasons."""

    candidate_dispute_id: str
    score: int = 0
    reasons: tuple[str, ...] = ()


class LinkDeclined(Payload, frozen=True):
    """Dispute that a person found to be another matter."""

    candidate_dispute_id: str
