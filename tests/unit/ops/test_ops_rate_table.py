"""The table of figures has a column for each that was asked for, and no other."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ops.run.rates import FIGURES, METRICS, RateRow
from ops.run.tables import METRIC_NAMES, SHORT_NAMES, rates_table


def shown(metrics: tuple[str, ...], *, low: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200)
    rows = [RateRow("all", metric, 1, 3, "33.3") for metric in metrics]
    with console.capture() as captured:
        console.print(rates_table(rows, "比率 rates", low=low))
    return captured.get()


@pytest.mark.parametrize("low", [False, True])
def test_matters_stand_beside_the_rates_only_when_they_were_asked_for(*, low: bool) -> None:
    heading = SHORT_NAMES["matters"] if low else METRIC_NAMES["matters"].partition("\n")[0]
    assert heading not in shown(METRICS, low=low)
    assert heading in shown(FIGURES, low=low)
    assert shown(FIGURES, low=low).count("1/3") == len(FIGURES)


def test_an_empty_table_has_the_rates_headings() -> None:
    assert METRIC_NAMES["diversion"].partition("\n")[0] in shown(())
