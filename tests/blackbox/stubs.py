"""Stubs of the tree under test: its `protos/`, compiled into a package of one name whatever that tree calls its own.

So one test file runs on builds whose generated package lies elsewhere: `from stubs.court.v1 import court_pb2`. The
descriptors stand in a pool of their own, because two trees may describe one file differently in one process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grpc_tools  # type: ignore[import-untyped] # no stubs
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from grpc_tools import protoc

PACKAGE: Final = "stubs"
OWN_POOL: Final = {
    "from google.protobuf import descriptor_pool as _descriptor_pool": f"from {PACKAGE} import POOL",
    "_descriptor_pool.Default()": "POOL",
}
FOREIGN: Final = re.compile(r"^from (google\.[\w.]+) import (\w+_pb2) as", re.MULTILINE)
INIT: Final = '''"""Compiled from protos/ of the tree under test."""

from importlib import import_module

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
for name in {foreign!r}:
    POOL.AddSerializedFile(import_module(name).DESCRIPTOR.serialized_pb)
'''


SET: Final = "protos.binpb"
"""Beside the package: the descriptors of all its files."""


def compile_into(folder: Path, protos: Path) -> None:
    """Write the package `stubs` into a folder.

    Args:
        folder: Exists and is empty; belongs on `sys.path` afterwards.
        protos: Of the tree under test; all of its files lie in one folder there.

    Raises:
        RuntimeError: protoc refuses a file; it has said why on stderr.
    """
    sources = sorted(path.relative_to(protos).as_posix() for path in protos.rglob("*.proto"))
    (top,) = {source.partition("/")[0] for source in sources}
    includes = [f"-I{protos}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
    outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}", f"--descriptor_set_out={folder / SET}"]
    if protoc.main(["protoc", *includes, *outputs, *sources]) != 0:
        raise RuntimeError(f"protoc refuses {protos}")
    own = re.compile(rf"^(from|import) {top}\.", re.MULTILINE)
    foreign: set[str] = set()
    for path in folder.rglob("*.py"):
        text = own.sub(rf"\1 {PACKAGE}.", path.read_text(encoding="utf-8"))
        foreign |= {".".join(found) for found in FOREIGN.findall(text)}
        for default, own_pool in OWN_POOL.items():
            text = text.replace(default, own_pool)
        path.write_text(text, encoding="utf-8")
    (folder / top).rename(folder / PACKAGE)
    (folder / PACKAGE / "__init__.py").write_text(INIT.format(foreign=sorted(foreign)), encoding="utf-8")


def declared_in(folder: Path) -> frozenset[str]:
    """Return the full names of what the compiled protos declare: messages, fields, methods.

    Args:
        folder: As `compile_into` left it.
    """
    found: set[str] = set()
    for file in FileDescriptorSet.FromString((folder / SET).read_bytes()).file:
        for message in file.message_type:
            found.update(_names_of(file.package, message))
        for service in file.service:
            found.update(f"{file.package}.{service.name}.{method.name}" for method in service.method)
    return frozenset(found)


def _names_of(scope: str, message: DescriptorProto) -> Iterator[str]:
    name = f"{scope}.{message.name}"
    yield name
    yield from (f"{name}.{field.name}" for field in message.field)
    for nested in message.nested_type:
        yield from _names_of(name, nested)
