"""The register of metrics.

Each name is both a type and a row, so an undeclared name fails type checking and at run time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CounterName = Literal[
    "grpc_server_started_total",
    "grpc_server_handled_total",
    "hub_http_requests_total",
    "hub_pipeline_in_total",
    "hub_pipeline_out_total",
    "hub_dead_letters_total",
    "hub_repeats_dropped_total",
    "hub_gaps_fetched_total",
    "hub_backlog_fetched_total",
    "hub_producer_renewals_total",
    "hub_records_received_total",
    "hub_records_refused_total",
    "hub_disputes_events_total",
    "hub_sealed_record_queries_total",
    "hub_calls_denied_total",
]
GaugeName = Literal[
    "hub_build_info",
    "hub_healthy",
    "hub_audit_rows",
    "hub_store_wal_bytes",
    "hub_pipeline_in_progress",
    "hub_pipeline_last_processed_timestamp_seconds",
    "hub_pipeline_lag_messages",
    "hub_pipeline_lag_seconds",
    "hub_parked_disputes",
    "hub_source_held",
    "hub_held_rows",
    "hub_outbox_unsent_rows",
    "hub_outbox_oldest_unsent_age_seconds",
    "hub_disputes_supervised",
    "hub_stats_disputes",
    "hub_stats_balance_difference",
    "hub_calendar_covered_until_timestamp_seconds",
    "hub_calendar_issued_timestamp_seconds",
    "hub_calendar_damaged_files",
    "hub_codelist_as_of_timestamp_seconds",
    "hub_rules_damaged_files",
    "hub_rules_info",
]
HistogramName = Literal["grpc_server_handling_seconds", "hub_pipeline_event_age_seconds"]
MetricName = CounterName | GaugeName | HistogramName

RPC_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
PIPELINE_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One row of the register.

    Attributes:
        name: Community names for gRPC, `hub_` elsewhere; base units; `_total` only on counters.
        kind: Prometheus' kind of the metric.
        help_zh: Meaning, for county staff.
        help_en: The same in English.
        labels: Each with a bounded set of values; never a dispute or a person.
        buckets: Upper bounds of a histogram.
    """

    name: MetricName
    kind: Literal["counter", "gauge", "histogram"]
    help_zh: str
    help_en: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_RPC: Final = ("grpc_service", "grpc_method")

REGISTER: Final[tuple[MetricRow, ...]] = (
    MetricRow(
        "hub_calls_denied_total",
        "counter",
        "被拒绝的调用（凭证无效、角色无权、暂时无法确认）",
        "calls that the gate denied: no valid credential, not for the role, not known now",
        ("code",),
    ),
    MetricRow(
        "hub_audit_rows",
        "gauge",
        "本服务存储中的审计条目数（每分钟一看）；上限为 HUB_AUDIT_ROWS_MOST",
        "Entries of the audit in the service's store, looked at once a minute; their bound is HUB_AUDIT_ROWS_MOST",
    ),
    MetricRow("grpc_server_started_total", "counter", "开始的 gRPC 调用数", "gRPC calls begun", _RPC),
    MetricRow(
        "grpc_server_handled_total",
        "counter",
        "结束的 gRPC 调用数，按状态码",
        "gRPC calls ended, by status code",
        (*_RPC, "grpc_code"),
    ),
    MetricRow(
        "grpc_server_handling_seconds",
        "histogram",
        "gRPC 调用耗时",
        "Time a gRPC call took",
        _RPC,
        buckets=RPC_BUCKETS,
    ),
    MetricRow(
        "hub_http_requests_total",
        "counter",
        "结束的 HTTP 请求数，按路由和状态码",
        "HTTP requests answered, by route and status",
        ("method", "route", "status"),
    ),
    MetricRow(
        "hub_build_info",
        "gauge",
        "恒为 1；标签是服务和版本",
        "Always 1; labels tell service and version",
        ("service", "version"),
    ),
    MetricRow(
        "hub_healthy",
        "gauge",
        "能履行职责为 1；不能受理或不能处理满 10 秒为 0",
        "1 while the service does its job; 0 once it could not accept, or not apply, for 10 s",
    ),
    MetricRow(
        "hub_store_wal_bytes",
        "gauge",
        "SQLite 预写日志文件的大小（PostgreSQL 为 0）",
        "Size of SQLite's write-ahead log file (0 on PostgreSQL)",
    ),
    MetricRow("hub_pipeline_in_total", "counter", "环节收到的记录数", "Records that entered a stage", ("stage",)),
    MetricRow("hub_pipeline_out_total", "counter", "环节处理完的记录数", "Records that left a stage", ("stage",)),
    MetricRow("hub_pipeline_in_progress", "gauge", "环节正在处理的记录数", "Records in a stage now", ("stage",)),
    MetricRow(
        "hub_pipeline_last_processed_timestamp_seconds",
        "gauge",
        "环节最近处理完一条记录的时刻（Unix 秒）",
        "When a stage last finished a record (Unix time)",
        ("stage",),
    ),
    MetricRow(
        "hub_pipeline_event_age_seconds",
        "histogram",
        "处理时事件的年龄：现在减发生时刻",
        "Age of an event when processed: now - occurred_at",
        ("stage",),
        buckets=PIPELINE_BUCKETS,
    ),
    MetricRow(
        "hub_pipeline_lag_messages",
        "gauge",
        "尚未读到的消息数，不小于 0",
        "Messages not yet read, at least 0",
        ("stage",),
    ),
    MetricRow(
        "hub_pipeline_lag_seconds",
        "gauge",
        "最早未读消息的年龄；读完为 0",
        "Age of the oldest unread message; 0 when all are read",
        ("stage",),
    ),
    MetricRow(
        "hub_dead_letters_total",
        "counter",
        "进入死信的记录数，按原因",
        "Records that became dead letters, by reason",
        ("stage", "reason"),
    ),
    MetricRow(
        "hub_repeats_dropped_total",
        "counter",
        "按位置丢弃的重复记录数",
        "Repeated records dropped by position",
        ("stage",),
    ),
    MetricRow(
        "hub_gaps_fetched_total",
        "counter",
        "消费框架漏掉、直接从日志补取的消息数",
        "Messages the consumer dropped and the reader fetched from the log",
        ("stage",),
    ),
    MetricRow(
        "hub_backlog_fetched_total",
        "counter",
        "积压过多、绕过消费框架直接从日志读取的消息数（不算漏掉）",
        "Messages far behind that the reader read from the log, past the consumer; none of them was dropped",
        ("stage",),
    ),
    MetricRow("hub_parked_disputes", "gauge", "暂停处理的纠纷数", "Disputes parked by trouble with one record"),
    MetricRow(
        "hub_source_held",
        "gauge",
        "因死信成批而暂扣的来源数（哪些：hub dlq held）",
        "Sources held because their records died in numbers (which ones: hub dlq held)",
        ("stage",),
    ),
    MetricRow("hub_held_rows", "gauge", "暂扣来源的待处理记录数", "Records of held sources that wait", ("stage",)),
    MetricRow(
        "hub_outbox_unsent_rows",
        "gauge",
        "已受理、Kafka 尚未确认的记录数",
        "Records accepted and not yet confirmed by Kafka",
    ),
    MetricRow(
        "hub_outbox_oldest_unsent_age_seconds",
        "gauge",
        "最早未确认记录的年龄；没有则为 0",
        "Age of the oldest unconfirmed record; 0 when there is none",
    ),
    MetricRow(
        "hub_producer_renewals_total", "counter", "重建 Kafka 生产者的次数", "Times the Kafka producer was rebuilt"
    ),
    MetricRow(
        "hub_records_received_total", "counter", "收到并存妥的来件数", "Records received and stored", ("source",)
    ),
    MetricRow(
        "hub_records_refused_total", "counter", "拒收的来件数，按原因", "Records refused, by reason", ("source", "code")
    ),
    MetricRow(
        "hub_disputes_events_total",
        "counter",
        "写入日志的纠纷事件数，按类型和渠道",
        "Dispute events written to the journal, by type and channel",
        ("type", "channel"),
    ),
    MetricRow(
        "hub_disputes_supervised",
        "gauge",
        "督办中的纠纷数，按级别和渠道（哪些：hub alarms）",
        "Disputes under supervision, by level and channel (which ones: hub alarms)",
        ("level", "channel"),
    ),
    MetricRow(
        "hub_sealed_record_queries_total",
        "counter",
        "查询依法封存记录的次数（一律拒绝）",
        "Queries of records that the law seals; each was refused",
        ("service",),
    ),
    MetricRow(
        "hub_stats_disputes",
        "gauge",
        "计数的基数（登记、事项、受理、达成、未成、已结）；比率的分子和分母各为一个 measure",
        "Base counts (registered, matters, accepted, agreed, failed, concluded); numerators and denominators of rates",
        ("county", "channel", "measure"),
    ),
    MetricRow(
        "hub_stats_balance_difference",
        "gauge",
        "账目差额：收到 - 处理 - 拒绝 - 死信 - 在途；平账为 0",
        "Books: received - applied - rejected - dead - in flight; 0 when they balance",
        ("stage",),
    ),
    MetricRow(
        "hub_calendar_covered_until_timestamp_seconds",
        "gauge",
        "节假日表到此为止（首个缺表年份的元旦）",
        "Holiday tables reach up to here: the first day of the first year without one",
    ),
    MetricRow(
        "hub_calendar_issued_timestamp_seconds",
        "gauge",
        "最新一张自备节假日表的通知日期",
        "Date of the notice of the newest holiday table that the operator brought",
    ),
    MetricRow(
        "hub_calendar_damaged_files", "gauge", "损坏的节假日表文件数", "Files of holiday tables that can't be read"
    ),
    MetricRow(
        "hub_codelist_as_of_timestamp_seconds",
        "gauge",
        "代码表取自来源的日期；list 为表名",
        "Day on which a code list was taken from its source, by list",
        ("list",),
    ),
    MetricRow(
        "hub_rules_damaged_files",
        "gauge",
        "有误的本县规则文件数；大于 0 时沿用旧规则",
        "Faulty files of the county's rules; above 0 the former rules stay in force",
    ),
    MetricRow(
        "hub_rules_info",
        "gauge",
        "现行规则版本为 1，本进程此前用过的版本为 0",
        "1 at the version of the rules in force, 0 at those that this process used before",
        ("version",),
    ),
)
