"""`hub scenario check` validates a scenario file.

It also shows the sums that a run of it must reach, without running anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ops.console import output
from ops.play.demo import write_out
from ops.play.scenarios.expected import rates, sums
from ops.play.scenarios.load import load
from ops.run.tables import rates_table

app = typer.Typer(help="场景 Scenario files (docs/scenarios.md).", no_args_is_help=True)


@app.callback()
def _scenario() -> None:
    """场景 Scenario files (docs/scenarios.md)."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="场景文件 scenario file")],
    *,
    json: Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档 one JSON document")] = False,
) -> None:
    """校验 Validate a scenario; errors name file, line and field. Prints the sums that a run must show."""
    with output.failing():
        scenario = load(file)
    script = write_out(scenario)
    table = rates(sums(script.records, script.ends_at, scenario.window))
    if json:
        channels = Counter(str(record.channel) for record in script.records)
        output.document({"name": scenario.name, "records": channels, "rates": [asdict(rate) for rate in table]})
    else:
        output.show(rates_table(table, f"{scenario.title.zh} {scenario.title.en}"))
