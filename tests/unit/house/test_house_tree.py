"""House rules that import-linter can't see: names, sizes, who may open what, swallowed errors."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house import modules_over_400
from tests.support.tree import OURS, ROOT, dotted, imported, imported_by_name, modules, tree_of, where

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "base", "core"}
VAGUE = re.compile(r"(Manager|Helper|Util|Utils|Base|Impl)$")
LOG = re.compile(r"(^|[._])log(ger|ging)?$")
SHOWING = {"str", "repr", "type", "print", "format"}
MEDIAN = 150

# call -> the folders in which it may stand
OPENERS = {
    "create_engine": ("hub/store",),
    "create_async_engine": (),
    "sqlite3.connect": ("hub/store",),
    "psycopg.connect": ("hub/store",),
    "grpc.aio.server": ("hub/grpc",),
    "aio.server": ("hub/grpc",),
    "grpc.server": ("hub/grpc",),
    "insecure_channel": ("hub/grpc",),
    "secure_channel": ("hub/grpc",),
    "CollectorRegistry": ("hub/runtime",),
    "FastAPI": ("hub/http",),
    "uvicorn.Server": ("hub/http",),
    "faust.App": ("hub/kafka",),
    "KafkaProducer": ("hub/kafka",),
    "KafkaConsumer": ("hub/kafka",),
    "KafkaAdminClient": ("hub/kafka",),
    # a cancellation that befell what is awaited looks like the waiter's own: hub.runtime.tasks tells them apart
    "asyncio.shield": (),
}


def sources() -> list[Path]:
    return list(modules(*OURS))


def test_there_is_no_common_drawer() -> None:
    named = [p for folder in (*OURS, "tests", "bench") for p in (ROOT / folder).rglob("*") if p.suffix in {".py", ""}]
    drawers = [where(p) for p in named if p.stem in DRAWERS or p.stem.endswith(("_utils", "_helpers"))]
    assert drawers == []


def test_no_class_has_a_vague_name() -> None:
    vague = [
        f"{where(path, node)} {node.name}"
        for path in sources()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]
    assert vague == []


def test_modules_stay_small() -> None:
    assert modules_over_400(ROOT).places == ()


def test_the_kernel_keeps_its_small_median() -> None:
    sizes = sorted(n for p in sources() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 1)
    assert sizes[len(sizes) // 2] <= MEDIAN


@pytest.mark.parametrize("call", OPENERS)
def test_only_one_room_opens_it(call: str) -> None:
    strays = [
        where(path, node)
        for path in sources()
        if not path.relative_to(ROOT).as_posix().startswith(tuple(f"{room}/" for room in OPENERS[call]))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and f".{dotted(node.func)}".endswith(f".{call}")
    ]
    assert strays == []


def test_no_cancellation_is_suppressed() -> None:
    """Whose it was is then unknown; `hub.runtime.tasks.end_of` waits for a task's end, whichever it is."""
    suppressed = [
        where(path, node)
        for path in sources()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and dotted(node.func).endswith("suppress")
        and any(dotted(kind).endswith(("CancelledError", "BaseException")) for kind in node.args)
    ]
    assert suppressed == []


def test_no_function_rebinds_a_module_global() -> None:
    rebinding = [where(p, n) for p in sources() for n in ast.walk(tree_of(p)) if isinstance(n, ast.Global)]
    assert rebinding == []


def catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in kinds)


def passes_on(handler: ast.ExceptHandler) -> bool:
    """It raises, or hands the error itself to something that isn't a log."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Return | ast.Assign | ast.AnnAssign | ast.Yield) and handler.name in names(node):
            return True
        if isinstance(node, ast.Call) and handler.name in {n for arg in node.args for n in names(arg)}:
            receiver = dotted(node.func).rpartition(".")[0]
            if not LOG.search(receiver) and dotted(node.func) not in SHOWING:
                return True
    return False


def names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def only_logs(handler: ast.ExceptHandler) -> bool:
    """Nothing in it but `pass`, `continue` and calls of a log."""
    for statement in handler.body:
        logs = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if logs and LOG.search(dotted(statement.value.func).rpartition(".")[0]):  # type: ignore[attr-defined] # a Call
            continue
        if not isinstance(statement, ast.Pass | ast.Continue):
            return False
    return True


def has_reason(line: str) -> bool:
    return bool(re.search(r"# noqa: BLE001 - \w.{15,}", line))


def line_of(path: Path, handler: ast.ExceptHandler) -> str:
    return path.read_text(encoding="utf-8").splitlines()[handler.lineno - 1]


def swallows(handler: ast.ExceptHandler, line: str) -> bool:
    """A reason on the line excuses an answer to the error, never mere logging."""
    return catches_all(handler) and not passes_on(handler) and (only_logs(handler) or not has_reason(line))


def test_nothing_is_swallowed() -> None:
    swallowed = [
        where(path, node)
        for path in sources()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and swallows(node, line_of(path, node))
    ]
    assert swallowed == []


REASON = "  # noqa: BLE001 - each unit is tried again alone"


@pytest.mark.parametrize(
    ("body", "line", "bad"),
    [
        ("log.error('x', error=error)", "", True),
        ("log.error('x', error=error)", REASON, True),
        ("pass", REASON, True),
        ("self._log.warning(str(error))", "", True),
        ("return False", "", True),
        ("return False", REASON, False),
        ("raise", "", False),
        ("waiter.set_exception(error)", "", False),
        ("results.append(error)", "", False),
        ("return error", "", False),
    ],
)
def test_the_swallowing_check_sees_the_difference(body: str, line: str, bad: bool) -> None:  # noqa: FBT001 - a table
    tree = ast.parse(f"def f():\n  try: g()\n  except Exception as error:\n    {body}\n")
    (handler,) = (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
    assert swallows(handler, line) is bad


def test_tests_from_outside_know_nothing_of_ours() -> None:
    """Not even the generated code of this tree: black-box tests import `stubs`, made of the protos under test."""
    strays = [
        f"{where(path, node)} {name}"
        for path in modules("tests/system", "tests/blackbox")
        for name, node in (*imported(tree_of(path)), *imported_by_name(tree_of(path)))
        if name.split(".")[0] in OURS
    ]
    assert strays == []


def test_test_files_have_names_of_their_own() -> None:
    files = [p for p in modules("tests") if p.name.startswith("test_") or p.name == "conftest.py"]
    files.remove(ROOT / "tests" / "conftest.py")  # a module of the package `tests`, not a top-level one
    repeated = sorted({where(p) for p in files for q in files if p != q and p.name == q.name})
    assert repeated == []
