#!/usr/bin/env bash
# The guess: counting a hit in limits' in-memory storage costs a dictionary increment; its own page says so by a few
#   microseconds in a loop.
# What happens: hits look for expired keys by a `threading.Timer` of 10 ms, and a new one is started by the next hit
#   after it has ended. In a loop that lasts a moment this is one thread; in a service with steady traffic it is about a
#   hundred new threads a second, in each process, for as long as anybody calls, and however few keys there are.
# Why it matters here: the gate of every service counts each call. Starting threads made a look at one dispute 7 % dearer
#   and a hand-off 11 %, which a loop around `hit` did not show. The gate counts by itself now: two dictionaries that are
#   emptied each minute.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "limits==5.8.0"
"$folder/venv/bin/python" - <<'PY'
import threading
import time
from importlib.metadata import version

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

started = 0
start = threading.Thread.start


def counted(self):
    global started
    started += 1
    start(self)


threading.Thread.start = counted
limiter, limit = FixedWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(1_000_000)
ends, hits = time.monotonic() + 3, 0
while time.monotonic() < ends:
    limiter.hit(limit, "one caller")
    hits += 1
    time.sleep(0.001)
print(f"limits {version('limits')}: {hits} hits of one key in 3 s started {started} threads")
assert started > 100, "it starts no threads any more"
PY
echo "seen: the in-memory storage starts threads as long as there is traffic"
