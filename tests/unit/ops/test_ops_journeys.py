"""What people do with a record stays inside its window, in order, and is accepted by the machine of disputes."""

from __future__ import annotations

from datetime import timedelta

from ops.play.demo import _next_round, write_out
from ops.play.scenarios.journeys import LONGEST_TERM, Journey, Step
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.vocabulary import Fate
from tests.support.scenarios import tiny


def test_steps_are_in_order_and_inside_the_window(shandan: Scenario) -> None:
    script = write_out(shandan)
    for record in script.records:
        steps = script.journeys[record.number].steps
        times = [record.arrives_at, *(step.at for step in steps), shandan.window.closes_at]
        assert times == sorted(times), record.number
        assert [step.order for step in steps] == list(range(1, len(steps) + 1))


def test_command_ids_are_unique_and_the_same_in_every_run(shandan: Scenario) -> None:
    one, two = ([s.command_id for way in write_out(shandan).journeys.values() for s in way.steps] for _ in range(2))
    assert one == two
    assert len(set(one)) == len(one)


def test_nobody_acts_on_a_refused_record() -> None:
    script = write_out(tiny())
    declined = [record for record in script.records if not record.acceptable]
    assert len(declined) == 4
    for record in declined:
        assert script.journeys[record.number] == Journey(())


def test_an_expiring_record_is_left_alone_until_the_clock_rang_after_its_term(
    shandan: Scenario, small: Scenario
) -> None:
    for scenario in (shandan, small):
        script = write_out(scenario)
        for record in script.records:
            if record.acceptable and record.ending.fate is Fate.EXPIRED:
                steps = {step.action: step.at for step in script.journeys[record.number].steps}
                assert set(steps) <= {"dispatch", "sign", "begin_mediation", "return_to_source"}
                over = steps["sign"] + LONGEST_TERM
                assert over < scenario.window.closes_at
                if "return_to_source" in steps:
                    rung = next(tick for tick in script.ticks if tick >= over)
                    assert steps["return_to_source"] >= rung


def test_an_open_record_can_not_run_out_in_its_window(shandan: Scenario) -> None:
    script = write_out(shandan)
    for record in script.records:
        if record.acceptable and record.ending.fate is Fate.OPEN:
            for step in script.journeys[record.number].steps:
                if step.action == "sign":
                    assert step.at + timedelta(days=30) > shandan.window.closes_at


def test_what_follows_a_ruling_waits_for_it() -> None:
    def step(number: int, order: int, action: str) -> Step:
        at = tiny().window.opens_at
        return Step(number, order, at, action, "clerk", (), f"{number}-{order}")

    waiting = {
        1: [step(1, 1, "agree"), step(1, 2, "ruling"), step(1, 3, "close")],
        2: [step(2, 1, "dispatch")],
    }
    commands, rulings = _next_round(waiting)
    assert [found.command_id for found in commands] == ["1-1", "2-1"]
    assert [found.command_id for found in rulings] == ["1-2"]
    commands, rulings = _next_round(waiting)
    assert [found.command_id for found in commands] == ["1-3"]
    assert rulings == []
    assert waiting == {}
