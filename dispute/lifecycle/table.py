"""The transition table of a dispute.

The whole state machine, readable for people; `decide` only looks rows up here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from dispute.lifecycle import commands as c
from dispute.lifecycle import corrections as correct
from dispute.lifecycle import effects as do
from dispute.lifecycle import entry, links
from dispute.lifecycle import guards as g
from dispute.lifecycle import link_guards as of_links
from dispute.lifecycle import outcome_guards as o
from dispute.lifecycle import own_commands as own
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.provisional import SettleDueDates
from dispute.lifecycle.situation import Situation
from dispute.lifecycle.states import OPEN, State
from hub.errors import Code

Order = TypeVar("Order")


class Transition(Struct, Generic[Order], frozen=True):
    """One row.

    Attributes:
        id: Recorded in the event, for example `T14`; a letter distinguishes variants of one row.
        instruction: Type of the instruction.
        sources: States it is allowed in; None is before registration.
        target: State after; None keeps the state.
        kind: Kind of the event.
        effect: Values of the event beyond the command.
        zh: What happens, for county staff.
        en: The same in English.
        guards: Checked in this order; the first reason is the answer.
        when: Chooses between rows of one instruction and state; a row without it takes all other cases.
    """

    id: str
    instruction: type[Order]
    sources: tuple[State | None, ...]
    target: State | None
    kind: EventKind
    effect: Callable[[Situation, Order], do.Change]
    zh: str
    en: str
    guards: tuple[Callable[[Situation, Order], Code | None], ...] = ()
    when: Callable[[Situation, Order], bool] | None = None


S: Final = State
K: Final = EventKind
RETURN: Final = (o.not_whistle_blowing, o.target_takes_it, o.packet_is_complete)
MEDIATOR: Final = (g.mediator_is_named, g.mediator_is_accepted, g.no_conflict, g.rights_notice_is_given)
STRIKE_OFF: Final = (o.two_persons, o.result_is_settled)
OUTCOME: Final = (
    o.form_is_named,
    o.all_signed,
    o.statement_is_the_courts,
    o.confirmable_is_true,
    o.last_day_fits,
)

# One row a paragraph, columns in one order.
# fmt: off
TRANSITIONS: Final[tuple[Transition[Any], ...]] = (
    Transition("T1", own.Register, (None,), S.REGISTERED, K.REGISTERED, entry.register,
            "登记，一案一码", "registered: one matter, one code",
            (g.source_is_named, g.id_is_made_of_source, g.texts_are_plain, g.nothing_premature, g.divisions_nest,
             g.regime_fits_channel, g.amount_in_dispute)),
    Transition("T3", c.BeginScreening, (S.REGISTERED,), S.SCREENING, K.SCREENING_BEGUN, do.unchanged,
            "自动进入甄别", "screening begins by itself"),
    Transition("T3b", own.RequestInformation, (S.SCREENING,), None, K.INFORMATION_REQUESTED,
            entry.request_information,
            "要求来源补充，甄别等候", "the source is asked for what is lacking; the screening waits",
            (g.something_is_missing,)),
    Transition("T4", c.RefuseMediation, (S.SCREENING,), S.NOT_MEDIABLE, K.MEDIATION_REFUSED, entry.refuse_mediation,
            "属排除情形或未同意，不宜调解", "excluded, or a side did not consent",
            (g.exclusion_is_named,)),
    Transition("T4b", own.NoteUndocked, (S.SCREENING,), S.RETURNED, K.NOT_DOCKED, entry.note_undocked,
            "不属对接范围，不计入统计", "no matter for docking: returned and not counted"),
    Transition("T5", c.Accept, (S.SCREENING,), S.ACCEPTED, K.ACCEPTED, entry.accept,
            "关系较明确、事实较清楚、各方同意，受理", "relation and facts fairly clear, all consent: accepted",
            (g.relation_is_clear, g.facts_are_clear, g.all_consent, g.acceptance_texts)),
    Transition("T6a", c.ReturnToSource, (S.NOT_MEDIABLE,), S.RETURNED, K.RETURNED, do.return_to_source,
            "不宜调解，退回来源", "not mediable: back to its source",
            RETURN),
    Transition("T6b", c.Refer, (S.NOT_MEDIABLE,), S.REFERRED, K.REFERRED, do.refer,
            "不宜调解，引导其他法定途径", "not mediable: another statutory route",
            (o.informed_in_writing, o.exit_fits)),
    Transition("T7", c.Dispatch, (S.ACCEPTED,), S.DISPATCHED, K.DISPATCHED, do.dispatch,
            "吹哨分流，一个牵头部门", "dispatched to one lead department",
            (g.one_lead, g.level_is_not_lower, g.mode_is_named, g.dispatch_limits)),
    Transition("T8", c.Sign, (S.DISPATCHED,), S.SIGNED, K.SIGNED, do.sign,
            "承办人签收，期限起算", "handler signs: the term starts",
            (g.this_dispatch_is_signed, g.signed_in_time, g.term_has_an_end)),
    Transition("T9", c.Bounce, (S.DISPATCHED,), S.ACCEPTED, K.BOUNCED, do.bounce,
            "退回重派，说明理由", "bounced with a reason",
            (g.bounce_is_reasoned, g.sign_off_is_over)),
    Transition("T10", c.BeginMediation, (S.SIGNED,), S.MEDIATING, K.MEDIATION_BEGUN, do.begin_mediation,
            "开始调解", "mediation begins",
            MEDIATOR),
    Transition("T10b", c.BeginMediation, (S.FAILED,), S.MEDIATING, K.MEDIATION_BEGUN, do.attempt_again,
            "限期内再次调解一次，撤回不成", "a further attempt in time; the failure is taken back",
            (*MEDIATOR, g.second_attempt_is_left)),
    Transition("T11", c.EscalateLevel, (S.MEDIATING,), S.DISPATCHED, K.LEVEL_ESCALATED, do.escalate,
            "上提一级，期限不重算", "one level up, due date stays",
            (g.level_above_exists, g.escalation_is_complete)),
    Transition("T12a", c.Suspend, (S.MEDIATING,), S.SUSPENDED, K.SUSPENDED, do.suspend,
            "中止；仅立案前鉴定停止计时", "suspended; only appraisal before filing stops the clock",
            (g.before_filing,)),
    Transition("T12b", c.Resume, (S.SUSPENDED,), S.MEDIATING, K.RESUMED, do.resume,
            "恢复调解", "resumed",
            (g.stop_moves_due_date,)),
    Transition("T13b", c.Extend, (S.MEDIATING,), S.MEDIATING, K.EXTENDED, do.extend_statutory,
            "信访法定期限经批准延长一次", "petition: statutory limit extended once by its leader",
            (g.extension_is_allowed, g.extension_is_bounded, g.statutory_limit_is_left, g.last_day_is_counted),
            g.by_leader_on_petition),
    Transition("T13c", c.Extend, (S.MEDIATING,), S.MEDIATING, K.EXTENDED, do.extend_term,
            "办案期限经批准延长一次", "time of a police case extended once by the approving organ",
            (g.extension_is_allowed, g.extension_is_bounded, g.extension_is_left, g.extension_gives_days,
             g.last_day_is_counted),
            g.by_leader_of_police),
    Transition("T13a", c.Extend, (S.MEDIATING,), S.MEDIATING, K.EXTENDED, do.extend_term,
            "各方同意延长调解期限", "term extended by consent of all",
            (g.extension_is_allowed, g.extension_has_consent, g.extension_is_bounded, g.extension_is_left,
             g.extension_gives_days, g.last_day_is_counted)),
    Transition("T14a", c.Agree, (S.MEDIATING,), S.AGREED, K.AGREED, do.agree,
            "达成协议、调解书、和解撤诉等", "agreed, in one of the outcome forms",
            OUTCOME),
    Transition("T14b", c.Agree, (S.ACCEPTED, S.DISPATCHED, S.SIGNED, S.SUSPENDED), S.AGREED, K.AGREED, do.agree,
            "受理后自行和解", "parties settled by themselves after acceptance",
            (*OUTCOME, o.settled_by_themselves)),
    Transition("T14c", own.ShareAgreement, (S.ACCEPTED, S.DISPATCHED, S.SIGNED, S.MEDIATING, S.SUSPENDED), S.AGREED,
            K.AGREED, links.share_agreement,
            "同一事项已在关联案件达成协议", "the matter was agreed at a linked dispute"),
    Transition("T15a", c.Fail, (S.MEDIATING, S.SUSPENDED), S.FAILED, K.FAILED, do.fail,
            "调解不成", "mediation failed",
            (o.term_is_over,)),
    Transition("T15b", c.Fail, (S.ACCEPTED, S.DISPATCHED, S.SIGNED), S.FAILED, K.FAILED, do.fail,
            "一方拒绝等，调解即行终结", "a refusal, an unreachable party or the term ends it at once",
            (o.session_was_held, o.term_is_over)),
    Transition("T15c", own.ShareFailure, (S.ACCEPTED, S.DISPATCHED, S.SIGNED), S.FAILED, K.FAILED,
            links.share_failure,
            "同一事项在关联案件调解不成", "mediation of the matter failed at a linked dispute"),
    Transition("T15d", own.Exclude, (S.ACCEPTED, S.DISPATCHED, S.SIGNED, S.MEDIATING, S.SUSPENDED), S.FAILED, K.FAILED,
            do.exclude,
            "查明属排除情形，停止调解", "found to be excluded: mediation stops"),
    Transition("T16", c.Withdraw, (S.REGISTERED, S.SCREENING, S.NOT_MEDIABLE, S.ACCEPTED, S.DISPATCHED, S.SIGNED,
            S.MEDIATING, S.SUSPENDED, S.JC_REFUSED), S.WITHDRAWN, K.WITHDRAWN, do.end_without_agreement,
            "未和解而撤回", "withdrawn without settlement",
            (o.withdrawal_is_not_sealed,)),
    Transition("T17", c.ApplyForConfirmation, (S.AGREED,), S.JC_PENDING, K.CONFIRMATION_APPLIED, do.unchanged,
            "三十日内共同申请司法确认", "joint application for judicial confirmation within 30 days",
            (o.agreement_is_confirmable, o.both_apply, o.within_thirty_days)),
    Transition("T18a", c.RecordRuling, (S.JC_PENDING,), S.JC_CONFIRMED, K.CONFIRMED, do.rule,
            "裁定确认", "confirmed by ruling",
            (), o.is_confirmed),
    Transition("T18b", c.RecordRuling, (S.JC_PENDING,), S.JC_REFUSED, K.CONFIRMATION_REFUSED, do.rule,
            "裁定不予确认", "confirmation refused",
            (o.refusal_is_reasoned,)),
    Transition("T18c", c.BeginMediation, (S.JC_REFUSED,), S.MEDIATING, K.MEDIATION_BEGUN, do.begin_mediation,
            "不予确认后重新调解", "mediated anew after the refusal",
            MEDIATOR),
    Transition("T18d", c.ReturnToSource, (S.JC_REFUSED,), S.RETURNED, K.RETURNED, do.return_to_source,
            "不予确认后起诉或退回", "to suit, or back, after the refusal",
            RETURN),
    Transition("T19a", c.RecordPerformance, (S.AGREED, S.JC_CONFIRMED), S.PERFORMED, K.PERFORMED, do.perform,
            "已履行", "performed, with evidence",
            (o.performance_is_evidenced,)),
    Transition("T19b", c.RecordPerformance, (S.FOLLOW_UP, S.TRACKING), None, K.PERFORMED, do.perform,
            "回访、跟踪中发现已履行", "seen to be performed, at a visit",
            (o.performance_is_evidenced, o.something_to_perform)),
    Transition("T20", c.RecordNonPerformance, (S.AGREED, S.JC_CONFIRMED), S.RETURNED, K.NOT_PERFORMED,
            do.not_perform,
            "未履行，转执行、起诉或处罚程序", "not performed: enforcement, suit or penalty procedure",
            (o.remedy_fits,)),
    Transition("T21a", c.ReturnToSource, (S.FAILED, S.WITHDRAWN), S.RETURNED, K.RETURNED, do.return_to_source,
            "退回来源；选择诉讼的推送法院", "back to its source, or to the court when a party elects to sue",
            RETURN),
    Transition("T21b", c.ReturnToSource, (S.AGREED, S.FOLLOW_UP, S.TRACKING), S.RETURNED, K.RETURNED,
            do.return_to_source,
            "部分未决或对结果不满而起诉", "the open rest, or a dissatisfied party who sues",
            (*RETURN, o.something_is_open)),
    Transition("T22", c.Refer, (S.FAILED,), S.REFERRED, K.REFERRED, do.refer,
            "引导其他法定途径", "another statutory route",
            (o.informed_in_writing, o.exit_fits)),
    Transition("T23a", c.BeginFollowUp, (S.AGREED, S.PERFORMED, S.RETURNED, S.REFERRED), S.FOLLOW_UP,
            K.FOLLOW_UP_BEGUN, do.begin_follow_up,
            "安排回访", "follow-up visit is planned",
            (o.visit_is_planned,)),
    Transition("T23b", c.BeginFollowUp, (S.WITHDRAWN,), S.FOLLOW_UP, K.FOLLOW_UP_BEGUN,
            do.begin_follow_up,
            "无来源系统的撤回件回访", "withdrawn, and no source system is owed the return",
            (o.source_is_not_owed, o.visit_is_planned)),
    Transition("T24", c.Close, (S.FOLLOW_UP,), S.CLOSED, K.CLOSED, do.close,
            "双人复核销号", "struck off by two persons",
            (*STRIKE_OFF, o.colour_is_calm)),
    Transition("T25", c.Track, (S.FOLLOW_UP,), S.TRACKING, K.TRACKED, do.track,
            "案结事未了，跟踪管控", "kept under watch",
            (o.tracking_is_reasoned,)),
    Transition("T26", c.Close, (S.TRACKING,), S.CLOSED, K.CLOSED, do.close,
            "连续平稳回访后销号", "struck off after clean visits in a row",
            (*STRIKE_OFF, o.visits_were_clean)),
    Transition("T27", c.Reopen, (S.CLOSED, S.TRACKING, S.FOLLOW_UP), S.ACCEPTED, K.REOPENED, do.reopen,
            "反弹，原码重启", "relapse: the same dispute is opened again",
            (o.was_accepted_before, o.colour_is_not_lower)),
    Transition("T28", own.Resubmit, (S.RETURNED, S.REFERRED, S.FOLLOW_UP, S.TRACKING, S.CLOSED), S.REGISTERED,
            K.RESUBMITTED, entry.resubmit,
            "来源再次移交，下一轮", "handed over anew by its source: the next round",
            (g.round_is_next,)),
    Transition("L1", c.Link, OPEN, None, K.LINKED, links.link,
            "关联同一事项，各案照办照计", "linked to its matter; each is handled and counted by itself",
            (of_links.master_is_another, of_links.not_linked_yet, of_links.is_registered)),
    Transition("L2", c.Unlink, (*OPEN, S.CLOSED), None, K.UNLINKED, links.unlink,
            "解除关联，重述统计", "unlinked; figures are restated",
            (of_links.is_linked,)),
    Transition("L5", own.Unshare, (*OPEN, S.CLOSED), None, K.UNSHARED, links.unshare,
            "关联解除，撤回共享结果，重述统计", "its dispute left the matter: a shared outcome is taken back"),
    Transition("L3", own.ProposeLink, OPEN, None, K.LINK_PROPOSED, links.propose_link,
            "建议关联，由人员决定", "a link is proposed to a person",
            (of_links.not_linked_yet, of_links.not_proposed_yet)),
    Transition("L4", c.DeclineLink, OPEN, None, K.LINK_DECLINED, links.decline_link,
            "不予关联", "found to be another matter",
            (of_links.is_proposed,)),
    Transition("V1", c.RecordVisit, (S.FOLLOW_UP, S.TRACKING), None, K.VISITED, do.visit,
            "回访记录", "visit recorded"),
    Transition("R1", c.Rate, (S.FOLLOW_UP, S.TRACKING, S.CLOSED), None, K.RATED, do.rate,
            "满意度评价", "rated by the party, or the invitation lapsed",
            (o.rating_is_new,)),
    Transition("O1", c.Supervise, OPEN, None, K.SUPERVISED, do.supervise,
            "提醒、超时、督办、领导包案", "supervision rung changes",
            (o.rung_rises,)),
    Transition("O2", c.ChangeColour, OPEN, None, K.COLOUR_CHANGED, do.colour,
            "四色预警变更；红色由领导包案", "colour changes; red is owned by a leader",
            (o.colour_is_reasoned,)),
    Transition("M1", c.ReachMilestone, OPEN, None, K.MILESTONE_REACHED, do.milestone,
            "信访节点：见面、调查、反馈、办结", "petition milestone reached",
            (o.milestone_is_new,)),
    Transition("C1", c.Reclassify, (*OPEN, S.CLOSED), None, K.RECLASSIFIED, correct.reclassify,
            "更正分类、区划，重述统计", "corrected; counted facts are restated",
            (o.correction_is_real,)),
    Transition("D1", SettleDueDates, tuple(S), None, K.DUE_DATES_SETTLED, correct.due_dates,
            "节假日表已到，暂定期限更正，重述统计", "a holiday table came: provisional dates and facts are restated",
            (g.dates_are_provisional,)),
)
# fmt: on


def index(rows: tuple[Transition[Any], ...]) -> dict[tuple[type, State | None], tuple[Transition[Any], ...]]:
    """Return the table's rows by instruction and state, in order."""
    found: dict[tuple[type, State | None], tuple[Transition[Any], ...]] = {}
    for row in rows:
        for source in row.sources:
            key = (row.instruction, source)
            found[key] = (*found.get(key, ()), row)
    return found


BY_INSTRUCTION_AND_STATE: Final = index(TRANSITIONS)
