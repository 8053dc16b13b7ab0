"""Finds free ports of the loopback.

Each is given to one process of this machine at a time.
"""

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

# Below the range that the kernel gives to outgoing connections: otherwise a client that retries a stopped broker's port
# could get this same port for itself, connect to itself, and keep the broker from coming back.
PORTS: Final = range(20000, 32000)


def free_ports(count: int) -> Sequence[int]:
    """Return different free ports, claimed for this process.

    The claims last until this process ends. A port stays free for seconds before its service listens; without the claim
    two runs that start at the same time could choose the same port.
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
    """Lock the port's file.

    Returns False when another process holds the lock. The descriptor stays open on purpose: the kernel releases the
    lock when the process ends, for whatever reason.
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
