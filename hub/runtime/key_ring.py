"""A ring of keys of which single ones can be destroyed for good.

Keys are not stored but derived, each along its own path down a tree: a node is 32 bytes, and keyed BLAKE2s (RFC 7693)
of a node and a branch is the node below (Goldreich, Goldwasser, Micali: How to construct random functions, 1986).
Whoever has a node can derive everything below it and nothing beside it. So one small file holds the keys of everybody;
to destroy one of them the nodes on its path give way to those beside it, about 180 of 32 bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2s
from pathlib import Path
from typing import Final

from msgspec import DecodeError, Struct, ValidationError, msgpack

from hub.errors import Fault
from hub.runtime.keys import ID_LABEL, read_private, write_new

NODE_BYTES: Final = 32
LOOK_S: Final = 0.5
"""How soon a process sees what another one destroyed: a look at the file for each record would cost as much as keys."""
TOP: Final = 3
"""Branches from the root whose nodes are remembered while the file is the same; 4,096 nodes at most."""
_BRANCHES: Final[Mapping[str, bytes]] = {digit: digit.encode() for digit in "0123456789abcdef"}


class _Stored(Struct, frozen=True):
    """The file's content: nodes by their path; the root's is empty."""

    id: str
    version: int
    nodes: dict[str, bytes]


_encode: Final = msgpack.Encoder().encode
_decode: Final = msgpack.Decoder(_Stored).decode


class _Snapshot:
    """The file as it was read; nodes near the root are remembered with it, so that they are forgotten with it."""

    def __init__(self, stored: _Stored, stamp: tuple[int, int]) -> None:
        self.stored = stored
        self.stamp = stamp
        self._top: dict[str, bytes] = {}

    @cached_property
    def leaves(self) -> Mapping[str, AbstractSet[str]]:
        """Paths of the single keys that are left of owners who were taken apart."""
        found: dict[str, set[str]] = {}
        for path in self.stored.nodes:
            owner, slash, _ = path.partition("/")
            if slash:
                found.setdefault(owner, set()).add(path)
        return found

    def node(self, path: str) -> bytes | None:
        """Return an owner's node; None when it was taken apart."""
        nodes = self.stored.nodes
        length, node = TOP, self._top.get(path[:TOP])
        if node is None:
            length = next((length for length in range(len(path) + 1) if path[:length] in nodes), -1)
            if length < 0:
                return None
            node = nodes[path[:length]]
        for at in range(length, len(path)):
            if at == TOP:
                self._top[path[:TOP]] = node
            node = blake2s(_BRANCHES[path[at]], key=node).digest()  # not `_below`: a call costs a quarter of it
        return node


class KeyRing:
    """The keys of owners: each owner has groups of numbered keys.

    Several processes may use one file: a key that one of them destroyed is gone for all at their next look.

    Args:
        directory: Of the keys.
        name: File name, for example `party-ring`.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._path = directory / name
        self._looked_at = -LOOK_S
        self._last = _Snapshot(_Stored("", -1, {}), (0, 0))

    @property
    def id(self) -> str:
        """Names the ring without revealing it; empty while there is no file."""
        return self._now().stored.id

    @property
    def version(self) -> int:
        """How often keys were destroyed; -1 while there is no file."""
        return self._now().stored.version

    def create(self) -> None:
        """Make the file if it is missing; of several processes that do so at once the first one wins."""
        if self._path.exists():
            return
        root = secrets.token_bytes(NODE_BYTES)
        ring_id = hmac.new(root, ID_LABEL, hashlib.sha256).hexdigest()[:8]
        write_new(self._path, _encode(_Stored(ring_id, 0, {"": root})))

    def keys(self, owner: str, group: str, count: int) -> Sequence[bytes | None]:
        """Return the first keys of an owner's group, 32 bytes each; None for each that was destroyed.

        Args:
            owner: Whose keys may have to be destroyed together: the path of its node, hex digits of a hash, for all
                owners as many.
            group: A name within the owner.
            count: So many, numbered from 0.

        Raises:
            Fault: `key_exposed`, `key_damaged`.
        """
        now = self._now()
        node = now.node(owner)
        leaves = [f"{group}/{number}" for number in range(count)]
        if node is None:
            return [now.stored.nodes.get(f"{owner}/{leaf}") for leaf in leaves]
        return [_below(node, leaf.encode()) for leaf in leaves]

    def destroy(self, owner: str, kept: Mapping[str, Collection[int]]) -> None:
        """Destroy all keys of an owner but some; repeated, it changes nothing.

        It returns when the file without them is on the disk. Copies of the file that were made before still have them.

        Args:
            owner: As for `keys`.
            kept: Group to the numbers of its keys that stay; those that were destroyed before do not come back.

        Raises:
            Fault: `key_exposed`, `key_damaged`.
            OSError: The file can't be written; nothing is destroyed.
        """
        with self._locked():
            now = self._now(at_once=True)
            leaves = {f"{owner}/{group}/{number}": f"{group}/{number}" for group in kept for number in kept[group]}
            gone = now.leaves.get(owner, frozenset()) - leaves.keys()
            if now.node(owner) is None and not gone:
                return
            before = now.stored
            nodes = {path: node for path, node in before.nodes.items() if path not in gone}
            node = _split(nodes, owner)
            if node is not None:
                nodes |= {path: _below(node, leaf.encode()) for path, leaf in leaves.items()}
            write_new(self._path, _encode(_Stored(before.id, before.version + 1, nodes)), replace=True)
            self._now(at_once=True)

    def _now(self, *, at_once: bool = False) -> _Snapshot:
        """Return what is in the file, half a second late at most; what was read last when the file was taken away."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_S and not at_once:
            return self._last
        self._looked_at = now
        try:
            its = self._path.stat()
        except FileNotFoundError:
            return self._last
        stamp = (its.st_ino, its.st_mtime_ns)
        if stamp != self._last.stamp:
            try:
                self._last = _Snapshot(_decode(read_private(self._path)), stamp)
            except (DecodeError, ValidationError) as error:
                raise Fault("key_damaged", f"key file {self._path.name} is no key ring") from error
        return self._last

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Take turns with other processes that destroy keys here."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _below(node: bytes, branch: bytes) -> bytes:
    return blake2s(branch, key=node).digest()


def _split(nodes: dict[str, bytes], path: str) -> bytes | None:
    """Take the nodes on a path away and put those beside it in; return the owner's node, None when it is away."""
    start = next((length for length in range(len(path) + 1) if path[:length] in nodes), None)
    if start is None:
        return None
    node = nodes.pop(path[:start])
    for at in range(start, len(path)):
        beside = {path[:at] + digit: _below(node, branch) for digit, branch in _BRANCHES.items()}
        node = beside.pop(path[: at + 1])
        nodes |= beside
    return node
