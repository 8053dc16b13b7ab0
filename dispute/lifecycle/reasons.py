"""Closed list of refusal reasons, with texts for people."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from hub.errors import Kind


class Reason(Struct, frozen=True):
    """One reason.

    Attributes:
        kind: `MALFORMED` when the command can never be right, `WRONG_STATE` when the dispute's facts forbid it.
        field: Field of the instruction at fault; empty when no single field is.
        zh: Text for county staff.
        en: The same in English.
    """

    kind: Kind
    field: str
    zh: str
    en: str


_M: Final = Kind.MALFORMED
_W: Final = Kind.WRONG_STATE

REASONS: Final[dict[str, Reason]] = {
    # every command
    "wrong_state": Reason(_W, "", "当前状态不允许该操作", "not allowed in this state"),
    "stale_sequence": Reason(Kind.STALE, "expected_sequence", "案件已有更新，请刷新", "the dispute has moved on"),
    "wrong_dispute": Reason(_M, "dispute_id", "指令与案件编码不符", "command is for another dispute"),
    "naive_time": Reason(_M, "occurred_at", "时间缺少时区", "time has no zone"),
    "time_out_of_range": Reason(_M, "occurred_at", "时间超出范围", "time is out of range"),
    "before_registration": Reason(_M, "occurred_at", "发生时间早于登记时间", "happened before registration"),
    "actor_malformed": Reason(_M, "actor.actor_id", "操作人编码缺失或不合规", "actor id is missing or not a pseudonym"),
    "command_id_missing": Reason(_M, "command_id", "缺少指令编号", "command has no id"),
    "reason_malformed": Reason(_M, "reason_code", "原因代码缺失或不合规", "reason code is missing or malformed"),
    "text_malformed": Reason(_M, "", "代码或文本过长或含不可见字符", "text too long or not printable"),
    "digest_malformed": Reason(_M, "", "摘要应为64位小写十六进制", "digest is not 64 lower-case hex digits"),
    "bad_amount": Reason(_M, "amount_fen", "金额为负或过大", "amount is negative or beyond reason"),
    # registration and screening
    "wrong_dispute_id": Reason(_M, "dispute_id", "一案一码不符", "id is not made of the organ and its reference"),
    "source_ref_missing": Reason(_M, "source_ref", "缺少来源编号", "source reference is missing"),
    "dimensions_premature": Reason(
        _M, "dimensions", "登记时不得带有后续环节的信息", "carries what only a later step may set"
    ),
    "division_mismatch": Reason(_M, "town_code", "区划代码不一致", "division codes do not nest"),
    "regime_mismatch": Reason(
        _M, "dimensions.regime", "诉调须注明规则适用期", "the court channel, and no other, has a regime"
    ),
    "bad_master": Reason(_M, "master_dispute_id", "主案编码无效", "master is not another dispute's id"),
    "relation_unclear": Reason(_W, "relation_clarity", "法律关系不够明确", "legal relation is not fairly clear"),
    "facts_unclear": Reason(_W, "facts_clarity", "事实不够清楚", "facts are not fairly clear"),
    "consent_missing": Reason(_W, "consent_of_all", "未取得各方同意", "not all sides consented"),
    # dispatch and mediation
    "lead_missing": Reason(_M, "lead_department", "须有且只有一个牵头部门", "the one lead department is missing"),
    "lead_among_co": Reason(_M, "co_departments", "牵头部门不得兼为协办", "lead or a co-handler is named twice"),
    "level_missing": Reason(_M, "level", "缺少层级", "level is missing"),
    "level_lower": Reason(_W, "level", "层级不得降低", "level would go down within an opening"),
    "county_decides": Reason(_W, "level", "退回三次须由县级决定", "bounced too often: the county decides"),
    "dispatch_mode_missing": Reason(_M, "dispatch_mode", "须注明转办或交办", "dispatch mode is missing"),
    "sign_by_past": Reason(_M, "sign_by", "签收期限早于分流时间", "sign-off limit is not after the dispatch"),
    "due_date_past": Reason(_M, "due_on", "期限早于当日", "due date has passed already"),
    "due_date_missing": Reason(_M, "due_on", "缺少办理期限", "due date is missing"),
    "signed_late": Reason(_W, "occurred_at", "已超过签收期限", "sign-off limit has passed"),
    "sign_off_runs": Reason(_W, "reason_code", "签收期限未满", "sign-off limit has not passed"),
    "mediator_malformed": Reason(_M, "mediator_id", "调解员编码缺失或不合规", "mediator id is missing or no pseudonym"),
    "mediation_kind_missing": Reason(_M, "mediation_kind", "缺少调解类型", "kind of mediation is missing"),
    "mediator_not_accepted": Reason(
        _W, "parties_accepted_mediator", "当事人未选择或未认可调解员", "parties did not accept the mediator"
    ),
    "conflict_of_interest": Reason(
        _W, "no_conflict_of_interest", "调解员应当回避", "mediator has a conflict of interest"
    ),
    "rights_not_told": Reason(_W, "rights_notice_given", "未告知权利义务", "rights notice was not given"),
    "top_level": Reason(_W, "", "已是县级，不能再升级", "no level above the county"),
    "already_filed": Reason(_W, "reason_code", "立案后鉴定不停止计时", "filed already: appraisal stops no clock"),
    "clock_runs": Reason(_W, "due_on", "计时未停止，期限不变", "clock was not stopped: due date stays"),
    "due_date_inconsistent": Reason(_M, "due_on", "新期限与天数不符", "new due date does not follow from the days"),
    "bad_days": Reason(_M, "days", "延长天数超出规则范围", "an extension has 1 day to as many as its rule gives"),
    "no_extension": Reason(
        _W,
        "",
        "依规不得延长；公安调解见公安行政案件程序规定165、183条",
        "no rule extends this limit; of police mediations see 公安行政案件程序规定 165, 183",
    ),
    "extended_already": Reason(_W, "", "依规只能延长一次", "the rule allows one extension"),
    "no_statutory_limit": Reason(_W, "", "没有法定期限可延长", "no statutory limit to extend"),
    # outcome
    "outcome_form_missing": Reason(_M, "outcome_form", "缺少结案方式", "outcome form is missing"),
    "unsigned": Reason(_W, "signed_by_all", "协议未经各方签署", "not signed by all, nor recorded as oral"),
    "statement_needs_court": Reason(_W, "made_by", "调解书只能由法院出具", "only a court issues a mediation statement"),
    "maker_missing": Reason(_M, "made_by", "缺少调解主体", "under whom it was made is missing"),
    "not_confirmable": Reason(
        _W, "confirmable", "该协议不能申请司法确认", "this agreement is not open to confirmation"
    ),
    "confirm_by_inconsistent": Reason(
        _M, "confirm_by", "司法确认申请期限与协议日不符", "last day to apply does not follow from the agreement"
    ),
    "not_settled_form": Reason(
        _W, "outcome_form", "尚未调解，只能记自行和解", "mediation had not begun: settled forms only"
    ),
    "mediation_not_begun": Reason(
        _W, "reason_code", "尚未调解，不适用该原因", "mediation had not begun: reason cannot hold"
    ),
    "term_not_expired": Reason(_W, "reason_code", "调解期限未届满", "term has not expired"),
    "clock_stopped": Reason(_W, "reason_code", "计时已停止，期限未届满", "clock stands still: the term cannot expire"),
    "not_jointly": Reason(_W, "jointly", "须由双方共同申请", "both sides apply together"),
    "confirmation_late": Reason(_W, "occurred_at", "超过三十日申请期限", "30 days since the agreement have passed"),
    "evidence_missing": Reason(_M, "evidence_sha256", "缺少履行证据", "evidence of performance is missing"),
    "no_agreement": Reason(_W, "", "没有可履行的协议", "no agreement to perform"),
    "performed_already": Reason(_W, "", "已记录履行", "performance was recorded before"),
    "wrong_remedy": Reason(_W, "target", "救济途径与协议不符", "this agreement has another remedy"),
    # exits
    "told_not_in_writing": Reason(_W, "told_in_writing", "未书面告知当事人", "parties were not told in writing"),
    "suit_not_elected": Reason(_W, "party_elected_suit", "当事人未选择诉讼", "no party elected to sue"),
    "wrong_return_target": Reason(_W, "target", "只能退回来源单位或法院", "goes back to its source, or to the court"),
    "packet_missing": Reason(_M, "packet_sha256", "缺少退回材料包", "return packet is missing"),
    "nothing_to_return": Reason(_W, "", "无未决部分且无人选择诉讼", "nothing is open and no party elected to sue"),
    "return_instead": Reason(_W, "target", "来自法院的应退回法院", "came from the court: return it"),
    "sealed_exit_only": Reason(
        _W, "target", "检举控告只能转纪检监察", "whistle-blowing goes to discipline inspection only"
    ),
    "not_for_discipline": Reason(
        _W, "target", "非检举控告不转纪检监察", "only unmediable matters go to discipline inspection"
    ),
    # follow-up, overlays, corrections
    "source_is_owed": Reason(_W, "", "须先退回来源单位", "its source system is owed the return"),
    "visit_missing": Reason(_M, "visit_on", "缺少回访日期", "day of the visit is missing"),
    "visit_past": Reason(_M, "visit_on", "回访日期早于当日", "day of the visit has passed"),
    "reviewer_malformed": Reason(_M, "reviewer_id", "复核人编码缺失或不合规", "reviewer is missing or not a pseudonym"),
    "same_person": Reason(_W, "reviewer_id", "经办人与复核人须为两人", "actor and reviewer are one person"),
    "result_not_reported": Reason(_W, "result_reported", "结果未反馈来源单位", "result was not reported to the source"),
    "not_satisfied": Reason(_W, "satisfied_or_explained", "未满意亦未释明", "neither satisfied nor explained"),
    "relapse_sign": Reason(_W, "relapse_sign", "有反弹迹象", "a sign of relapse was seen"),
    "colour_needs_tracking": Reason(_W, "", "黄色、红色须转跟踪管控", "yellow and red are tracked before closing"),
    "too_few_clean_visits": Reason(_W, "", "连续平稳回访次数不足", "too few clean visits in a row"),
    "colour_not_warning": Reason(_W, "reason_code", "未达黄色或红色", "colour is neither yellow nor red"),
    "never_accepted": Reason(_W, "", "未曾受理，不构成反弹", "was never accepted: register it anew"),
    "colour_lower": Reason(_W, "colour", "反弹后颜色不得降低", "a relapse does not lower the colour"),
    "colour_missing": Reason(_M, "colour", "缺少颜色", "colour is missing"),
    "colour_unchanged": Reason(_W, "colour", "颜色未变化", "colour is the same"),
    "rung_not_higher": Reason(_W, "rung", "督办级别只能逐步升高或解除", "rung only rises, or is lifted"),
    "red_stays_escalated": Reason(_W, "rung", "红色案件须由领导包案", "a red dispute stays with its leader"),
    "not_a_petition": Reason(_W, "", "仅信访事项有此节点", "only petitions have milestones"),
    "milestone_twice": Reason(_W, "milestone", "该节点已完成", "milestone was reached before"),
    "nothing_changed": Reason(_W, "", "没有更正内容", "nothing would change"),
    "bad_satisfaction": Reason(_M, "satisfaction", "满意度代码无效", "no such rating code"),
    "date_provisional": Reason(
        _W,
        "reason_code",
        "期限暂定（缺节假日表），不能据此认定逾期",
        "the limit is provisional: no holiday table",
    ),
    "not_provisional": Reason(_W, "dates", "该期限并非暂定", "no such date is provisional"),
    "rated_already": Reason(_W, "", "已评价", "was rated in this opening"),
}
