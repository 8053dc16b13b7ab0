"""Reasons of refused cases, that is of cases that cannot be mediated.

Such a case is registered and goes back to its source with the reason. Its clause stands in the rule file, with a
version; loading a rule file whose reason is not here fails.
"""

from __future__ import annotations

from typing import Final

from dispute.refusals.commands import CONSENT_MISSING, FACTS_UNCLEAR, RELATION_UNCLEAR
from hub.errors import Code, Kind

_W: Final = Kind.WRONG_STATE

# court
SPECIAL_PROCEDURE: Final = Code("special_procedure", _W, "适用特别程序，不得调解", "goes by special procedure")
PAYMENT_ORDER_PROCEDURE: Final = Code(
    "payment_order_procedure", _W, "适用督促程序，不得调解", "goes by payment order procedure"
)
PUBLIC_SUMMONS_PROCEDURE: Final = Code(
    "public_summons_procedure", _W, "适用公示催告程序，不得调解", "goes by public summons procedure"
)
STATUS_CONFIRMATION: Final = Code(
    "status_confirmation", _W, "婚姻等身份关系确认案件，不得调解", "asks to confirm a personal status"
)
NATURE_EXCLUDES: Final = Code("nature_excludes", _W, "依案件性质不能调解", "the nature of the case excludes mediation")
ADMINISTRATIVE_LEGALITY: Final = Code(
    "administrative_legality",
    _W,
    "行政行为合法性之诉，不适用调解",
    "contests whether an administrative act is lawful",
)
SHAM_LITIGATION: Final = Code("sham_litigation", _W, "涉嫌虚假诉讼", "is suspected to be sham litigation")

# police
HIRED_ATTACK: Final = Code("hired_attack", _W, "雇凶伤害他人", "an attacker was hired")
GANG_FIGHT: Final = Code("gang_fight", _W, "结伙斗殴或者寻衅滋事", "a gang fight, or provocation of trouble")
REPEAT_OFFENCE: Final = Code("repeat_offence", _W, "多次违反治安管理", "repeated offences against public security")
NEW_OFFENCE: Final = Code(
    "new_offence", _W, "调解中又对对方违反治安管理", "a new offence against the other side during mediation"
)
SUSPECT_FLED: Final = Code("suspect_fled", _W, "违法嫌疑人逃跑", "the suspect fled")
REPEATED_DOMESTIC_VIOLENCE: Final = Code(
    "repeated_domestic_violence", _W, "多次实施家庭暴力", "repeated domestic violence"
)
CRIMINAL_MATTER: Final = Code("criminal_matter", _W, "涉嫌犯罪或者情节较重，不适用调解", "criminal, or too grave")
NOT_A_DISPUTE: Final = Code(
    "not_a_dispute", _W, "不属于可以调解的纠纷或者治安案件", "neither a civil dispute nor a minor offence"
)

# petition, and the channels of the centre
WHISTLE_BLOWING: Final = Code(
    "whistle_blowing", _W, "检举控告，转纪检监察", "whistle-blowing: for the discipline inspection body"
)
SUGGESTION: Final = Code("suggestion", _W, "建议意见类事项", "is a suggestion")
LITIGATION_PENDING: Final = Code(
    "litigation_pending", _W, "涉法涉诉，由政法机关依法处理", "is before a court or another judicial organ"
)
ADMINISTRATIVE_DISPUTE: Final = Code(
    "administrative_dispute", _W, "行政争议，走行政复议、行政诉讼等途径", "is an administrative dispute"
)
SPECIAL_ORGAN_ONLY: Final = Code(
    "special_organ_only", _W, "只能由专门机关处理，或者禁止民间调解", "for a special organ only"
)
HANDLED_ABOVE: Final = Code("handled_above", _W, "上级机关已受理或者正在办理", "is handled by a higher organ")
REVIEW_CONCLUDED: Final = Code("review_concluded", _W, "已经复查、复核", "was reviewed and re-examined already")
DISCIPLINE_MATTER: Final = Code("discipline_matter", _W, "属于纪检监察事项", "is a matter of discipline inspection")

# consent
CONSENT_REFUSED: Final = Code("consent_refused", _W, "有当事人不愿意调解", "a party refuses mediation")
PARTY_UNREACHABLE: Final = Code("party_unreachable", _W, "联系不上当事人", "a party cannot be reached")
GUARDIAN_CONSENT_MISSING: Final = Code(
    "guardian_consent_missing", _W, "未取得监护人同意", "the guardian's consent is missing"
)

# what nobody said yet
CATEGORY_UNKNOWN: Final = Code("category_unknown", _W, "纠纷类别未定", "nobody said what kind of dispute it is")
PROCEDURE_UNKNOWN: Final = Code(
    "procedure_unknown", _W, "案件类型或者程序未定", "nobody said which kind of suit or procedure it is"
)

TOO_MANY_REPRESENTATIVES: Final = Code(
    "too_many_representatives", _W, "走访代表超过五人，须推选代表", "more than five people came in person"
)
NOISE_CALL: Final = Code(
    "noise_call", _W, "骚扰、无效警情，不属对接范围", "a harassment or invalid call: no matter for docking"
)

CASES: Final = {
    row.name: row
    for row in (CONSENT_MISSING, RELATION_UNCLEAR, FACTS_UNCLEAR, *globals().values())
    if isinstance(row, Code)
}
"""Name -> row; the first three refuse an acceptance given as a command too."""
