"""What known records mean for a new one: one link, proposals, repeated reports."""

from __future__ import annotations

from dispute.lifecycle import Channel, Link, ProposeLink
from services.intake.law.candidates import Candidate, earlier_reports, earlier_violence, links_of
from services.intake.law.matching import Match, MatchVerdict

SURE, LIKELY, NONE = MatchVerdict.SURE, MatchVerdict.LIKELY, MatchVerdict.NONE
SAME = ("same_parties+50",)


def known(
    name: str,
    verdict: MatchVerdict,
    score: int = 80,
    *,
    matter: str = "",
    channel: Channel = Channel.HOTLINE,
    reasons: tuple[str, ...] = SAME,
    circumstances: frozenset[str] = frozenset(),
) -> Candidate:
    match = Match(score, reasons, verdict)
    return Candidate(name, matter or name, channel, f"{channel}-620725", match, circumstances)


def links(*candidates: Candidate, channel: Channel = Channel.COURT) -> tuple[Link | ProposeLink, ...]:
    return links_of(candidates, channel, f"{channel}-620725")


def test_a_stranger_gets_neither_link_nor_proposal() -> None:
    assert links() == ()
    assert links(known("a", NONE, 20)) == ()


def test_a_sure_match_leads_to_the_first_dispute_of_its_matter() -> None:
    assert links(known("b", SURE, 85, matter="a"), known("a", LIKELY, 60)) == (Link("a", 85, SAME),)
    assert links(known("b", SURE, 85, matter="a"), known("a", SURE, 90)) == (Link("a", 90, SAME),)


def test_the_best_three_likely_matters_are_proposed() -> None:
    found = links(*(known(name, LIKELY, score) for name, score in (("a", 55), ("b", 70), ("c", 60), ("d", 65))))
    assert [(each.candidate_dispute_id, each.score) for each in found if isinstance(each, ProposeLink)] == [
        ("b", 70),
        ("d", 65),
        ("c", 60),
    ]


def test_two_members_of_one_matter_make_one_proposal() -> None:
    assert links(known("b", LIKELY, 60, matter="a"), known("c", LIKELY, 70, matter="a")) == (
        ProposeLink("a", 70, SAME),
    )


def test_several_sure_matters_are_proposed() -> None:
    found = links(known("a", SURE, 90), known("b", SURE, 85), known("c", LIKELY, 60))
    assert found == (ProposeLink("a", 90, SAME), ProposeLink("b", 85, SAME), ProposeLink("c", 60, SAME))


def test_a_suit_of_the_same_court_is_only_proposed() -> None:
    suit = known("a", SURE, 90, channel=Channel.COURT)
    assert links(suit) == (ProposeLink("a", 90, SAME),)
    assert links(suit, channel=Channel.POLICE) == (Link("a", 90, SAME),)


def test_the_matter_of_a_suit_of_the_same_court_is_only_proposed() -> None:
    call, suit = known("a", SURE, 90), known("b", LIKELY, 60, matter="a", channel=Channel.COURT)
    assert links(call, suit) == (ProposeLink("a", 90, SAME),)


def test_a_suit_of_another_court_is_linked() -> None:
    other = Candidate("a", "a", Channel.COURT, "court-620702", Match(90, SAME, SURE))
    assert links(other) == (Link("a", 90, SAME),)


def test_every_record_of_the_same_people_is_a_report_whatever_it_was_about() -> None:
    other = known("b", NONE, 25, reasons=("same_parties+50", "other_category-30"))
    stranger = known("c", LIKELY, reasons=("some_parties+25",))
    old = known("d", NONE, reasons=("same_parties+50", "outside_window+0"))
    found = earlier_reports([known("a", SURE), other, stranger, old])
    assert [each.dispute_id for each in found] == ["a", "b"]


def test_only_reports_of_violence_at_home_are_counted_as_such() -> None:
    violent = frozenset({"domestic_violence"})
    records = [known("a", LIKELY, circumstances=violent), known("b", LIKELY), known("c", SURE, circumstances=violent)]
    assert earlier_violence(records) == 2
