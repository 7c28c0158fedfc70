"""What people and strangers do at the edges: wrong clocks, deleted files, odd numbers, a signal at the wrong moment."""

import json
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from garner import BINARY, PATIENCE, data_files, environment, http, rows, run
from test_json import attribute

NOW = time.time_ns()


def logs(*records):
    return {"resourceLogs": [{
        "resource": {"attributes": [attribute("service.name", stringValue="relay")]},
        "scopeLogs": [{"logRecords": [{"timeUnixNano": str(NOW), "eventName": "relay.note", **record}
                                      for record in records]}]}]}


def gauges(*points):
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "relay.size", "gauge": {"dataPoints": [{"timeUnixNano": str(NOW), **point} for point in points]}}]}]}]}


# MARK: values


def test_numbers_that_json_has_no_word_for_are_valid_json(daemon):
    words = ["Infinity", "-Infinity", "NaN"]
    assert daemon.post("metrics", gauges(*[{"asDouble": word} for word in words], {"asDouble": 1.5})).status == 200
    for look in (lambda sql: daemon.rows(sql), lambda sql: daemon.query(sql)):
        for settled in (False, True):
            if settled:
                daemon.settle()
            found = look("SELECT json_extract(data, '$.value') AS v, json_valid(data) AS ok FROM telemetry_events"
                         " ORDER BY id")
            assert [row["ok"] for row in found] == [1, 1, 1, 1]
            assert [row["v"] for row in found] == [*(f'{{"$double":"{word}"}}' for word in words), 1.5]
            assert [row["value"] for row in look("SELECT value FROM metrics ORDER BY id")] == [*words, 1.5]


def test_times_beyond_2262_are_text_of_digits(daemon):
    late, later = 2**63, 2**64 - 1
    daemon.post("metrics", gauges(
        {"asInt": "1", "startTimeUnixNano": str(late)}, {"asInt": "2", "timeUnixNano": str(later),
                                                         "startTimeUnixNano": str(late)},
        {"asInt": "3", "timeUnixNano": str(later), "startTimeUnixNano": "5"}, {"asInt": "4"}))
    daemon.post("logs", logs(
        {"observedTimeUnixNano": str(later)}, {"timeUnixNano": str(late), "observedTimeUnixNano": str(later)},
        {"timeUnixNano": "0", "observedTimeUnixNano": str(late)}, {"observedTimeUnixNano": str(NOW + 7)}, {}))
    for settled in (False, True):
        if settled:
            daemon.settle()
        for look in (daemon.rows, daemon.query):
            def times(sql):
                return [row["t"] for row in sorted(look(sql), key=lambda row: row["id"])]

            assert times("SELECT id, start_time_unix_nano AS t FROM metrics") == [str(late), str(late), 5, 0]
            assert times("SELECT id, json_extract(data, '$.metric.start_time_unix_nano') AS t FROM telemetry_events"
                         " WHERE event = 'relay.size'") == [str(late), str(late), 5, None]
            assert times("SELECT id, observed_time_unix_nano AS t FROM logs") == [
                str(later), str(later), str(late), NOW + 7, 0]


def test_a_nul_cuts_no_text(daemon):
    daemon.post("logs", logs({"severityText": "a\0b\\u0000"}))
    daemon.post("traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "1" * 32, "spanId": "2" * 16, "name": "x", "startTimeUnixNano": str(NOW),
        "endTimeUnixNano": str(NOW), "traceState": "k=\0v", "status": {"message": "\0why"}}]}]}]})
    daemon.settle()
    for look in (daemon.rows, daemon.query):
        assert look("SELECT CAST(severity_text AS BLOB) = CAST('a' || char(0) || 'b\\u0000' AS BLOB) AS ok"
                    " FROM logs") == [{"ok": 1}]
        assert look("SELECT hex(trace_state) AS s, hex(status_message) AS m FROM spans") == [
            {"s": b"k=\0v".hex().upper(), "m": b"\0why".hex().upper()}]


# MARK: commands


def test_sql_may_begin_with_a_comment(daemon):
    daemon.post("logs", logs({}))
    sql = "-- how many there are\nSELECT count(*) AS n FROM telemetry_events"
    assert daemon.query(sql) == [{"n": 1}]
    wrong = run("query", "-- how many\nSELECT nothing", data=daemon.data, check=False)
    assert wrong.returncode == 65 and "line 2, column 8" in wrong.stderr


def test_two_columns_of_one_name_keep_their_values(daemon):
    assert daemon.query("SELECT 1 AS n, 2 AS n, 3 AS n_2") == [{"n": 1, "n_3": 2, "n_2": 3}]


def test_follow_ends_at_ctrl_c(daemon):
    daemon.post("logs", logs({}))
    follow = subprocess.Popen(
        [BINARY, "inspect", "--follow", "--format", "ndjson", "--data-dir", daemon.data], env=environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with follow:
        assert json.loads(follow.stdout.readline())["event"] == "relay.note"
        daemon.post("logs", logs({"eventName": "relay.second"}))
        assert json.loads(follow.stdout.readline())["event"] == "relay.second"
        follow.send_signal(signal.SIGINT)
        assert follow.wait(timeout=PATIENCE) in (130, -signal.SIGINT)


def test_status_is_of_a_store_and_shows_what_was_filtered(daemon):
    daemon.post("logs", logs({}))
    assert "FILTERED" in run("status", data=daemon.data).stdout
    assert run("status", "--db", "x.db", check=False).returncode == 2


# MARK: draining


def test_readyz_says_that_the_daemon_drains_while_a_request_is_in_flight(daemon):
    body = json.dumps(logs({})).encode()
    host, port = daemon.doors["otlp_http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sender:
        sender.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert sender.recv(4096).startswith(b"HTTP/1.1 100")
        daemon.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while (answer := http(f"{daemon.console}/readyz")).status == 200:
            assert time.monotonic() < deadline
        assert answer.status == 503 and answer.json()["draining"] is True
        assert daemon.control("GET", "/ready").status == 503
        sender.sendall(body)
        assert sender.recv(4096).startswith(b"HTTP/1.1 200")
    assert daemon.process.wait(timeout=PATIENCE) == 0


# MARK: strangers


def test_a_catalog_that_is_deleted_under_the_daemon_is_written_anew(daemon):
    daemon.post("logs", logs({}, {}))
    daemon.settle()
    (daemon.data / "catalog.db").unlink()
    unread = run("query", "SELECT count(*) AS n FROM telemetry_events", data=daemon.data, check=False)
    assert unread.returncode in (0, 69)
    assert unread.returncode == 69 or "2" in unread.stdout
    daemon.post("logs", logs({}))
    daemon.settle()
    assert daemon.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 3}]
    assert run("balance", data=daemon.data, check=False).returncode == 0
    assert daemon.stop() == 0


def test_a_store_without_its_catalog_is_not_read_in_part(daemon):
    daemon.post("logs", logs({}))
    daemon.settle()
    daemon.stop()
    (daemon.data / "catalog.db").unlink()
    for command in (["query", "SELECT count(*) FROM telemetry_events"], ["balance"], ["status"]):
        told = run(*command, data=daemon.data, check=False)
        assert told.returncode != 0 and "catalog.db" in told.stderr, (command, told)


def test_a_settled_file_that_is_deleted_under_the_daemon_is_booked(daemon):
    daemon.post("logs", logs({}, {}))
    daemon.settle()
    daemon.post("logs", logs({}))
    data_files(daemon.data)
    shard, = (daemon.data / "shards" / "standard").rglob("*.db")
    shard.unlink()
    told = run("query", "SELECT count(*) AS n FROM telemetry_events WHERE data IS NOT NULL", "--format", "json",
               data=daemon.data)
    assert json.loads(told.stdout) == [{"n": 1}]
    # The command tells the daemon, which may have found it before.
    daemon.until(lambda: run("balance", data=daemon.data, check=False).returncode == 0)
    assert daemon.query("SELECT count(*) AS n FROM telemetry_events WHERE data IS NOT NULL") == [{"n": 1}]


def test_what_a_command_cannot_read_the_daemon_sets_aside(daemon):
    daemon.post("logs", logs(*({"body": {"stringValue": f"{n:05d}" * 20}} for n in range(3000))))
    daemon.settle()
    shard, = (daemon.data / "shards" / "standard").rglob("*.db")
    with open(shard, "r+b") as file:
        file.seek(shard.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xab" * 8192)
    run("query", "SELECT count(*) AS n FROM telemetry_events WHERE data LIKE '%0%'", data=daemon.data, check=False)
    daemon.until(lambda: any((daemon.data / "quarantine").glob("*.why.txt")))
    daemon.until(lambda: run("balance", data=daemon.data, check=False).returncode == 0)
    again = run("query", "SELECT count(*) AS n FROM telemetry_events WHERE data LIKE '%0%'", "--format", "json",
                data=daemon.data)
    assert "warning" not in again.stderr and 0 < json.loads(again.stdout)[0]["n"] < 3000


# MARK: imports of our own texts


@pytest.mark.parametrize("form", ["json", "csv", "ndjson"])
def test_text_exports_come_back_as_they_were(daemon, tmp_path, form):
    values = [attribute("n", doubleValue="NaN"), attribute("$p", stringValue="x"), attribute("b", bytesValue="AQI="),
              attribute("list", arrayValue={"values": [{"intValue": "1"}, {}]})]
    daemon.post("logs", logs(*({"attributes": [attribute("i", intValue=str(n)), *values]} for n in range(72))))
    wanted = daemon.rows("SELECT data FROM telemetry_events ORDER BY id")
    path = tmp_path / f"all.{form}"
    run("export", "--format", form, "--output", str(path), data=daemon.data)
    other = tmp_path / "other"
    done = run("import", str(path), data=other, check=False)
    assert done.returncode == 0, done
    assert sorted(map(str, rows(other, "SELECT data FROM telemetry_events"))) == sorted(map(str, wanted))


@pytest.mark.parametrize("indent", [None, 2])
def test_any_array_of_rows_is_taken_whole(tmp_path, indent):
    row = {"timestamp": "2026-07-01T00:00:00Z", "event": "relay.note", "data": {"n": 1}}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row, {**row, "data": {"n": 2}}], indent=indent))
    run("import", str(path), data=tmp_path / "data")
    assert len(rows(tmp_path / "data", "SELECT data FROM telemetry_events")) == 2
    path.write_text(json.dumps([row, row], indent=indent)[:-5])
    refused = run("import", str(path), data=tmp_path / "other", check=False)
    assert refused.returncode == 65 and "ends too early" in refused.stderr, refused
    assert not rows(tmp_path / "other", "SELECT data FROM telemetry_events")
