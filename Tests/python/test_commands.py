"""The commands an operator types, on a directory with known contents."""

import csv
import io
import json
import sqlite3

import pytest

from garner import Daemon, run
from test_json import attribute, span, spans

COLUMNS = ["id", "timestamp", "session_id", "component", "game_module", "mod_fingerprint", "category", "event",
           "severity", "data", "duration_us", "tick", "correlation"]
INDEXES = {"idx_telemetry_ts", "idx_telemetry_cat_event", "idx_telemetry_session", "idx_telemetry_game_module",
           "idx_telemetry_mod_fp", "idx_telemetry_severity", "idx_telemetry_correlation"}


@pytest.fixture
def data(tmp_path):
    """A stopped daemon's directory: five spans, one of them refused, and one log of another service."""
    with Daemon(tmp_path / "data") as daemon:
        daemon.post("traces", spans(
            *(span(number, attributes=[attribute("tick", intValue=number)]) for number in range(1, 5)),
            span(5, traceId="0" * 32)))
        daemon.post("logs", {"resourceLogs": [{
            "resource": {"attributes": [attribute("service.name", stringValue="tracking")]},
            "scopeLogs": [{"logRecords": [{
                "timeUnixNano": "1767268800000000000", "severityNumber": 13, "eventName": "tracking.listing.expire",
                "attributes": [attribute("reason", stringValue="TTL")]}]}]}]})
        assert daemon.stop() == 0
    return tmp_path / "data"


def ask(data, sql, *arguments):
    return json.loads(run("query", sql, "--format", "json", *arguments, data=data).stdout)


def test_query_has_the_columns_of_the_schema(data):
    assert list(ask(data, "SELECT * FROM telemetry_events LIMIT 1")[0]) == COLUMNS


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_query_writes_every_form(data, form):
    said = run("query", "SELECT event, count(*) AS n FROM telemetry_events GROUP BY event ORDER BY event",
               "--format", form, data=data).stdout
    rows = {"json": json.loads, "ndjson": lambda text: [json.loads(line) for line in text.splitlines()],
            "csv": lambda text: list(csv.DictReader(io.StringIO(text)))}[form](said)
    assert [(row["event"], int(row["n"])) for row in rows] == [
        ("relay.tick.process", 4), ("tracking.listing.expire", 1)]


@pytest.mark.parametrize("sql", [
    "DELETE FROM telemetry_events", "CREATE TABLE t(x)", "ATTACH '/tmp/x.db' AS x", "PRAGMA user_version = 3",
    "SELECT load_extension('x')", "SELECT nothing FROM telemetry_events", "SELEC 1",
])
def test_query_only_reads(data, sql):
    assert run("query", sql, data=data, check=False).returncode == 65
    assert ask(data, "SELECT count(*) AS n FROM telemetry_events") == [{"n": 5}]


def test_query_reads_a_file_of_sql(data, tmp_path):
    file = tmp_path / "slow.sql"
    file.write_text("-- a comment\nSELECT count(*) AS n\nFROM telemetry_events;\n")
    said = run("query", "--file", str(file), "--format", "json", data=data).stdout
    assert json.loads(said) == [{"n": 5}]


def test_books_are_balanced(data):
    said = run("balance", "--format", "json", data=data).stdout
    assert "relay" in said and "tracking" in said


def test_inspect_shows_the_newest_of_a_category(data):
    said = run("inspect", "relay", "--last", "2", "--format", "json", data=data).stdout
    assert [row["tick"] for row in json.loads(said)] == [3, 4] or [row["tick"] for row in json.loads(said)] == [4, 3]


def test_status_counts_sources(data):
    status = json.loads(run("status", "--format", "json", data=data).stdout)
    counts = {source["source"]: (source["received"], source["stored"], source["rejected"])
              for source in status["sources"]}
    assert counts == {"relay": (5, 4, 1), "tracking": (1, 1, 0)}
    assert status["data_dir"] == str(data)


def test_an_export_is_a_database_with_the_source_schema(data, tmp_path):
    file = tmp_path / "relay.db"
    run("export", "--category", "relay", "--format", "sqlite", "--output", str(file), data=data)
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT * FROM telemetry_events ORDER BY id")
        assert [column[0] for column in rows.description] == COLUMNS
        assert [row[-2] for row in rows] == [1, 2, 3, 4]
        names = {name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
        assert names >= INDEXES
    connection.close()


def test_an_export_imported_twice_adds_nothing(data, tmp_path):
    file, other = tmp_path / "all.db", tmp_path / "other"
    run("export", "--format", "sqlite", "--output", str(file), data=data)
    for _ in range(2):
        run("import", str(file), data=other)
        assert ask(other, "SELECT count(*) AS n FROM telemetry_events") == [{"n": 5}]
    columns = ", ".join(name for name in COLUMNS if name != "id")
    everything = f"SELECT {columns} FROM telemetry_events ORDER BY timestamp, tick, event"
    assert ask(other, everything) == ask(data, everything)
    run("balance", data=other)


def test_what_an_import_brings_is_kept_as_long_as_it_says(data, tmp_path):
    file, other = tmp_path / "all.db", tmp_path / "other"
    run("export", "--format", "sqlite", "--output", str(file), data=data)
    assert run("import", str(file), "--keep", "soon", data=other, check=False).returncode == 2
    with Daemon(other) as daemon:
        run("import", str(file), "--keep", "4000d", data=other)
        daemon.settle()
        plan = json.loads(run("retention", "plan", "--format", "json", data=other).stdout)
    assert plan and {entry["reason"] for entry in plan} == {"keep"}
    run("balance", data=other)


def test_an_import_keeps_the_session_of_an_anonymous_sender(data, tmp_path):
    file, other = tmp_path / "all.db", tmp_path / "other"
    run("export", "--format", "sqlite", "--output", str(file), data=data)
    run("import", str(file), data=other)
    sessions = "SELECT DISTINCT session_id FROM telemetry_events ORDER BY session_id"
    assert ask(other, sessions) == ask(data, sessions)


def test_otlp_comes_out_as_it_went_in(data, tmp_path):
    file = tmp_path / "spans.otlp.json"
    run("export", "--category", "relay", "--format", "otlp", "--output", str(file), data=data)
    found = [item for line in file.read_text().splitlines() if line.strip()
             for resource in json.loads(line).get("resourceSpans", [])
             for scope in resource["scopeSpans"] for item in scope["spans"]]
    assert sorted(item["spanId"] for item in found) == [f"{number:016x}" for number in range(1, 5)]
    assert {(item["name"], item["kind"], item["startTimeUnixNano"]) for item in found} == {
        ("relay.tick.process", 1, "1767268800000000000")}


def test_clear_removes_what_arrived_before(data):
    done = run("clear", "--before", "2100-01-01", "--yes", data=data)
    assert [line.split() for line in done.stdout.splitlines()] == [["ROWS", "FILES"], ["5", "2"]]
    assert ask(data, "SELECT count(*) AS n FROM telemetry_events") == [{"n": 0}]
    run("balance", data=data)


def test_a_running_daemon_clears_for_the_command(data):
    with Daemon(data):
        done = run("clear", "--yes", "--format", "json", data=data)
        assert json.loads(done.stdout) == [{"rows": 5, "files": 2}]
        assert ask(data, "SELECT count(*) AS n FROM telemetry_events") == [{"n": 0}]
    run("balance", data=data)


@pytest.mark.parametrize("arguments", [["nothing"], ["query"], ["export", "--format", "stone"]])
def test_wrong_usage_exits_2(data, arguments):
    assert run(*arguments, data=data if arguments[0] != "nothing" else None, check=False).returncode == 2


def test_a_misspelled_key_is_named_with_its_line(tmp_path):
    file = tmp_path / "garner.yaml"
    file.write_text("listen:\n  otlp_htpp: 127.0.0.1:0\n")
    done = run("config", "check", "--config", str(file), check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 78
    assert "otlp_http" in said and "2" in said


def test_the_printed_configuration_is_accepted(tmp_path):
    file = tmp_path / "garner.yaml"
    file.write_text(run("config", "init", "--output", "-").stdout)
    assert run("config", "check", "--config", str(file), check=False).returncode == 0
