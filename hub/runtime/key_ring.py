"""A ring of keys of which single ones can be destroyed for good.

Keys are not stored but derived, each along its own path down a tree: a node is 32 bytes, and keyed BLAKE2s (RFC 7693)
of a node and a branch is the node below (Goldreich, Goldwasser, Micali: How to construct random functions, 1986).
Whoever has a node can derive everything below it and nothing beside it. So one small file holds the keys of everybody;
to destroy one of them the nodes on its path give way to those beside it, about 240 of 32 bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import DecodeError, Struct, ValidationError, msgpack

from hub.errors import Fault
from hub.runtime.keys import ID_LABEL, read_private, write_new

NODE_BYTES: Final = 32
_BRANCHES: Final[Mapping[str, bytes]] = {digit: digit.encode() for digit in "0123456789abcdef"}


class _Stored(Struct, frozen=True):
    """The file's content: nodes by their path; the root's is empty."""

    id: str
    version: int
    nodes: dict[str, bytes]


_encode: Final = msgpack.Encoder().encode
_decode: Final = msgpack.Decoder(_Stored).decode
_NONE: Final = _Stored("", -1, {})


class KeyRing:
    """The keys of owners: each owner has groups of numbered keys.

    Several processes may use one file: a key that one of them destroyed is gone for all at their next look.

    Args:
        directory: Of the keys.
        name: File name, for example `party-ring`.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._path = directory / name
        self._stamp = (0, 0)
        self._stored = _NONE

    @property
    def id(self) -> str:
        """Names the ring without revealing it; empty while there is no file."""
        return self._now().id

    @property
    def version(self) -> int:
        """How often keys were destroyed; -1 while there is no file."""
        return self._now().version

    def create(self) -> None:
        """Make the file if it is missing; of several processes that do so at once the first one wins."""
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
        nodes = self._now().nodes
        node = _node(nodes, owner)
        if node is None:
            return [nodes.get(f"{owner}/{group}/{number}") for number in range(count)]
        of = _below(node, group.encode())
        return [_below(of, str(number).encode()) for number in range(count)]

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
            before = self._now()
            nodes = dict(before.nodes)
            leaves = {f"{owner}/{group}/{number}": (group, number) for group in kept for number in kept[group]}
            node = _split(nodes, owner)
            if node is None:
                for leaf in [each for each in nodes if each.startswith(f"{owner}/") and each not in leaves]:
                    del nodes[leaf]
            else:
                for leaf, (group, number) in leaves.items():
                    nodes[leaf] = _below(_below(node, group.encode()), str(number).encode())
            if nodes != before.nodes:
                write_new(self._path, _encode(_Stored(before.id, before.version + 1, nodes)), replace=True)

    def _now(self) -> _Stored:
        """Return what is in the file; what was read last when the file was taken away."""
        try:
            its = self._path.stat()
        except FileNotFoundError:
            return self._stored
        stamp = (its.st_ino, its.st_mtime_ns)
        if stamp != self._stamp:
            try:
                self._stored = _decode(read_private(self._path))
            except (DecodeError, ValidationError) as error:
                raise Fault("key_damaged", f"key file {self._path.name} is no key ring") from error
            self._stamp = stamp
        return self._stored

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
    return hashlib.blake2s(branch, key=node).digest()


def _node(nodes: Mapping[str, bytes], path: str) -> bytes | None:
    """Return an owner's node; None when it was taken apart."""
    for length in range(len(path) + 1):
        node = nodes.get(path[:length])
        if node is not None:
            for digit in path[length:]:
                node = _below(node, _BRANCHES[digit])
            return node
    return None


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
