"""The command line of a bridge.

Serves, prints the credentials of its store, or recovers a restored store.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from bridge.assembly import assemble, open_store
from bridge.record.facts import RecordT
from bridge.recovery import recover_bridge
from bridge.settings import BridgeSettings
from bridge.specification import Specification
from dispute.contracts.sealing import Sealer, sealer_of
from dispute.contracts.topics import HANDOFFS
from hub.access.credential_file import as_row
from hub.access.credential_set import stored_set
from hub.errors import Fault, Refused
from hub.kafka.log import Log
from hub.runtime import logs, process
from hub.runtime.settings import load
from hub.service.bus import bus_of
from hub.store.store import Store
from hub.streams.heads import TopicLog
from hub.streams.outbox import Outbox

EXIT_REFUSED = 1
EXIT_FAULT = 70


def run(spec: Specification[RecordT], argv: Sequence[str]) -> int:
    """Serve, or carry out a command.

    Returns the exit code. Codes: 0 done, 1 refused with a reason, 2 wrong arguments or settings, 70 a fault that the
    runbook names.
    """
    arguments = _parser(spec).parse_args(argv)
    settings = load(BridgeSettings)
    # A command's only output is what it prints, because a launcher reads it.
    logs.configure(spec.service, settings.log_level if arguments.command is None else "error", settings.log_format)
    try:
        if arguments.command is None:
            return process.serve(assemble(spec, settings).parts, grace_s=settings.grace_s)
        store = open_store(spec, settings.store_url)
        try:
            if arguments.command == "recover":
                return recover_store(spec, store, Log(bus_of(settings)), sealer_of(settings.keys_dir))
            return _print_keys(store)
        finally:
            store.close()
    except Refused as refused:
        sys.stderr.write(f"{refused.code}: {refused.detail}\n")
        return EXIT_REFUSED
    except Fault as fault:
        sys.stderr.write(f"{fault}\n")
        return EXIT_FAULT


def recover_store(spec: Specification[RecordT], store: Store, source: TopicLog, sealer: Sealer) -> int:
    """Recover a restored store from the log.

    The log has what the store published after its backup. Returns the exit code.
    """
    outbox = Outbox(HANDOFFS, spec.service)
    store.write_blocking(outbox.open)
    try:
        recovered = recover_bridge(store, outbox, source, sealer)
    finally:
        source.close()
    sys.stdout.write(
        f"从 Kafka 取回 {recovered.records} 条移交（{recovered.streams} 个流），可以启动 / "
        f"{recovered.records} hand-offs of {recovered.streams} streams taken back from Kafka; start the service\n"
    )
    return 0


def _parser(spec: Specification[RecordT]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{spec.service}",
        description=f"{spec.title}。无参数时提供服务 Serves when called without a command.",
    )
    commands = parser.add_subparsers(dest="command", title="命令 commands")
    commands.add_parser(
        "credentials",
        help="列出本库的部门密钥（摘要），供 hub credentials import / the store's own keys (digests), to be imported",
    )
    commands.add_parser(
        "recover", help="恢复备份后，从 Kafka 取回之后已发布的 after a restore: take back what was published"
    )
    return parser


def _print_keys(store: Store) -> int:
    """Print the credentials that the store has, as a file of them (docs/roles.md); returns the exit code."""
    rows = [as_row(each) for each in store.read_blocking(stored_set).credentials if each.revoked_at is None]
    sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    return 0
