"""Writes the page of definitions, docs/figures.md.

It is generated from the declarations, never written by hand.
"""

from __future__ import annotations

from typing import Final

from services.stats.facts.measures import MEASURES, FactFilter, Measure
from services.stats.figures.definitions import METRICS

_ONLY: Final = {
    FactFilter.ALL: "",
    FactFilter.FIRST: "（每次受理后的第一次 the first of an opening）",
    FactFilter.CONCLUDING: "（每次受理后的首次办结 the first conclusion of an opening）",
}

_HEAD: Final = """\
# 指标口径 What the figures mean

本页由 `figures/definitions.py` 和 `facts/measures.py` 生成（`python -m services.stats figures`），测试核对。
This page is made of `figures/definitions.py` and `facts/measures.py` (`python -m services.stats figures`); a test
compares it.

- 一切比率只由整数相除得出；显示一位小数，四舍五入；分母为 0 时为空，不是 0 也不是 100。
  Every rate is one integer over another, shown half-up to one decimal; nothing, not 0 or 100, on denominator 0.
- 时间窗按上海时区的业务日，含首日、不含末日，任意一端可以不限。
  Windows are business days in Asia/Shanghai, first day included, last one not, either end may be open.
- `all` 是全部渠道之和，不只是法院、公安、信访三家。
  `all` sums every channel, not only court, police and petition.
- 关联不减少登记数：各机关的来件在本渠道和 `all` 各计一件，事项数另计（`matters`）。
  Linking takes nothing away: each agency's record counts once in its channel and in `all`; matters are a figure of
  their own (`matters`).
- 旧版本并案的重复登记（`duplicate_linked`）不计入登记数。
  A duplicate that an earlier release merged (`duplicate_linked`) is not counted as registered.
- 更正要素后，原事实按原日期改记到新的要素下；撤销的事实从其原日期减去。
  A correction moves a fact to its new dimensions under its old day; a fact that is taken back leaves its old day.
- 每个数字都能列出其案件（`ListCounted`），合计与该数字相等。
  Every number opens to its disputes (`ListCounted`), whose sum it is.

"""


def figures_page() -> str:
    """Return docs/figures.md."""
    lines = ["## 指标 Metrics", ""]
    for metric in METRICS:
        open_ones = (
            "无 none: concluded by definition" if metric.answered is None else "分母中尚无结果的 without outcome yet"
        )
        lines += [
            f"### `{metric.name}` {metric.zh} {metric.en}",
            "",
            f"- 公式 formula: {metric.formula_zh} — {metric.formula_en}",
            f"- 分子 numerator: {_names(metric.numerator)}",
            f"- 分母 denominator: {_names(metric.denominator)}",
            f"- 日期 date: {metric.date_zh} — {metric.date_en}",
            f"- 未结 open: {open_ones}",
            f"- 依据 source: {metric.source}",
            "",
        ]
    lines += [
        "## 基数 Measures",
        "",
        "Prometheus: `hub_stats_disputes{county, channel, measure}`; `measure` 取值如下 is one of these.",
        "",
        "| measure | 名称 Name | 计入的事实 Facts counted |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{measure.name}` | {measure.zh}<br>{measure.en} | {_facts(measure)}{_ONLY[measure.only]} |"
        for measure in MEASURES
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _facts(measure: Measure) -> str:
    added = f"`{measure.fact.name.lower()}`"
    return added if measure.less is None else f"{added} − `{measure.less.name.lower()}`"


def _names(measures: tuple[str, ...]) -> str:
    return " + ".join(f"`{name}`" for name in measures)
