"""Error codes of the partners' interfaces and of the services."""

from __future__ import annotations

from typing import Final

from hub.errors import Code, Kind

_M: Final = Kind.MALFORMED
_W: Final = Kind.WRONG_STATE

# of several services
ALREADY_REGISTERED: Final = Code(
    "already_registered", Kind.KEY_REUSED, "该来源编号已登记", "this reference is registered already", "source_ref"
)
BAD_DATE: Final = Code("bad_date", _M, "应为存在的日期 YYYY-MM-DD", "expected an existing date YYYY-MM-DD")
BAD_PAGE_SIZE: Final = Code(
    "bad_page_size", _M, "每页应为 {least} 至 {most} 条", "a page has {least} to {most} items", "page_size"
)
BAD_PAGE_TOKEN: Final = Code(
    "bad_page_token", _M, "不是上一页给出的标记", "not the token that the page before gave", "page_token"
)
BAD_TIMESTAMP: Final = Code("bad_timestamp", _M, "时间戳无效或超出范围", "the timestamp is invalid or out of range")
CANNOT_OPEN: Final = Code(
    "cannot_open", _M, "密封内容打不开：密钥不符或内容已改动", "the seal does not open: another key, or a changed text"
)
DATE_IN_FUTURE: Final = Code("date_in_future", _M, "晚于当前时间", "lies in the future")
KEY_REUSED: Final = Code(
    "key_reused",
    Kind.KEY_REUSED,
    "同一编号或幂等键已用于其他内容；部门报告后续情况请用 POST /v1/reports（gRPC Report），"
    "本轮有最终结果后再次移交请报下一轮 round",
    "used with other content before; an agency tells later facts with POST /v1/reports (gRPC Report), and hands the "
    "record over anew as the next round, after the final result of this one",
)
TIME_MISSING: Final = Code("time_missing", _M, "缺少时间", "time is missing")
TOO_MANY: Final = Code("too_many", _M, "至多 {limit} 项", "at most {limit} items")
UNKNOWN_DIVISION: Final = Code(
    "unknown_division",
    _M,
    "本县没有此区划代码，或当时已停用",
    "the county has no such division code, or it had ended by then",
)
UNKNOWN_CODE: Final = Code("unknown_code", _M, "代码不在代码表 {listed} 中", "the code is not in the list {listed}")

# printed codes of cases
CASE_CODE_CHECK: Final = Code(
    "case_code_check",
    _M,
    "校验位不符：有数字抄错或颠倒",
    "the check digits don't match: a digit is wrong, or two are swapped",
    "case_code",
)
CASE_CODE_MALFORMED: Final = Code(
    "case_code_malformed",
    _M,
    "应写作“县6位-年4位-序号至少6位-校验2位”",
    "written county 6, year 4, running number at least 6, check 2 digits",
    "case_code",
)

# contracts
INSTRUCTION_MISSING: Final = Code("instruction_missing", _M, "缺少指令", "no instruction", "instruction")
NOT_ON_THE_WIRE: Final = Code("not_on_the_wire", _M, "该指令不经指令接口", "this is no wire command", "instruction")
SNAPSHOT_UNREADABLE: Final = Code("snapshot_unreadable", _M, "纠纷快照无法读取", "not a dispute's snapshot")

# records of a bridge
BLANK: Final = Code("blank", _M, "不得为空白", "must not be blank")
CLASS_MISMATCH: Final = Code(
    "class_mismatch", _M, "重新分类须附新类别，其他不得附", "a new class belongs to reclassified, and only there"
)
CLARITY_MISMATCH: Final = Code(
    "clarity_mismatch",
    _M,
    "查明须附法律关系或事实的清晰程度，其他不得附",
    "clarified names the clarity of the relation or of the facts, and no other fact does",
)
CONSENT_MISMATCH: Final = Code(
    "consent_mismatch",
    _M,
    "意愿类事实须附相同的意愿，其他不得附",
    "a consent fact has the consent that it names, and no other fact has one",
)
COUNTY_OUT_OF_SCOPE: Final = Code(
    "county_out_of_scope",
    Kind.DENIED,
    "该凭证不及此县",
    "this credential is not for that county",
    "county_code",
)
CURSOR_AHEAD: Final = Code("cursor_ahead", _W, "游标尚未发出", "that cursor was never handed out")
DATE_FORMAT: Final = Code("date_format", _M, "应为存在的日期 YYYY-MM-DD", "expected an existing date YYYY-MM-DD")
DATE_ORDER: Final = Code("date_order", _M, "日期先后颠倒", "the dates are in the wrong order")
DATE_OUT_OF_RANGE: Final = Code("date_out_of_range", _M, "年份不合理", "the year is out of range")
DIVISION_FORMAT: Final = Code(
    "division_format", _M, "应为 {digits} 位区划代码", "expected a division code of {digits} digits"
)
FORBIDDEN_CHARACTER: Final = Code(
    "forbidden_character", _M, "含有控制字符或不可见字符", "contains control or invisible characters"
)
GRID_FORMAT: Final = Code(
    "grid_format", _M, "网格代码应为字母、数字或连字符", "a grid code has letters, digits and hyphens"
)
ID_BIRTH_DATE: Final = Code(
    "id_birth_date",
    _M,
    "身份证号码中的出生日期不存在或晚于今天",
    "the birth date in the citizen ID does not exist or lies in the future",
)
ID_CHECKSUM: Final = Code(
    "id_checksum", _M, "证件号码的校验码不符", "the check character of the identity number is wrong"
)
ID_FORMAT: Final = Code(
    "id_format", _M, "证件号码的位数或字符不符", "the identity number has a wrong length or character"
)
ID_TYPE_MISSING: Final = Code("id_type_missing", _M, "有证件号码时须填证件类型", "an identity number needs its kind")
ONE_BODY: Final = Code("one_body", _M, "须且仅须填写一种后续情况", "exactly one kind of later fact")
PENALTY_SEALED: Final = Code(
    "penalty_sealed",
    Kind.DENIED,
    "治安违法记录依法封存，不予提供（治安管理处罚法第136条）",
    "records of public-security penalties are sealed by law and not given (Public Security Penalties Law 136)",
    clause="治安管理处罚法(2025) 136",
)
PHONE_FORMAT: Final = Code(
    "phone_format", _M, "不是有效的手机、固定电话或服务号码", "not a mobile, landline or service number"
)
REASON_MISMATCH: Final = Code("reason_mismatch", _M, "不予确认须附原因，确认不得附", "only a refusal has a reason")
REFERENCE_FORMAT: Final = Code(
    "reference_format",
    _M,
    "编号不得为空，不得含空格、网址符号、不可见字符，不得以 / 起止，不得含 . 、.. 或空的路径段",
    "a reference is not empty; no blanks, URL signs, invisible characters; no segment that is . or .. or empty",
)
TIME_FORMAT: Final = Code("time_format", _M, "应为带时区的 RFC 3339 时间", "expected an RFC 3339 time with an offset")
TOO_MANY_FAULTS: Final = Code("too_many_faults", _M, "错误超过 {limit} 处", "more than {limit} faults")

# running a bridge
BAD_CODE_LIST: Final = Code("bad_code_list", _M, "代码表不能用", "the code list cannot be used")

# intake
BAD_ID: Final = Code("bad_id", _M, "编号应写作 {form}", "an id is written {form}")
BAD_KEY: Final = Code("bad_key", _M, "幂等键至多 {limit} 字", "a key has at most {limit} characters", "idempotency_key")
BAD_ORGAN: Final = Code(
    "bad_organ",
    _M,
    "应为“渠道-编码”，如 window-620725",
    "written channel-code, for example window-620725",
    "source_organ",
)
COMMAND_TOO_LARGE: Final = Code("command_too_large", _M, "指令至多 {limit} 字节", "a command has at most {limit} bytes")
EMPTY_HANDOFF: Final = Code("empty_handoff", _M, "移交没有内容", "the hand-off has no content")
LINKED_DUPLICATE: Final = Code("linked_duplicate", _W, "并入主案的重复件", "linked to a master as a duplicate")
NOT_A_DOOR: Final = Code(
    "not_a_door", _M, "法院、公安、信访经各自的桥接", "court, police and petition have their own bridge", "channel"
)
APPROVER_NOT_NAMED: Final = Code(
    "approver_not_named",
    Kind.DENIED,
    "复核人须是持凭证者本人",
    "the reviewer that is named is whoever holds the credential",
    "reviewer_id",
)
NEEDS_NO_SECOND: Final = Code("needs_no_second", Kind.WRONG_STATE, "此指令不需他人复核", "nobody has to approve this")
PURPOSE_MISSING: Final = Code(
    "purpose_missing",
    _M,
    "查看当事人信息须说明用途：{listed}",
    "say what you look at persons for: {listed}",
    "purpose",
)
SECOND_PERSON_MISSING: Final = Code(
    "second_person_missing",
    Kind.DENIED,
    "须先经另一人复核（现状之下、内容相同）",
    "another person has to approve the same content first, of the dispute as it is",
)
NOT_YOUR_ACTOR: Final = Code(
    "not_your_actor",
    Kind.DENIED,
    "经办人须是持凭证者本人",
    "the actor is whoever holds the credential",
    "actor",
)
NOT_OUR_STREAM: Final = Code("not_our_stream", _M, "只有 {producer} 的流", "streams of {producer} only", "after")
REFUSED_ALREADY: Final = Code(
    "refused_already", _W, "同意在退回之后才到，须重新移送", "consent came after the refusal: hand the case over anew"
)
SUBMISSION_TOO_LARGE: Final = Code(
    "submission_too_large", _M, "一件至多 {limit} 字节", "a submission has at most {limit} bytes"
)
UNKNOWN_DISPUTE: Final = Code(
    "unknown_dispute", Kind.NOT_FOUND, "没有此编码的纠纷", "no dispute has this id", "dispute_id"
)
UNKNOWN_GROUND: Final = Code(
    "unknown_ground",
    _M,
    "删除的理由须为：{listed}",
    "a person is forgotten on one of these grounds: {listed}",
    "ground",
)
UNKNOWN_PARTY: Final = Code(
    "unknown_party", Kind.NOT_FOUND, "没有此序号的当事人", "no party of the dispute has this number", "party"
)
UNKNOWN_FACT: Final = Code(
    "unknown_fact", _M, "没有这种后续事实", "this kind of later fact is not known", "later_fact.kind"
)
WALL_CLOCK: Final = Code("wall_clock", _W, "期限按系统时钟计算，不能拨动", "deadlines run on the machine's clock")

# stats
BAD_COUNTY_CODE: Final = Code("bad_county_code", _M, "县码为6位数字", "a county code has 6 digits", "query.county_code")
BAD_DIMENSION: Final = Code(
    "bad_dimension", _M, "维度的值过长或含控制字符", "the value is too long or holds control characters", "dimensions"
)
BAD_DISPUTE_ID: Final = Code("bad_dispute_id", _M, "纠纷编码应为 UUID", "a dispute id is a UUID", "dispute_id")
BAD_TOWN_CODE: Final = Code("bad_town_code", _M, "镇码为9位数字", "a town code has 9 digits", "query.town_code")
PAGE_TOKEN_EXPIRED: Final = Code(
    "page_token_expired",
    _M,
    "数字已重算，请从第一页起",
    "the figures were rebuilt; start at the first page",
    "page_token",
)
PAGE_TOKEN_OF_ANOTHER_QUERY: Final = Code(
    "page_token_of_another_query", _M, "两页之间查询条件变了", "the query changed between two pages", "page_token"
)
TOWN_OUTSIDE_COUNTY: Final = Code(
    "town_outside_county", _M, "镇不在该县内", "the town lies in another county", "query.town_code"
)
UNKNOWN_CHANNEL: Final = Code("unknown_channel", _M, "没有此渠道；已知：{known}", "no such channel; known: {known}")
UNKNOWN_METRIC: Final = Code("unknown_metric", _M, "没有此指标；已知：{known}", "no such metric; known: {known}")
UNKNOWN_PART: Final = Code(
    "unknown_part", _M, "应为 numerator（分子）或 denominator（分母）", "expected numerator or denominator", "part"
)
UNKNOWN_STREAM: Final = Code("unknown_stream", _M, "{topic} 没有这个流", "{topic} has no such stream")
WINDOW_OUT_OF_RANGE: Final = Code(
    "window_out_of_range", _M, "日期应在 {first} 与 {last} 之间", "dates lie between {first} and {last}"
)
WINDOW_REVERSED: Final = Code(
    "window_reversed", _M, "结束日早于开始日", "the window ends before it starts", "query.end_on"
)
