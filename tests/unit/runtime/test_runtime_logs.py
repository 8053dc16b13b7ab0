"""One redacted stream for structlog and for every library's logger."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hub.errors import Refusal, Rejected
from hub.runtime.logs import configure

CANARY_NAME = "欧阳试金石"
CANARY_ID = "11010519491231002X"
CANARY_PHONE = "13812345678"
LIBRARIES = ["uvicorn", "uvicorn.error", "faust", "mode", "aiokafka", "kafka", "grpc", "asyncio", "sqlalchemy.engine"]


def fail(error: Exception) -> None:
    raise error


class Out:
    """What a process wrote to stdout."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""
        self.err = ""

    def text(self) -> str:
        read = self._capsys.readouterr()
        self._text += read.out
        self.err += read.err
        return self._text

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Iterator[Out]:
    """Stdout of a process whose logging may be changed at will."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield Out(capsys)
    root.handlers, root.level = before
    for name in [*LIBRARIES, "uvicorn.access", "sqlalchemy"]:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_has_the_agreed_keys(out: Out) -> None:
    configure("intake", "info", "json")
    structlog.contextvars.bind_contextvars(correlation_id="c1")
    structlog.stdlib.get_logger("a").info("dispute_accepted", dispute_id="d1", count=3)
    (line,) = out.lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "dispute_accepted",
        "service": "intake",
        "correlation_id": "c1",
        "dispute_id": "d1",
        "count": 3,
        "level": "info",
        "logger": "a",
    }


def test_a_level_below_is_not_written(out: Out) -> None:
    configure("intake", "warning", "json")
    structlog.stdlib.get_logger("a").info("quiet")
    logging.getLogger("uvicorn").info("quiet")
    structlog.stdlib.get_logger("a").warning("loud")
    assert [line["event"] for line in out.lines()] == ["loud"]


@pytest.mark.parametrize("library", LIBRARIES, ids="logger-{}".format)
def test_libraries_write_the_same_lines(out: Out, library: str) -> None:
    logging.getLogger(library).addHandler(logging.StreamHandler(io.StringIO()))
    configure("stats", "info", "json")
    logging.getLogger(library).error("lost %s of %d", "one", 5)
    (line,) = out.lines()
    assert (line["event"], line["service"], line["logger"]) == ("lost one of 5", "stats", library)
    logging.getLogger(library).handlers = []


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_complaint_without_end_is_written_ten_times_a_minute_and_counted(
    out: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.runtime.logs.time", clock := Clock())
    configure("stats", "info", "json")
    for number in range(300):
        clock.now = number / 10
        logging.getLogger("kafka").error(f"<Connection node_id={number} at 0x{number:x}> lost: %s", number)  # noqa: G004 - as libraries do
        structlog.stdlib.get_logger("a").warning("waits", code="store_full")
    structlog.stdlib.get_logger("a").warning("waits", code="another")
    lines = out.lines()
    assert len([line for line in lines if line["logger"] == "kafka"]) == 10
    assert [line["code"] for line in lines if line["logger"] == "a"] == ["store_full"] * 10 + ["another"]
    clock.now = 61.0
    logging.getLogger("kafka").error("<Connection node_id=7 at 0x7> lost: %s", 7)
    structlog.stdlib.get_logger("a").warning("waits", code="store_full")
    assert [(line["logger"], line["kept_back"]) for line in out.lines()[-2:]] == [("kafka", 290), ("a", 290)]


def test_what_is_no_complaint_is_never_kept_back(out: Out) -> None:
    configure("stats", "info", "json")
    for number in range(50):
        structlog.stdlib.get_logger("a").info("done", number=number)
    assert len(out.lines()) == 50


def test_access_lines_and_sql_stay_out_at_info(out: Out) -> None:
    configure("stats", "info", "json")
    logging.getLogger("uvicorn.access").info("GET /cases/%s", "ref-1")
    logging.getLogger("sqlalchemy.engine").info("INSERT …")
    assert out.lines() == []


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_canary_no_way_of_logging_lets_a_person_through(out: Out, form: str) -> None:
    configure("intake", "debug", form)
    log, plain = structlog.stdlib.get_logger("a"), logging.getLogger("kafka.client")
    log.info("received", name=CANARY_NAME, parties=[{"name": CANARY_NAME, "phone": CANARY_PHONE}])
    log.info(f"called {CANARY_PHONE} about {CANARY_ID}")  # noqa: G004 - an event that was built from data
    log.warning("value", value=f"{CANARY_ID}", raw=CANARY_NAME.encode(), nested={"address": CANARY_NAME})
    log.info("positional %s", CANARY_PHONE)
    try:
        fail(ValueError(f"bad input {CANARY_NAME}"))
    except ValueError as error:
        log.exception("failed")
        log.warning("failed", exc_info=error)
        log.warning("failed", error=error)
        plain.exception("failed %r %s", error, CANARY_ID)
        plain.error("failed %(error)s", {"error": error, "other": 1})
    plain.error("raw %s", CANARY_NAME.encode())
    plain.warning("extra", extra={"phone": CANARY_PHONE, "applicant_name": CANARY_NAME})
    never = f"Task exception was never retrieved\nfuture: <Task ValueError('{CANARY_NAME}')>"
    logging.getLogger("asyncio").error(never)
    written = out.text()
    for secret in (CANARY_NAME, CANARY_ID, CANARY_PHONE, repr(CANARY_NAME.encode()), CANARY_NAME.encode().hex()):
        assert secret not in written + out.err
    assert written.count("failed") >= 5
    assert "ValueError" in written


def test_an_exception_tells_where_and_our_own_text(out: Out) -> None:
    configure("intake", "info", "json")
    try:
        fail(Refusal("consent_missing", "no consent recorded").error())
    except Rejected:
        structlog.stdlib.get_logger("a").exception("refused")
    (line,) = out.lines()
    assert line["exception"]["message"] == "consent_missing: no consent recorded"
    assert "test_runtime_logs.py" in line["exception"]["frames"][0]


def test_chinese_stays_readable(out: Out) -> None:
    configure("intake", "info", "json")
    structlog.stdlib.get_logger("a").info("综治中心已启动")
    assert "综治中心已启动" in out.text()


def test_auto_is_json_where_stdout_is_no_terminal(out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    configure("intake", "info", "auto")
    structlog.stdlib.get_logger("a").info("x")
    assert len(out.lines()) == 1
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    configure("intake", "info", "auto")
    structlog.stdlib.get_logger("a").info("pretty")
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(out.text().splitlines()[-1])


def test_configuring_twice_writes_each_line_once(out: Out) -> None:
    configure("intake", "info", "json")
    configure("intake", "info", "json")
    logging.getLogger("anything").error("once")
    assert len(out.lines()) == 1


def test_warnings_are_lines_too(out: Out) -> None:
    configure("intake", "info", "json")
    logging.getLogger("py.warnings").warning("%s", "deprecated")
    assert out.lines()[0]["logger"] == "py.warnings"


def test_a_line_that_cannot_be_written_is_told_without_what_it_said(out: Out) -> None:
    configure("intake", "info", "json")
    logging.getLogger("kafka").error("%d partners", CANARY_NAME)
    assert out.lines() == []
    assert CANARY_NAME not in out.err
    assert json.loads(out.err)["event"] == "log_line_lost"


def test_an_unknown_level_is_a_mistake(out: Out) -> None:
    with pytest.raises(KeyError):
        configure("intake", "loud", "json")
    assert out.text() == ""
