"""Writes a row into the cluster's PostgreSQL from a pod and reads it; prints what it read."""

import psycopg

with psycopg.connect() as connection:  # address and password come from the environment
    connection.execute("create table if not exists seen (word text)")
    connection.execute("insert into seen values ('a row')")
    row = connection.execute("select word, count(*) from seen group by word").fetchone()
    connection.execute("drop table seen")
print(row)  # noqa: T201
