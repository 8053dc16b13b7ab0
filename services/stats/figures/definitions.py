"""Definitions of the metrics.

Each has one definition, from which validation, gRPC, the help texts of Prometheus and docs/figures.md come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispute.refusals.interfaces import UNKNOWN_METRIC
from services.stats.facts.measures import CohortCount


@dataclass(frozen=True, slots=True)
class Metric:
    """A rate.

    Sum of its numerator's measures ÷ sum of its denominator's measures.

    Attributes:
        name: Stable code.
        zh: Chinese name.
        en: English name.
        formula_zh: Formula for staff.
        formula_en: Formula in English.
        numerator: Names of measures.
        denominator: Names of measures.
        answered: Base count of denominator disputes that have an outcome; None when all have one by definition.
        date_zh: Which date decides the window, in Chinese.
        date_en: Which date decides the window.
        source: Seed document or clause.
    """

    name: str
    zh: str
    en: str
    formula_zh: str
    formula_en: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    answered: CohortCount | None
    date_zh: str
    date_en: str
    source: str


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="diversion",
        zh="对接分流率",
        en="diversion rate",
        formula_zh="受理调解数 ÷（登记数 + 再次移交数）；退回后再次移交的，按新一轮重新计收、重新计受理",
        formula_en="accepted for mediation ÷ (registered + resubmitted); a returned record that its source hands over "
        "anew is received again, and may be accepted again",
        numerator=("accepted",),
        denominator=("registered", "resubmitted"),
        answered=CohortCount.DECIDED,
        date_zh="分子按移送日，分母按来源系统收到该轮之日；二者同在期内，因此可能超过 100 %",
        date_en="numerator by day of hand-over, denominator by the day on which the source received that round; "
        "may exceed 100 %",
        source="seed 001 (1907/2438 = 78.2 %)",
    ),
    Metric(
        name="success",
        zh="调解成功率（口径A）",
        en="success rate, on accepted",
        formula_zh="首次成功数 ÷（受理调解数 + 反弹数）",
        formula_en="first agreements ÷ (accepted for mediation + reopened)",
        numerator=("agreed",),
        denominator=("accepted", "reopened"),
        answered=CohortCount.CONCLUDED,
        date_zh="分子按达成协议之日，分母按受理或反弹重启之日；未结案件另列，不算失败",
        date_en="numerator by day of agreement, denominator by day of acceptance or relapse; open ones are no failures",
        source="seed 001 (1407/1907 = 73.8 %)",
    ),
    Metric(
        name="success_on_concluded",
        zh="调解成功率（口径B）",
        en="success rate, on concluded",
        formula_zh="以成功办结数 ÷（以成功办结数 + 以失败办结数）",
        formula_en="concluded by agreement ÷ (concluded by agreement + concluded by failure)",
        numerator=("agreed_concluding",),
        denominator=("agreed_concluding", "failed_concluding"),
        answered=None,
        date_zh="均按首次办结之日；撤回另列",
        date_en="both by day of the first conclusion; withdrawals apart",
        source="ours; the Sichuan form counts 成功数/调处数",
    ),
    Metric(
        name="resolution",
        zh="化解率",
        en="resolution rate",
        formula_zh="首次化解数 ÷（受理调解数 + 反弹数）（各渠道合计）",
        formula_en="first agreements ÷ (accepted + reopened), per channel and over all",
        numerator=("agreed",),
        denominator=("accepted", "reopened"),
        answered=CohortCount.CONCLUDED,
        date_zh="分子按达成协议之日，分母按受理或反弹重启之日",
        date_en="numerator by day of agreement, denominator by day of acceptance or relapse",
        source="seed 001 (1955/2503 = 78.1 %)",
    ),
    Metric(
        name="matters",
        zh="事项数",
        en="matters",
        formula_zh="登记数 − 关联数，与登记数对照；同一事项由几个渠道报来的，各渠道登记数各计一件，事项数合计一件，"
        "计在主案的渠道",
        formula_en="registered − linked, beside registered; a matter that several channels report is one record in "
        "each of them and one matter in all, at the channel of its first record",
        numerator=("matters",),
        denominator=("registered",),
        answered=None,
        date_zh="均按来源系统收到该件之日，不论何时关联；解除关联后恢复计数",
        date_en="both by the source's own receipt date of the record, whenever it was linked; unlinking restores it",
        source="design D15",
    ),
)
BY_NAME: Final[dict[str, Metric]] = {metric.name: metric for metric in METRICS}


def metric_named(name: str, *, field: str) -> Metric:
    """Return the definition.

    Raises:
        Rejected: `unknown_metric`, naming `field`.
    """
    metric = BY_NAME.get(name)
    if metric is None:
        raise UNKNOWN_METRIC.error(field=field, known=", ".join(BY_NAME))
    return metric
