"""Free ports of the loopback: each given to one process of this machine at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.run.broker.properties import HOST

# Below the range that the kernel gives to outgoing connections: a client that keeps trying a stopped broker's port
# could otherwise be given that very port, connect to itself, and keep the broker from coming back.
PORTS: Final = range(20000, 32000)


def free_ports(count: int) -> Sequence[int]:
    """Return ports of the loopback that are free now, all different, and claimed until this process ends.

    A port is free for seconds before the service that it was chosen for listens; without the claim two runs that
    start at once could choose the same.
    """
    found: list[int] = []
    while len(found) < count:
        candidate = secrets.choice(PORTS)
        if _free(candidate) and claim(candidate):
            found.append(candidate)
    return found


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def claim(port: int) -> bool:
    """Lock the port's file and tell whether nobody else had it locked.

    The descriptor stays open on purpose: the kernel drops the lock when the process ends, however it ends.
    """
    folder = Path(tempfile.gettempdir()) / f"santiao-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True
