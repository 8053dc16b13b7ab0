#!/usr/bin/env bash
# The guess: when the type checker in strict mode accepts `dataclasses.replace`, `fields` and `asdict` on a value, they work on
#   it; so after frozen dataclasses were exchanged for msgspec structs, a clean mypy says that every such call was found.
# What happens: msgspec declares its metaclass with `dataclass_transform`, and mypy then gives each struct the marks of a
#   dataclass. All three calls are clean in strict mode, and all three raise TypeError when they run: a struct is no
#   dataclass. The other way round, msgspec's own `replace` takes any keyword, so a wrong field name is clean as well.
# Why it matters here: the values of a dispute became structs. mypy over 406 files was clean while a benchmark still copied an
#   instruction with the dataclasses' function; only running it showed that. Tests have to pass every such line.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "msgspec==0.23.0" "mypy==2.4.1"
cat >"$folder/copies.py" <<'PY'
import dataclasses

import msgspec


class Place(msgspec.Struct, frozen=True):
    town: str
    village: str = ""


def copied(place: Place) -> Place:
    return dataclasses.replace(place, town="b")


def names(place: Place) -> list[str]:
    return [field.name for field in dataclasses.fields(place)]


def plain(place: Place) -> dict[str, str]:
    return dataclasses.asdict(place)


def misspelt(place: Place) -> Place:
    return msgspec.structs.replace(place, towm="b")


if __name__ == "__main__":
    print("msgspec", msgspec.__version__)
    raised = 0
    for work in (copied, names, plain, misspelt):
        try:
            work(Place("a"))
        except TypeError as error:
            raised += 1
            print(f"{work.__name__}: TypeError: {error}")
    raise SystemExit(raised != 4)
PY
cd "$folder"
"$folder/venv/bin/mypy" --version
"$folder/venv/bin/mypy" --strict copies.py
"$folder/venv/bin/python" copies.py
echo "as described"
