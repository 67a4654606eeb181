"""Makes the schema argv[1] in the database that libpq's variables name, once that answers.

With argv[2] also waits until a migration has left its mark there: until that table has a row.
"""

import sys
import time

import psycopg
from psycopg import errors, sql

UNTIL = time.monotonic() + 300


def made(schema: str, mark: str) -> bool:
    with psycopg.connect(connect_timeout=5, autocommit=True) as database:
        known = "select from pg_namespace where nspname = %s"
        if database.execute(known, [schema]).fetchone() is None:  # it may exist and not be ours
            database.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        if not mark:
            return True
        there = database.execute("select to_regclass(%s)", [f"{schema}.{mark}"]).fetchone()
        if there == (None,):  # asking a table that is not there would be an error in the log
            return False
        marked = sql.SQL("select from {}").format(sql.Identifier(schema, mark))
        return database.execute(marked).fetchone() is not None


schema, mark = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
while True:
    try:
        if made(schema, mark):
            break
        reason = f"{schema}.{mark} is not there or empty"
    # another pod was quicker, or the database is not there yet
    except (errors.UniqueViolation, errors.DuplicateSchema, psycopg.OperationalError) as error:
        reason = str(error).strip()
    if time.monotonic() > UNTIL:
        sys.exit(f"given up: {reason}")
    print(f"waiting: {reason}", flush=True)  # noqa: T201 (the container's log)
    time.sleep(1)
