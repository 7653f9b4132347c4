"""Reads files of table usage with engines whose Parquet readers whittle does not share: DuckDB's own, and Arrow's in C++. Prints for
each engine a JSON line for each row, and then what it finds by conditions that the files' statistics may answer.

Arguments: a time in microseconds, a resource, and the files."""

import json
import sys

import duckdb
import pyarrow.compute as compute
import pyarrow.dataset as dataset

SINCE, RESOURCE, FILES = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
TIMES = ["window_start", "window_end", "first_seen", "last_seen"]
COLUMNS = ["resource", "resource_bytes", "subject_id", "surface", "action", "outcome", "error", "count", "source", *TIMES]


def tell(engine, rows, late, named):
    for row in rows:
        row = [value.hex() if isinstance(value, bytes) else value for value in row]
        print(json.dumps({"engine": engine, "row": row}))
    print(json.dumps({"engine": engine, "late": late, "named": named}))


def by_duckdb():
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    usage = f"read_parquet({FILES!r}, hive_partitioning = false)"
    columns = [f"epoch_us({name})" if name in TIMES else name for name in COLUMNS]
    rows = con.execute(f"SELECT {', '.join(columns)} FROM {usage}").fetchall()
    late = con.execute(f"SELECT count(*) FROM {usage} WHERE last_seen >= make_timestamptz({SINCE})").fetchone()
    named = con.execute(f"SELECT sum(count)::BIGINT FROM {usage} WHERE resource = ?", [RESOURCE]).fetchone()
    tell("DuckDB", rows, late[0], named[0])


def by_arrow():
    usage = dataset.dataset(FILES, format="parquet")
    table = usage.to_table(columns=COLUMNS)
    columns = [table[name].cast("int64") if name in TIMES else table[name] for name in COLUMNS]
    since = compute.scalar(SINCE).cast(usage.schema.field("last_seen").type)
    late = usage.count_rows(filter=compute.field("last_seen") >= since)
    named = usage.to_table(columns=["count"], filter=compute.field("resource") == RESOURCE)
    tell("Arrow", zip(*(column.to_pylist() for column in columns)), late, compute.sum(named["count"]).as_py())


by_duckdb()
by_arrow()
