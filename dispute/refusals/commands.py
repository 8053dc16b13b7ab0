"""Reasons of refused commands."""

from __future__ import annotations

from typing import Final

from hub.errors import Code, Kind

_M: Final = Kind.MALFORMED
_W: Final = Kind.WRONG_STATE

# every command
WRONG_STATE: Final = Code("wrong_state", _W, "当前状态不允许该操作", "not allowed in this state")
STALE_SEQUENCE: Final = Code(
    "stale_sequence", Kind.STALE, "案件已有更新，请刷新", "the dispute has moved on", "expected_sequence"
)
WRONG_DISPUTE: Final = Code("wrong_dispute", _M, "指令与案件编码不符", "command is for another dispute", "dispute_id")
NAIVE_TIME: Final = Code("naive_time", _M, "时间缺少时区", "time has no zone")
TIME_OUT_OF_RANGE: Final = Code("time_out_of_range", _M, "时间超出范围", "time is out of range")
BEFORE_REGISTRATION: Final = Code(
    "before_registration", _M, "发生时间早于登记时间", "happened before registration", "occurred_at"
)
ACTOR_MALFORMED: Final = Code(
    "actor_malformed", _M, "操作人编码缺失或不合规", "actor id is missing or not a pseudonym", "actor.actor_id"
)
COMMAND_ID_MISSING: Final = Code("command_id_missing", _M, "缺少指令编号", "command has no id", "command_id")
REASON_MALFORMED: Final = Code(
    "reason_malformed", _M, "原因代码缺失或不合规", "reason code is missing or malformed", "reason_code"
)
TEXT_MALFORMED: Final = Code("text_malformed", _M, "代码或文本过长或含不可见字符", "text too long or not printable")
DIGEST_MALFORMED: Final = Code(
    "digest_malformed",
    _M,
    "摘要应为32字节，文本写作64位小写十六进制",
    "a digest has 32 bytes, written as 64 lower-case hex digits",
)
BAD_AMOUNT: Final = Code("bad_amount", _M, "金额为负或过大", "amount is negative or beyond reason", "amount_fen")

# registration and screening
WRONG_DISPUTE_ID: Final = Code(
    "wrong_dispute_id", _M, "一案一码不符", "id is not made of the organ and its reference", "dispute_id"
)
SOURCE_REF_MISSING: Final = Code("source_ref_missing", _M, "缺少来源编号", "source reference is missing", "source_ref")
DIMENSIONS_PREMATURE: Final = Code(
    "dimensions_premature", _M, "登记时不得带有后续环节的信息", "carries what only a later step may set", "dimensions"
)
DIVISION_MISMATCH: Final = Code("division_mismatch", _M, "区划代码不一致", "division codes do not nest", "town_code")
REGIME_MISMATCH: Final = Code(
    "regime_mismatch", _M, "诉调须注明规则适用期", "the court channel, and no other, has a regime", "dimensions.regime"
)
LINKED_ALREADY: Final = Code("linked_already", _W, "已关联其他案件，须先解除", "linked already: unlink it first")
NOT_LINKED: Final = Code("not_linked", _W, "未关联任何案件", "not linked to a dispute")
NOT_PROPOSED: Final = Code(
    "not_proposed", _W, "没有建议关联该案件", "no link to this dispute was proposed", "candidate_dispute_id"
)
PROPOSED_ALREADY: Final = Code(
    "proposed_already", _W, "已建议关联该案件", "a link to this dispute was proposed before", "candidate_dispute_id"
)
NOTHING_MISSING: Final = Code("nothing_missing", _M, "未列明缺少的内容", "nothing is named as missing", "missing")
ROUND_NOT_NEXT: Final = Code(
    "round_not_next", _W, "轮次须为上一轮加一", "the round is not the next one of this dispute", "round"
)
ROUND_NOT_OVER: Final = Code(
    "round_not_over", _W, "上一轮尚无最终结果，不得再次移交", "the round before has no final result yet", "round"
)
PAPER_TOO_LATE: Final = Code(
    "paper_too_late", _W, "补录超过允许期限，须由人员更正", "the paper came later than the rules allow", "occurred_at"
)
BARRED_BY_RULE: Final = Code("barred_by_rule", _W, "规则不允许", "a rule of the county or the law forbids it")
CONFIRMATION_BARRED: Final = Code(
    "confirmation_barred",
    _W,
    "依法不得申请司法确认",
    "the law bars judicial confirmation of such an agreement",
    "confirmable",
)
NO_SECOND_ATTEMPT: Final = Code("no_second_attempt", _W, "不得再次调解", "no further attempt is allowed")
SECOND_ATTEMPT_LATE: Final = Code(
    "second_attempt_late", _W, "再次调解超过期限", "the time for a further attempt is over"
)
MILESTONE_ORDER: Final = Code(
    "milestone_order", _W, "信访节点次序不符", "the milestones are in an impossible order", "milestone"
)
BAD_MASTER: Final = Code("bad_master", _M, "主案编码无效", "master is not another dispute's id", "master_dispute_id")
RELATION_UNCLEAR: Final = Code(
    "relation_unclear",
    _W,
    "法律关系不够明确",
    "legal relation is not fairly clear",
    "relation_clarity",
    clause="001-19",
)
FACTS_UNCLEAR: Final = Code(
    "facts_unclear", _W, "事实不够清楚", "facts are not fairly clear", "facts_clarity", clause="001-19"
)
CONSENT_MISSING: Final = Code("consent_missing", _W, "未取得各方同意", "not all sides consented", "consent_of_all")

# dispatch and mediation
LEAD_MISSING: Final = Code(
    "lead_missing", _M, "须有且只有一个牵头部门", "the one lead department is missing", "lead_department"
)
LEAD_AMONG_CO: Final = Code(
    "lead_among_co", _M, "牵头部门不得兼为协办", "lead or a co-handler is named twice", "co_departments"
)
LEVEL_MISSING: Final = Code("level_missing", _M, "缺少层级", "level is missing", "level")
LEVEL_LOWER: Final = Code("level_lower", _W, "层级不得降低", "level would go down within an opening", "level")
COUNTY_DECIDES: Final = Code(
    "county_decides", _W, "退回三次须由县级决定", "bounced too often: the county decides", "level"
)
DISPATCH_MODE_MISSING: Final = Code(
    "dispatch_mode_missing", _M, "须注明转办或交办", "dispatch mode is missing", "dispatch_mode", clause="004-09"
)
SIGN_BY_PAST: Final = Code(
    "sign_by_past", _M, "签收期限早于分流时间", "sign-off limit is not after the dispatch", "sign_by"
)
DUE_DATE_PAST: Final = Code("due_date_past", _M, "期限早于当日", "due date has passed already", "due_on")
DUE_DATE_MISSING: Final = Code("due_date_missing", _M, "缺少办理期限", "due date is missing", "due_on")
SIGNED_LATE: Final = Code("signed_late", _W, "已超过签收期限", "sign-off limit has passed", "occurred_at")
DISPATCHED_ANEW: Final = Code(
    "dispatched_anew",
    _W,
    "已重新分流，此前的签收不再适用",
    "dispatched anew since: the earlier signature no longer holds",
    "occurred_at",
)
SIGN_OFF_RUNS: Final = Code("sign_off_runs", _W, "签收期限未满", "sign-off limit has not passed", "reason_code")
MEDIATOR_MALFORMED: Final = Code(
    "mediator_malformed", _M, "调解员编码缺失或不合规", "mediator id is missing or no pseudonym", "mediator_id"
)
MEDIATION_KIND_MISSING: Final = Code(
    "mediation_kind_missing", _M, "缺少调解类型", "kind of mediation is missing", "mediation_kind"
)
MEDIATOR_NOT_ACCEPTED: Final = Code(
    "mediator_not_accepted",
    _W,
    "当事人未选择或未认可调解员",
    "parties did not accept the mediator",
    "parties_accepted_mediator",
    clause="特邀调解规定 11, 12",
)
CONFLICT_OF_INTEREST: Final = Code(
    "conflict_of_interest", _W, "调解员应当回避", "mediator has a conflict of interest", "no_conflict_of_interest"
)
RIGHTS_NOT_TOLD: Final = Code(
    "rights_not_told", _W, "未告知权利义务", "rights notice was not given", "rights_notice_given"
)
TOP_LEVEL: Final = Code("top_level", _W, "已是县级，不能再升级", "no level above the county")
ALREADY_FILED: Final = Code(
    "already_filed",
    _W,
    "立案后鉴定不停止计时",
    "filed already: appraisal stops no clock",
    "reason_code",
    clause="在线调解规则 26",
)
CLOCK_RUNS: Final = Code("clock_runs", _W, "计时未停止，期限不变", "clock was not stopped: due date stays", "due_on")
DUE_DATE_INCONSISTENT: Final = Code(
    "due_date_inconsistent", _M, "新期限与天数不符", "new due date does not follow from the days", "due_on"
)
BAD_DAYS: Final = Code(
    "bad_days", _M, "延长天数超出规则范围", "an extension has 1 day to as many as its rule gives", "days"
)
NO_EXTENSION: Final = Code(
    "no_extension",
    _W,
    "依规不得延长；公安调解见公安行政案件程序规定165、183条",
    "no rule extends this limit; of police mediations see articles 165 and 183",
    clause="公安行政案件程序规定 165, 183",
)
EXTENDED_ALREADY: Final = Code("extended_already", _W, "依规只能延长一次", "the rule allows one extension")
NO_DAYS_LEFT: Final = Code(
    "no_days_left",
    _W,
    "期限已到法律允许的最后一日，延长得不到任何天数",
    "the limit is at the last day that the law allows: an extension would give no day",
)
NO_STATUTORY_LIMIT: Final = Code("no_statutory_limit", _W, "没有法定期限可延长", "no statutory limit to extend")

# outcome
OUTCOME_FORM_MISSING: Final = Code(
    "outcome_form_missing", _M, "缺少结案方式", "outcome form is missing", "outcome_form"
)
UNSIGNED: Final = Code("unsigned", _W, "协议未经各方签署", "not signed by all, nor recorded as oral", "signed_by_all")
STATEMENT_NEEDS_COURT: Final = Code(
    "statement_needs_court", _W, "调解书只能由法院出具", "only a court issues a mediation statement", "made_by"
)
MAKER_MISSING: Final = Code("maker_missing", _M, "缺少调解主体", "under whom it was made is missing", "made_by")
NOT_CONFIRMABLE: Final = Code(
    "not_confirmable",
    _W,
    "该协议不能申请司法确认",
    "this agreement is not open to confirmation",
    "confirmable",
    clause="民诉解释(2022) 355",
)
CONFIRM_BY_INCONSISTENT: Final = Code(
    "confirm_by_inconsistent",
    _M,
    "司法确认申请期限与协议日不符",
    "last day to apply does not follow from the agreement",
    "confirm_by",
)
NOT_SETTLED_FORM: Final = Code(
    "not_settled_form", _W, "尚未调解，只能记自行和解", "mediation had not begun: settled forms only", "outcome_form"
)
MEDIATION_NOT_BEGUN: Final = Code(
    "mediation_not_begun", _W, "尚未调解，不适用该原因", "mediation had not begun: reason cannot hold", "reason_code"
)
TERM_NOT_EXPIRED: Final = Code("term_not_expired", _W, "调解期限未届满", "term has not expired", "reason_code")
CLOCK_STOPPED: Final = Code(
    "clock_stopped", _W, "计时已停止，期限未届满", "clock stands still: the term cannot expire", "reason_code"
)
NOT_JOINTLY: Final = Code(
    "not_jointly", _W, "须由双方共同申请", "both sides apply together", "jointly", clause="民诉法 205"
)
CONFIRMATION_LATE: Final = Code(
    "confirmation_late",
    _W,
    "超过三十日申请期限",
    "30 days since the agreement have passed",
    "occurred_at",
    clause="民诉法 205",
)
EVIDENCE_MISSING: Final = Code(
    "evidence_missing", _M, "缺少履行证据", "evidence of performance is missing", "evidence_sha256"
)
NO_AGREEMENT: Final = Code("no_agreement", _W, "没有可履行的协议", "no agreement to perform")
PERFORMED_ALREADY: Final = Code("performed_already", _W, "已记录履行", "performance was recorded before")
WRONG_REMEDY: Final = Code("wrong_remedy", _W, "救济途径与协议不符", "this agreement has another remedy", "target")

# exits
TOLD_NOT_IN_WRITING: Final = Code(
    "told_not_in_writing", _W, "未书面告知当事人", "parties were not told in writing", "told_in_writing"
)
SUIT_NOT_ELECTED: Final = Code(
    "suit_not_elected", _W, "当事人未选择诉讼", "no party elected to sue", "party_elected_suit"
)
WRONG_RETURN_TARGET: Final = Code(
    "wrong_return_target", _W, "只能退回来源单位或法院", "goes back to its source, or to the court", "target"
)
PACKET_MISSING: Final = Code(
    "packet_missing",
    _M,
    "缺少退回材料包",
    "return packet is missing",
    "packet_sha256",
    clause="在线调解规则 17, 21, 22",
)
NOTHING_TO_RETURN: Final = Code(
    "nothing_to_return", _W, "无未决部分且无人选择诉讼", "nothing is open and no party elected to sue"
)
RETURN_INSTEAD: Final = Code("return_instead", _W, "来自法院的应退回法院", "came from the court: return it", "target")
SEALED_EXIT_ONLY: Final = Code(
    "sealed_exit_only", _W, "检举控告只能转纪检监察", "whistle-blowing goes to discipline inspection only", "target"
)
NOT_FOR_DISCIPLINE: Final = Code(
    "not_for_discipline", _W, "非检举控告不转纪检监察", "only unmediable matters go to discipline inspection", "target"
)

# follow-up, overlays, corrections
SOURCE_IS_OWED: Final = Code("source_is_owed", _W, "须先退回来源单位", "its source system is owed the return")
VISIT_MISSING: Final = Code("visit_missing", _M, "缺少回访日期", "day of the visit is missing", "visit_on")
VISIT_PAST: Final = Code("visit_past", _M, "回访日期早于当日", "day of the visit has passed", "visit_on")
REVIEWER_MALFORMED: Final = Code(
    "reviewer_malformed", _M, "复核人编码缺失或不合规", "reviewer is missing or not a pseudonym", "reviewer_id"
)
SAME_PERSON: Final = Code(
    "same_person", _W, "经办人与复核人须为两人", "actor and reviewer are one person", "reviewer_id"
)
RESULT_NOT_REPORTED: Final = Code(
    "result_not_reported", _W, "结果未反馈来源单位", "result was not reported to the source", "result_reported"
)
NOT_SATISFIED: Final = Code(
    "not_satisfied", _W, "未满意亦未释明", "neither satisfied nor explained", "satisfied_or_explained"
)
RELAPSE_SIGN: Final = Code("relapse_sign", _W, "有反弹迹象", "a sign of relapse was seen", "relapse_sign")
COLOUR_NEEDS_TRACKING: Final = Code(
    "colour_needs_tracking", _W, "黄色、红色须转跟踪管控", "yellow and red are tracked before closing"
)
TOO_FEW_CLEAN_VISITS: Final = Code("too_few_clean_visits", _W, "连续平稳回访次数不足", "too few clean visits in a row")
COLOUR_NOT_WARNING: Final = Code(
    "colour_not_warning", _W, "未达黄色或红色", "colour is neither yellow nor red", "reason_code"
)
NEVER_ACCEPTED: Final = Code("never_accepted", _W, "未曾受理，不构成反弹", "was never accepted: register it anew")
COLOUR_LOWER: Final = Code("colour_lower", _W, "反弹后颜色不得降低", "a relapse does not lower the colour", "colour")
COLOUR_MISSING: Final = Code("colour_missing", _M, "缺少颜色", "colour is missing", "colour")
COLOUR_UNCHANGED: Final = Code("colour_unchanged", _W, "颜色未变化", "colour is the same", "colour")
RUNG_NOT_HIGHER: Final = Code(
    "rung_not_higher", _W, "督办级别只能逐步升高或解除", "rung only rises, or is lifted", "rung"
)
RED_STAYS_ESCALATED: Final = Code(
    "red_stays_escalated", _W, "红色案件须由领导包案", "a red dispute stays with its leader", "rung"
)
NOT_A_PETITION: Final = Code("not_a_petition", _W, "仅信访事项有此节点", "only petitions have milestones")
MILESTONE_TWICE: Final = Code("milestone_twice", _W, "该节点已完成", "milestone was reached before", "milestone")
NOTHING_CHANGED: Final = Code("nothing_changed", _W, "没有更正内容", "nothing would change")
BAD_SATISFACTION: Final = Code("bad_satisfaction", _M, "满意度代码无效", "no such rating code", "satisfaction")
DATE_PROVISIONAL: Final = Code(
    "date_provisional",
    _W,
    "期限暂定（缺节假日表），不能据此认定逾期",
    "the limit is provisional: no holiday table",
    "reason_code",
)
NOT_PROVISIONAL: Final = Code("not_provisional", _W, "该期限并非暂定", "no such date is provisional", "dates")
RATED_ALREADY: Final = Code("rated_already", _W, "已评价", "was rated in this opening")

COMMANDS: Final = {row.name: row for row in tuple(globals().values()) if isinstance(row, Code)}
"""Name -> row."""
