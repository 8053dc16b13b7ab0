"""The `hub` command.

It starts a hub, plays scenarios, shows a running hub, and repairs, for example dead letters.

Exit codes: 0 ok · 1 difference or fault found · 2 wrong usage · 3 a tool is missing · 4 timed out · 130 interrupted ·
141 nobody reads the output.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Final

import typer

from dispute.lifecycle.vocabulary import DOCKED
from ops.console import output
from ops.console.exits import Exit
from ops.console.interrupts import run
from ops.play.progress import RunProgress
from ops.play.scenarios.checking import app as scenario_app
from ops.play.scenarios.days import this_day
from ops.play.scenarios.load import load
from ops.play.scenarios.wall import refuse_unplayable
from ops.play.screen import Screen
from ops.play.session import Options, RunReport, Session
from ops.play.summary import as_json, differences, show
from ops.play.trial.command import trial
from ops.repair import audit, dead_letters, doctor, holds
from ops.repair import stores_and_topics as upkeep
from ops.run import alarms, calendar, case, credential_commands, dry_run, rules, sealed_exits, shredding
from ops.run import event_tail as watching
from ops.run import status as looking
from ops.run.credentials import FOLDER, OPERATOR, make, token_path
from ops.run.launcher import Hub, LaunchPlan, check_broker
from ops.run.run_folder import WALL, clock_of, run_folder
from ops.run.supervisor import supervisor_of

CODES: Final = (
    "退出码 exit codes: 0 正常 ok · 1 有差异或故障 difference or fault · 2 用法 usage · 3 缺工具 missing tool · "
    "4 超时 timed out · 130 中断 interrupted · 141 输出无人接收 nobody reads"
)
app = typer.Typer(
    name="hub",
    help="三调对接枢纽 The Santiao hub: courts, police and petition offices docked to a county's mediation centre.",
    epilog=CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(watching.app, name="events")
app.add_typer(calendar.app, name="calendar")
app.add_typer(rules.app, name="rules")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(audit.app, name="audit")
app.add_typer(credential_commands.app, name="credentials")
app.add_typer(sealed_exits.app, name="exits")
app.add_typer(shredding.app, name="privacy")
app.add_typer(looking.stats_app, name="stats")
app.add_typer(upkeep.store_app, name="store")
app.add_typer(upkeep.topics_app, name="topics")
app.add_typer(scenario_app, name="scenario")
rules.app.command("dry-run", epilog=dry_run.CODES)(dry_run.dry_run)
dead_letters.app.command("held")(holds.held)
dead_letters.app.command("release")(holds.release_)
app.command("status")(looking.status)
app.command("books")(looking.books)
app.command("case")(case.case)
app.command("alarms")(alarms.alarms)
app.command("doctor")(doctor.doctor)
app.command("trial", epilog=CODES)(trial)

CLOCKS: Final = ("scenario", WALL)
PASSED_ON: Final = ("HUB_KAFKA_PARTITIONS",)
"""Settings that `hub up` copies from its environment to every service; `HUB_CLOCK` is the run's, and goes to intake."""
Store = Annotated[str, typer.Option(help="存储 where services keep their data: sqlite | postgres")]
Workers = Annotated[int, typer.Option("--intake-workers", min=1, max=8, help="登记服务进程数 processes of intake")]
Secured = Annotated[
    bool,
    typer.Option("--secured", help="Kafka 用 TLS、登录与权限 Kafka with TLS, logins and access rules (native broker)"),
]
RunFolder = Annotated[Path | None, typer.Option("--folder", help="运行目录 run folder; default .run/<time>")]
Json = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档 one JSON document on stdout and nothing else")]


def main() -> None:
    """Run the command line.

    This is the entry point of the `hub` script.
    """
    with output.printing():
        app()


@app.command(epilog=CODES)
def demo(
    scenario: Annotated[Path, typer.Option(help="场景文件 scenario file (docs/scenarios.md)")] = Path(
        "scenarios/shandan-2024.yaml"
    ),
    chaos: Annotated[
        int | None,
        typer.Option(help="种子：不断 kill -9 五个服务，真实时钟下另加暂停 seed: keeps killing (and pausing) services"),
    ] = None,
    store: Store = "sqlite",
    intake_workers: Workers = 1,
    folder: RunFolder = None,
    *,
    clock: Annotated[
        str, typer.Option(help="时钟 scenario: 按场景推进 moved by the run | wall: 真实时钟 as a county runs it")
    ] = "scenario",
    secured: Secured = False,
    json: Json = False,
) -> None:
    """演示 Play a scenario through a real Kafka and five services; compare every figure with the scenario's sums."""
    _check_store(store)
    if clock not in CLOCKS:
        raise typer.BadParameter(" | ".join(CLOCKS), param_hint="--clock")
    with output.failing():
        today = this_day()
        played = load(_found(scenario), today)
        if clock == WALL:
            refuse_unplayable(played, today)
        check_broker()
        with run_folder(folder) as where:
            report = run(_demo(Options(played, where, store, intake_workers, chaos, clock, secured), json=json))
    if json:
        output.document(as_json(report))
        if report.differences:
            differences(output.stderr(), report)
    else:
        show(output.console(), report)
    if not report.ok:
        raise typer.Exit(int(Exit.DIFFERENCE))


@app.command(epilog=CODES)
def up(
    county: Annotated[str, typer.Option(help="区划代码 county code of the agencies to make keys for")] = "620725",
    store: Store = "sqlite",
    intake_workers: Workers = 1,
    folder: RunFolder = None,
    *,
    secured: Secured = False,
    bus_only: Annotated[
        bool, typer.Option("--bus-only", help="只启动 Kafka，供修复 only the Kafka, for repairs")
    ] = False,
) -> None:
    """启动 Start a Kafka and the five services, and stay until Ctrl-C; an old run folder goes on where it stopped."""
    _check_store(store)
    # Only the settings that a repair may change come from our environment; the plan describes the rest of a run.
    settings = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with output.failing():
        check_broker()
        with run_folder(folder) as where:
            clock = os.environ.get("HUB_CLOCK") or clock_of(where)
            plan = LaunchPlan(
                where, store, intake_workers, clock=clock, settings=settings, secured=secured, bus_only=bus_only
            )
            run(_up(county, plan))


def _check_store(store: str) -> None:
    if store not in {"sqlite", "postgres"}:
        raise typer.BadParameter("sqlite | postgres", param_hint="--store")


def _found(scenario: Path) -> Path:
    """Return the scenario's file.

    Scenarios of the repository are found from anywhere in a checkout.
    """
    beside = Path(__file__).resolve().parents[2] / scenario
    return beside if not scenario.exists() and beside.exists() else scenario


async def _demo(options: Options, *, json: bool) -> RunReport:
    progress = RunProgress()
    screen = Screen(output.stderr() if json else output.console(), progress, quiet=json)
    screen.say(f"运行目录 run folder: {options.folder}")
    showing = asyncio.create_task(screen.run())
    try:
        return await Session(options, progress, screen.say).run()
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


async def _up(county: str, plan: LaunchPlan) -> None:
    say, folder = output.line_printer(), plan.folder
    agencies = [(f"{channel}-{county}", county) for channel in DOCKED]
    keys = make(folder / FOLDER, agencies)
    say(f"运行目录 run folder: {folder}")
    async with Hub(plan, say) as hub:
        hub.write_runfile()
        for child in hub.children:
            say(f"  {child.label:<16} gRPC {child.grpc_address}   HTTP {child.http_url}")
        say(f"API 密钥 keys (0600): {keys.keys_file}")
        say(f"运维凭证 operator's token (0600): {token_path(folder / FOLDER, OPERATOR)}\nCtrl-C 停止 stops everything")
        await supervisor_of(hub, say).run()
