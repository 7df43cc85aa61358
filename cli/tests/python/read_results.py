"""Prints the points of a sweep's folder as pandas and DuckDB read them: for each reader the names and the rows, as JSON. A
missing value is null, and a number is the text that gives its bits back."""

import json
import pathlib
import sys

import duckdb
import pandas


def plain(value):
    """A value without its reader's types."""
    if value is None or value is pandas.NA or value != value:
        return None
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (bool, str)) else repr(value)


def table(names, rows):
    return {"names": list(names), "rows": [[plain(value) for value in row] for row in rows]}


def of_pandas(frame):
    return table(frame.columns, frame.astype(object).itertuples(index=False, name=None))


def of_duckdb(path):
    found = duckdb.sql(f"SELECT * FROM '{path}' ORDER BY point")
    return table(found.columns, found.fetchall())


# Exact by default from pandas 3 on.
exact = {"float_precision": "round_trip"} if pandas.__version__.startswith(("1.", "2.")) else {}
folder = pathlib.Path(sys.argv[1])
csv, parquet = folder / "points.csv", folder / "points.parquet"
answer = {
    "pandas-parquet": of_pandas(pandas.read_parquet(parquet)),
    "pandas-csv": of_pandas(pandas.read_csv(csv, **exact)),
    "duckdb-parquet": of_duckdb(parquet),
    "duckdb-csv": of_duckdb(csv),
}
json.dump(answer, sys.stdout, allow_nan=False)
