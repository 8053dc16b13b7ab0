#!/usr/bin/env bash
# The guess: a client whose address is plain http:// has nothing to do with TLS, so making one costs next to nothing, and
#   one for each question is the simple and safe way (nothing is shared, nothing is left open).
# What happens: every httpx2 client, plain or not, makes a TLS context and reads the whole list of certificate authorities
#   into it when it is made: tens of milliseconds of processor time each, before the first byte is sent. A context that
#   is handed in (verify=…) is taken as it is.
# Why it matters here: `hub up` asks five services once a second whether they are alive. With a client for each question
#   that alone is half of a core of a county's machine; it hands in an empty context, which plain http never uses.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "httpx2==2.16.2"
"$folder/venv/bin/python" - <<'PY'
import ssl
import sys
import time

import httpx2

read = []
load = ssl.SSLContext.load_verify_locations


def counted(self, *arguments, **named):
    read.append(1)
    return load(self, *arguments, **named)


ssl.SSLContext.load_verify_locations = counted
COUNT = 10


def made(**how):
    read.clear()
    began = time.process_time()
    for _ in range(COUNT):
        httpx2.Client(base_url="http://127.0.0.1:1", **how).close()
    return len(read), (time.process_time() - began) / COUNT * 1000


plain, plain_ms = made()
empty, empty_ms = made(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
print(f"httpx2 {httpx2.__version__}: {COUNT} clients for http:// read the authorities {plain} times, {plain_ms:.1f} ms each;")
print(f"with an empty context handed in {empty} times, {empty_ms:.1f} ms each")
sys.exit(not (plain >= COUNT and empty == 0))
PY
echo "as described"
