"""A fourth agency (labour arbitration) is a folder, a proto and one line of the list of channels."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import GENERATED, ROOT

PRODUCT = ("hub", "dispute", "bridge", "services", "protos")
AGENCY = ROOT / "tests" / "support" / "fourth_agency"
CATALOGUE = "dispute/lifecycle/vocabulary.py"
LINE = '    ARBITRATION = "arbitration", "裁调", True\n'
LEFT_OUT = ("registered_on", "purpose", "form", "recurrence", "content_class")
"""Fields of a petition that a claim has not."""
RENAMED = {
    "hub.petition.v1": "hub.arbitration.v1",
    "PetitionBridge": "ArbitrationBridge",
    "PetitionItem petition ": "Claim claim ",
    "PetitionItem": "Claim",
    "petition_number": "claim_number",
}


def proto() -> str:
    """A claim's proto, made of the petition's: the calls and messages of all bridges have the same names."""
    lines = (ROOT / "protos/hub/petition/v1/petition.proto").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not any(f" {field} = " in line for field in LEFT_OUT)]
    text = "".join(kept)
    for old, new in RENAMED.items():
        text = text.replace(old, new)
    return text


def written_by_hand(root: Path) -> dict[str, str]:
    """Digest of each file that a person writes."""
    found = {}
    for folder in PRODUCT:
        for path in (root / folder).rglob("*"):
            parts = path.relative_to(root).parts
            if path.is_file() and parts[:2] not in GENERATED and "__pycache__" not in parts:
                found["/".join(parts)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def run(root: Path, *command: str) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    env |= {"PYTHONPATH": str(root), "PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the fourth agency in it."""
    root = tmp_path_factory.mktemp("four")
    for folder in PRODUCT:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(AGENCY / "arbitration_bridge", root / "services" / "arbitration_bridge")
    for path in (root / "services" / "arbitration_bridge").rglob("*.txt"):
        path.rename(path.with_suffix(""))
    target = root / "protos/hub/arbitration/v1/arbitration.proto"
    target.parent.mkdir(parents=True)
    target.write_text(proto(), encoding="utf-8")
    channels = root / CATALOGUE
    text = channels.read_text(encoding="utf-8")
    before, row, after = text.partition('    PETITION = "petition", ')
    rest, newline, tail = after.partition("\n")
    channels.write_text(before + row + rest + newline + LINE + tail, encoding="utf-8")
    run(root, "protos/generate.py")
    return root


def test_nothing_else_differs(built: Path) -> None:
    ours, theirs = written_by_hand(ROOT), written_by_hand(built)
    differing = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    own = ("services/arbitration_bridge/", "protos/hub/arbitration/")
    assert {name for name in differing if not name.startswith(own)} == {CATALOGUE}
    here, there = ((root / CATALOGUE).read_text(encoding="utf-8").splitlines() for root in (ROOT, built))
    assert [line for line in there if line not in here] == [LINE.rstrip()]
    assert len(there) == len(here) + 1


def test_a_record_goes_through_it_and_its_channel_is_counted(built: Path, tmp_path: Path) -> None:
    shutil.copy(AGENCY / "play.py.txt", tmp_path / "play.py")
    shutil.copy(ROOT / "tests" / "support" / "one_process.py", tmp_path)
    said = json.loads(run(built, str(tmp_path / "play.py"), str(tmp_path)).splitlines()[-1])
    assert said == {
        "receipt": 201,
        "results": ["accepted"],
        "rates": [["arbitration", "diversion", 1, 1, "100.0"], ["all", "diversion", 1, 1, "100.0"]],
    }
