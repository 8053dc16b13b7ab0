"""The platform's codes, each with its kind and its texts.

What products and tools add stands in catalogues of their own.
"""

from __future__ import annotations

from typing import Final

from hub.errors import Code, Kind

# store
BACKUP_DAMAGED: Final = Code("backup_damaged", Kind.MALFORMED, "备份已损坏", "the copy is damaged")
FILE_EXISTS: Final = Code("file_exists", Kind.MALFORMED, "不覆盖已有文件", "a file is never overwritten")
KEYS_NOT_WRITABLE: Final = Code(
    "keys_not_writable", Kind.UNAVAILABLE, "密钥目录不可写", "the folder of the keys takes no writes"
)
NO_BACKUP: Final = Code("no_backup", Kind.NOT_FOUND, "没有此备份", "no such backup")
NO_STORE: Final = Code("no_store", Kind.NOT_FOUND, "没有此文件", "no such file")
NOT_SQLITE: Final = Code(
    "not_sqlite",
    Kind.MALFORMED,
    "PostgreSQL 请用 pg_dump / pg_restore",
    "PostgreSQL has its own commands: pg_dump, pg_restore",
)
STORE_BUSY: Final = Code("store_busy", Kind.UNAVAILABLE, "数据库来不及", "the store is too busy")
STORE_CLOSED: Final = Code("store_closed", Kind.UNAVAILABLE, "服务正在停止", "the service is stopping")
STORE_FULL: Final = Code("store_full", Kind.EXHAUSTED, "数据库空间已满", "the store has no space left")
STORE_IN_USE: Final = Code(
    "store_in_use", Kind.WRONG_STATE, "{service} 正在运行，请先停止", "it is running: stop it first"
)
STORE_LOCKED: Final = Code("store_locked", Kind.UNAVAILABLE, "数据库被他人锁住", "another session holds a lock")
STORE_RACED: Final = Code(
    "store_raced", Kind.UNAVAILABLE, "另一进程刚接手此分区", "another worker has just adopted the partition"
)
STORE_READ_ONLY: Final = Code("store_read_only", Kind.UNAVAILABLE, "数据库只读", "the store takes no writes")
STORE_UNAVAILABLE: Final = Code("store_unavailable", Kind.UNAVAILABLE, "数据库没有应答", "the store did not answer")
UNKNOWN_STORE: Final = Code(
    "unknown_store",
    Kind.MALFORMED,
    "不支持 {backend}，只支持 sqlite 与 postgresql",
    "sqlite and postgresql are supported",
    field="store_url",
)

# streams
BAD_POSITION: Final = Code("bad_position", Kind.MALFORMED, "位置不得小于 0", "a position is 0 or more")
BAD_STREAM_NAME: Final = Code(
    "bad_stream_name",
    Kind.MALFORMED,
    "流名应写作 producer/shard/epoch",
    "a stream is written producer/shard/epoch",
    field="stream",
)
BEHIND_PARKED: Final = Code(
    "behind_parked", Kind.UNAVAILABLE, "同一纠纷的前一条记录被搁置", "an earlier record of the dispute is parked"
)
BUG: Final = Code("bug", Kind.UNAVAILABLE, "程序出错", "the program failed")
DUPLICATE_STREAM: Final = Code("duplicate_stream", Kind.MALFORMED, "同一流只能写一次", "at most one entry per stream")
NOT_A_BATCH: Final = Code(
    "not_a_batch", Kind.MALFORMED, "消息头没有指明流中的位置", "the headers name no place in a stream"
)
NOT_REDRIVABLE: Final = Code("not_redrivable", Kind.MALFORMED, "无法退回重办", "can't be redriven", field="id")
OUTBOX_FULL: Final = Code(
    "outbox_full", Kind.EXHAUSTED, "此前收下的记录尚未送出", "the records accepted before are not published yet"
)
PLACE_MISMATCH: Final = Code(
    "place_mismatch", Kind.MALFORMED, "消息内容与消息头不符", "the message contradicts its headers"
)
POSITION_NOT_REACHED: Final = Code(
    "position_not_reached", Kind.TOO_LATE, "未能及时处理到所要的位置", "the wanted place was not reached in time"
)
RECORD_TOO_LARGE: Final = Code(
    "record_too_large", Kind.MALFORMED, "一条记录至多 {limit} 字节", "a record is at most {limit} bytes"
)
READER_STUCK: Final = Code("reader_stuck", Kind.UNAVAILABLE, "读取停滞", "reading does not move on")
REDRIVEN: Final = Code("redriven", Kind.UNAVAILABLE, "已退回，等待重办", "given back, and waits to be tried again")
SOURCE_HELD: Final = Code(
    "source_held",
    Kind.MALFORMED,
    "来源已暂停，且已留存 {limit} 条记录",
    "the source is held, and {limit} of its records are kept",
)
TOMBSTONE: Final = Code("tombstone", Kind.MALFORMED, "消息没有内容", "a message without a value")
UNDECODABLE: Final = Code("undecodable", Kind.MALFORMED, "无法解码", "it is no {message}")
UNSENT: Final = Code("unsent", Kind.UNAVAILABLE, "已受理的记录未能发出", "accepted records are not sent on")
UNKNOWN_DEAD_LETTER: Final = Code(
    "unknown_dead_letter", Kind.NOT_FOUND, "没有此死信，或已退回", "no such dead letter, or it was given back"
)

# Kafka
BUS_UNAVAILABLE: Final = Code("bus_unavailable", Kind.UNAVAILABLE, "Kafka 暂不可用", "Kafka is not available")
CLOCK_AHEAD: Final = Code(
    "clock_ahead",
    Kind.UNAVAILABLE,
    "本机时钟超前，Kafka 拒收",
    "this machine's clock is ahead: Kafka refuses its stamps",
)
CONSUMER_STALLED: Final = Code(
    "consumer_stalled", Kind.UNAVAILABLE, "消费者停滞，将重新启动", "the consumer stalled and is started again"
)

# gRPC and HTTP alike
DEADLINE_EXCEEDED: Final = Code("deadline_exceeded", Kind.TOO_LATE, "处理超时", "the request took too long")
INTERNAL: Final = Code("internal", Kind.INTERNAL, "内部错误", "internal error")
INTERRUPTED: Final = Code("interrupted", Kind.UNAVAILABLE, "内部中断，请重试", "interrupted within; ask again")
TOO_MANY_AT_ONCE: Final = Code("too_many_at_once", Kind.EXHAUSTED, "同时进行的请求过多", "too many requests at once")

# gRPC
DRAINING: Final = Code(
    "draining", Kind.UNAVAILABLE, "服务正在停止，请转向别处", "the server is stopping; go on elsewhere"
)
MESSAGE_TOO_LARGE: Final = Code("message_too_large", Kind.MALFORMED, "消息过大", "the message is too large")
UNDECODABLE_REQUEST: Final = Code(
    "undecodable_request",
    Kind.MALFORMED,
    "请求缺失，或不是此方法的消息",
    "the request is missing, or no message of this method",
)

# HTTP
BAD_IDEMPOTENCY_KEY: Final = Code(
    "bad_idempotency_key",
    Kind.MALFORMED,
    "1 至 128 个可见 ASCII 字符",
    "1 to 128 visible ASCII characters",
    field="header.Idempotency-Key",
)
BAD_REQUEST: Final = Code("bad_request", Kind.MALFORMED, "不是合格的请求", "not a well-formed request", http=400)
BYTE_ORDER_MARK: Final = Code(
    "byte_order_mark", Kind.MALFORMED, "开头有字节序标记（BOM）", "the body begins with a byte order mark", http=400
)
DENIED: Final = Code("denied", Kind.DENIED, "无权办理", "not permitted")
DUPLICATE_KEY: Final = Code(
    "duplicate_key", Kind.MALFORMED, "对象中有重复的键", "a key stands twice in one object", http=400
)
DUPLICATE_PARAMETER: Final = Code(
    "duplicate_parameter", Kind.MALFORMED, "查询参数重复", "the query parameter stands twice"
)
EMPTY_BODY: Final = Code("empty_body", Kind.MALFORMED, "没有内容", "the request has no body", http=400)
INVALID_JSON: Final = Code("invalid_json", Kind.MALFORMED, "不是合格的 JSON", "not well-formed JSON", http=400)
INVALID_UTF8: Final = Code("invalid_utf8", Kind.MALFORMED, "内容不是 UTF-8", "the body is not UTF-8", http=400)
METHOD_NOT_ALLOWED: Final = Code(
    "method_not_allowed", Kind.MALFORMED, "不支持该方法", "the path does not serve this method", http=405
)
NOT_FOUND: Final = Code("not_found", Kind.NOT_FOUND, "没有找到", "not found")
REQUEST_TIMEOUT: Final = Code("request_timeout", Kind.MALFORMED, "内容迟迟未到", "the body came too slowly", http=408)
TOO_DEEP: Final = Code("too_deep", Kind.MALFORMED, "嵌套至多 {limit} 层", "at most {limit} levels deep", http=400)
TOO_LARGE: Final = Code("too_large", Kind.MALFORMED, "内容过大", "the content is too large", http=413)
TOO_MANY_ITEMS: Final = Code("too_many_items", Kind.MALFORMED, "至多 {limit} 项", "at most {limit} items")
TOO_MANY_VALUES: Final = Code(
    "too_many_values", Kind.MALFORMED, "至多 {limit} 个值", "at most {limit} values in all", http=400
)
BAD_AREA: Final = Code(
    "bad_area",
    Kind.MALFORMED,
    "区划代码应为 2、4、6 或 9 位数字，或留空",
    "2, 4, 6 or 9 digits, or empty",
    field="area",
)
BAD_DIGEST: Final = Code(
    "bad_digest", Kind.MALFORMED, "应为 64 位小写十六进制", "64 lower-case hexadecimal digits", field="token_sha256"
)
BAD_EXPIRY: Final = Code(
    "bad_expiry",
    Kind.MALFORMED,
    "有效期须晚于现在，至多一年",
    "a credential ends after now and within a year",
    field="expires_at",
)
BAD_HOLDER: Final = Code(
    "bad_holder",
    Kind.MALFORMED,
    "持有人用化名：小写字母开头，可含数字与 . _ -，至多 64 个字符",
    "a pseudonym: begins with a lower-case letter; digits, . _ - may follow; at most 64 characters",
    field="holder",
)
BAD_SCOPE: Final = Code("bad_scope", Kind.MALFORMED, "没有这样的范围", "no such scope", field="scopes")
UNKNOWN_ROLE: Final = Code(
    "unknown_role", Kind.MALFORMED, "没有此角色，或不能授予", "no such role, or nobody can hold it", field="role"
)
TOO_MANY_CALLS: Final = Code(
    "too_many_calls",
    Kind.EXHAUSTED,
    "此凭证每分钟至多 {limit} 次调用",
    "at most {limit} calls a minute with this credential",
)
TOO_MANY_GUESSES: Final = Code(
    "too_many_guesses", Kind.EXHAUSTED, "无效凭证过多，请稍后再试", "too many wrong credentials; come back later"
)
AUDIT_TOO_LARGE: Final = Code(
    "audit_too_large",
    Kind.EXHAUSTED,
    "审计条目超过上限，且均未满六个月，依法不得删除",
    "the audit has more entries than its bound, all of them younger than six months: the law has them kept",
)
CREDENTIALS_STALE: Final = Code(
    "credentials_stale",
    Kind.UNAVAILABLE,
    "暂时无法确认凭证是否已被撤销",
    "it is not known now whether the credential was revoked",
)
OPENID_KEYS_OLD: Final = Code(
    "openid_keys_old",
    Kind.UNAVAILABLE,
    "身份提供方的公钥未能取得或已过旧",
    "the identity provider's keys could not be fetched, or are old",
)
NOT_FOR_ROLE: Final = Code(
    "not_for_role", Kind.DENIED, "此凭证的角色或范围无权进行此操作", "not for your role or scope"
)
UNAUTHENTICATED: Final = Code(
    "unauthenticated", Kind.UNAUTHENTICATED, "凭证或 API 密钥缺失或无效", "no valid credential or API key"
)
UNKNOWN_CREDENTIAL: Final = Code(
    "unknown_credential", Kind.NOT_FOUND, "没有此凭证", "no such credential", field="credential_id"
)
UNKNOWN_PARAMETER: Final = Code("unknown_parameter", Kind.MALFORMED, "没有这个查询参数", "no such query parameter")
UNSUPPORTED_ENCODING: Final = Code(
    "unsupported_encoding", Kind.MALFORMED, "不接受压缩内容", "compressed bodies are not accepted", http=415
)
UNSUPPORTED_MEDIA_TYPE: Final = Code(
    "unsupported_media_type", Kind.MALFORMED, "只接受 application/json", "only application/json is accepted", http=415
)

# fields of a request
BAD_FORMAT: Final = Code("bad_format", Kind.MALFORMED, "格式不对", "wrong format")
INVALID_TEXT: Final = Code(
    "invalid_text", Kind.MALFORMED, "文本含有不允许的字符", "the text holds characters that are not allowed"
)
INVALID_VALUE: Final = Code("invalid_value", Kind.MALFORMED, "值不合要求", "the value is not acceptable")
MISSING: Final = Code("missing", Kind.MALFORMED, "必填字段缺失", "a required field is missing")
NOT_IN_LIST: Final = Code("not_in_list", Kind.MALFORMED, "不在代码表内", "not in the list of values")
OUT_OF_RANGE: Final = Code("out_of_range", Kind.MALFORMED, "超出范围", "out of range")
TOO_LONG: Final = Code("too_long", Kind.MALFORMED, "过长", "too long")
TOO_SHORT: Final = Code("too_short", Kind.MALFORMED, "过短", "too short")
UNKNOWN_FIELD: Final = Code("unknown_field", Kind.MALFORMED, "没有这个字段", "no such field")
WRONG_TYPE: Final = Code("wrong_type", Kind.MALFORMED, "类型不对", "wrong type")
