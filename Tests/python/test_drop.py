"""The drop folder: whatever is laid into `in` is stored once, and lies in `done` or `rejected` then."""

import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess

import pytest

from garner import Daemon, run

COLUMNS = (
    "id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session_id TEXT NOT NULL, component TEXT NOT NULL, "
    "game_module TEXT, mod_fingerprint TEXT, category TEXT NOT NULL, event TEXT NOT NULL, "
    "severity TEXT NOT NULL DEFAULT 'info', data TEXT, duration_us INTEGER, tick INTEGER, correlation TEXT"
)


def drop(tmp_path, *arguments):
    tmp_path.mkdir(exist_ok=True)
    return Daemon(tmp_path / "data", *arguments, env={"GARNER_DROP_SETTLE": "100ms", "GARNER_DROP_SCAN": "200ms"})


def short_hash(content):
    return hashlib.sha256(content).hexdigest()[:8]


@pytest.fixture
def dropping(tmp_path):
    with drop(tmp_path) as running:
        yield running


def events(count, name="demo.hit", **more):
    return "".join(
        json.dumps({"event": name, "timestamp": "2026-03-01T12:00:00.000001Z", "tick": number, **more}) + "\n"
        for number in range(count)
    )


def spans(count, first=1):
    """An OTLP request a line, a span in each."""
    return "".join(
        json.dumps({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "arena"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": f"{first + number:032x}", "spanId": f"{first + number:016x}", "name": "step",
                "startTimeUnixNano": "1772366400000000000", "endTimeUnixNano": "1772366400000001000"}]}],
        }]}) + "\n"
        for number in range(count)
    )


def put(daemon, name, content):
    """Under another name first, then renamed: taken at once."""
    folder = daemon.data / "drop"
    path = folder / "in" / f".{name}.tmp"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.rename(folder / "in" / name)


def done(daemon, name):
    daemon.until((daemon.data / "drop" / "done" / name).exists)


def why(daemon, name):
    path = daemon.data / "drop" / "rejected" / f"{name}.why.json"
    daemon.until(path.exists)
    daemon.until(lambda: not (daemon.data / "drop" / "in" / name).exists())
    return json.loads(path.read_text())


def count(daemon, event="demo.hit"):
    return daemon.query(f"SELECT count(*) AS n FROM telemetry_events WHERE event = '{event}'")[0]["n"]


def test_takes_a_renamed_file_and_a_copied_one(dropping):
    put(dropping, "a.ndjson", events(10))
    done(dropping, "a.ndjson")
    source = dropping.data.parent / "b.ndjson"
    source.write_text(events(5, "demo.copied"))
    subprocess.run(["cp", source, dropping.data / "drop" / "in"], check=True)
    done(dropping, "b.ndjson")
    assert (count(dropping), count(dropping, "demo.copied")) == (10, 5)
    assert dropping.query("SELECT DISTINCT source, door FROM logs") == [{"source": "drop", "door": "drop"}]
    assert (dropping.data / "drop" / "in").stat().st_mode & 0o777 == 0o700


def test_waits_for_a_writer(dropping):
    path = dropping.data / "drop" / "in" / "slow.ndjson"
    with open(path, "w") as file:
        file.write(events(3))
        file.flush()
        # What was written later was quiet for long enough.
        (path.parent / "other.ndjson").write_text(events(1, "demo.other"))
        done(dropping, "other.ndjson")
        assert path.exists()
        file.write(events(4))
    done(dropping, "slow.ndjson")
    assert count(dropping) == 7


def test_takes_the_same_content_once_for_ever(dropping, tmp_path):
    put(dropping, "a.ndjson", events(10))
    done(dropping, "a.ndjson")
    put(dropping, "again.ndjson", events(10))
    done(dropping, "again.ndjson")
    assert count(dropping) == 10
    dropping.settle()
    dropping.stop()
    with drop(tmp_path) as later:
        put(later, "a.ndjson", events(10))
        done(later, f"a.ndjson.{short_hash(events(10).encode())}")
        assert count(later) == 10


def test_a_file_that_was_known_already_has_a_life_too(dropping, tmp_path):
    for name in ("first.ndjson", "second.ndjson"):
        put(dropping, name, events(3))
        done(dropping, name)
    (tmp_path / "elsewhere.ndjson").write_text(events(3))

    def steps(item):
        life = json.loads(run("why", f"file:{item}", "--format", "json", data=dropping.data).stdout)
        return [(event["step"], event["count"]) for event in life]
    taken = [("received", 3), ("stored", 3)]
    assert steps("first.ndjson") == taken
    assert steps("second.ndjson") == steps(tmp_path / "elsewhere.ndjson") == [*taken, ("deduplicated", None)]


def test_stores_what_is_good_and_keeps_what_is_not(dropping):
    lines = spans(5).splitlines(keepends=True)
    lines[1] = '{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}\n'
    lines[3] = "no json\n"
    put(dropping, "traces.jsonl.gz", gzip.compress("".join(lines).encode()))
    reason = why(dropping, "traces.jsonl")
    assert (reason["received"], reason["stored"], reason["rejected"]) == (5, 3, 2)
    assert reason["holds"] == "lines" and reason["file"] == "traces.jsonl.gz"
    assert [entry["line"] for entry in sorted(reason["first"], key=lambda entry: entry["line"])] == [2, 4]
    assert sum(entry["count"] for entry in reason["reasons"]) == 2
    rejected = dropping.data / "drop" / "rejected" / "traces.jsonl"
    assert sorted(rejected.read_text().splitlines(keepends=True)) == sorted([lines[1], lines[3]])
    # Mended and moved back.
    rejected.write_text(spans(2, first=100))
    rejected.rename(dropping.data / "drop" / "in" / "traces.jsonl")
    done(dropping, "traces.jsonl")
    assert count(dropping, "step") == 5


def test_keeps_only_the_refused_records_of_a_line(dropping):
    request = json.loads(spans(1))
    good = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    good.append({**good[0], "spanId": "0000000000000000", "name": "bad"})
    put(dropping, "two.jsonl", json.dumps(request) + "\n")
    reason = why(dropping, "two.jsonl")
    assert (reason["received"], reason["stored"], reason["rejected"]) == (2, 1, 1)
    assert reason["first"][0]["path"].startswith("resourceSpans[0].scopeSpans[0].spans[1]")
    kept = json.loads((dropping.data / "drop" / "rejected" / "two.jsonl").read_text())
    assert [span["name"] for span in kept["resourceSpans"][0]["scopeSpans"][0]["spans"]] == ["bad"]
    assert kept["resourceSpans"][0]["resource"] == request["resourceSpans"][0]["resource"]


def test_takes_a_file_that_is_cut_off_up_to_there(dropping):
    put(dropping, "cut.ndjson", events(10)[:-20])
    reason = why(dropping, "cut.ndjson")
    assert (reason["stored"], reason["rejected"], reason["first"][0]["line"]) == (9, 1, 10)
    whole = gzip.compress(events(2000, "demo.packed", x="y" * 7).encode())
    half = whole[: len(whole) // 2]
    put(dropping, "cut.ndjson.gz", half)
    reason = why(dropping, "cut.ndjson.gz")
    assert reason["reasons"] == [{"reason": "truncated", "count": 1}] and reason["rejected"] <= 1
    assert 0 < reason["stored"] < 2000
    # What lies behind the break was never looked at: the file stays as it is.
    assert reason["holds"] == "file"
    kept = dropping.data / "drop" / "rejected" / "cut.ndjson.gz"
    dropping.until(kept.exists)
    assert kept.read_bytes() == half
    assert not list((dropping.data / "drop" / "rejected").glob(".*"))
    assert count(dropping, "demo.packed") == reason["stored"]


def test_takes_zstandard_csv_frames_and_pretty_json(dropping):
    packed = subprocess.run(["zstd", "-q", "-c"], input=events(6).encode(), capture_output=True, check=True).stdout
    put(dropping, "a.ndjson.zst", packed)
    put(dropping, "b.csv", 'event,timestamp,data\r\ndemo.hit,2026-03-01T12:00:00Z,"{""a"":1,\n""b"":2}"\r\n')
    frame = spans(2, first=50).splitlines()
    put(dropping, "c.bin", b"".join(len(line).to_bytes(4, "big") + line.encode() for line in frame))
    put(dropping, "d.json", json.dumps(json.loads(spans(1, first=70)), indent=2))
    for name in ["a.ndjson.zst", "b.csv", "c.bin", "d.json"]:
        done(dropping, name)
    assert (count(dropping), count(dropping, "step")) == (7, 3)


def test_a_sidecar_says_what_the_file_does_not(dropping):
    sidecar = {"source": "ci-1", "component": "bench", "session_id": "run-7", "game_module": "ra",
               "resource": {"host.name": "box"}, "attributes": {"commit": "abc", "commit_index": 12, "tick": 99}}
    (dropping.data / "drop" / "in" / "a.ndjson.meta.json").write_text(json.dumps(sidecar))
    put(dropping, "a.ndjson", events(1, commit="own") + events(1, component="mine"))
    done(dropping, "a.ndjson")
    found = dropping.query(
        "SELECT component, session_id, game_module, json_extract(data, '$.commit') AS kept, "
        "json_extract(data, '$.commit_index') AS number FROM telemetry_events ORDER BY id")
    assert found == [
        {"component": "bench", "session_id": "run-7", "game_module": "ra", "kept": "own", "number": 12},
        {"component": "mine", "session_id": "run-7", "game_module": "ra", "kept": "abc", "number": 12},
    ]
    assert dropping.query("SELECT DISTINCT source FROM logs") == [{"source": "ci-1"}]
    assert (dropping.data / "drop" / "done" / "a.ndjson.meta.json").exists()


def test_a_bomb_stores_nothing(dropping):
    put(dropping, "bomb.ndjson.gz", gzip.compress(events(1).encode() * 200_000))
    assert why(dropping, "bomb.ndjson.gz")["reasons"] == [{"reason": "too_big", "count": 1}]
    put(dropping, "zeros.gz", gzip.compress(bytes(50 << 20)))
    assert why(dropping, "zeros.gz")["holds"] == "file"
    assert count(dropping) == 0


def database(path, statements, rows=20):
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    if rows:
        connection.executemany(
            "INSERT INTO telemetry_events(timestamp, session_id, component, category, event, data) "
            "VALUES ('2026-03-01T12:00:00Z', 's', 'c', 'demo', 'demo.hit', ?)",
            [(json.dumps({"n": number}),) for number in range(rows)])
    connection.commit()
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize("name, statements, rows, reason", [
    ("view", "CREATE TABLE t(x); CREATE VIEW telemetry_events AS SELECT 1 AS id", 0, "unsafe_schema"),
    ("generated", f"CREATE TABLE telemetry_events({COLUMNS}, more AS (tick + 1))", 0, "unsafe_schema"),
    ("rowid", f"CREATE TABLE telemetry_events({COLUMNS}) WITHOUT ROWID", 0, "unsafe_schema"),
    ("index", f"CREATE TABLE telemetry_events({COLUMNS}); "
              "CREATE INDEX i ON telemetry_events(json_extract(data, '$.n'))", 3, "unsafe_schema"),
    ("other", "CREATE TABLE telemetry_events(id INTEGER PRIMARY KEY, event TEXT)", 0, "unknown_column"),
    ("nothing", "CREATE TABLE t(x)", 0, "unknown_format"),
])
def test_refuses_a_database_whose_events_are_no_plain_table(dropping, tmp_path, name, statements, rows, reason):
    put(dropping, f"{name}.db", database(tmp_path / "x.db", statements, rows))
    assert why(dropping, f"{name}.db")["reasons"] == [{"reason": reason, "count": 1}]


def test_takes_a_database_and_runs_nothing_of_it(dropping, tmp_path):
    content = database(
        tmp_path / "x.db",
        f"CREATE TABLE telemetry_events({COLUMNS}); CREATE TABLE hits(n); "
        "CREATE VIEW manifest AS SELECT 'store_uuid' AS key, randomblob(10000000) AS value; "
        "CREATE TRIGGER t AFTER INSERT ON telemetry_events BEGIN INSERT INTO hits VALUES (1); END;")
    put(dropping, "x.db", content)
    done(dropping, "x.db")
    assert count(dropping) == 20
    # The same rows in another file are known by what they say.
    put(dropping, "y.db.gz", gzip.compress(content + bytes(0)))
    done(dropping, "y.db.gz")
    assert count(dropping) == 20


def test_refuses_a_huge_cell_alone(dropping, tmp_path):
    database(tmp_path / "x.db", f"CREATE TABLE telemetry_events({COLUMNS})")
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("UPDATE telemetry_events SET data = ? WHERE id = 7", ("x" * (3 << 20),))
    connection.commit()
    connection.close()
    put(dropping, "x.db", (tmp_path / "x.db").read_bytes())
    reason = why(dropping, "x.db")
    assert (reason["stored"], reason["rejected"], reason["holds"]) == (19, 1, "file")
    assert reason["reasons"] == [{"reason": "value_too_long", "count": 1}]


def test_refuses_a_cell_that_no_reader_takes_alone(dropping, tmp_path):
    database(tmp_path / "x.db", f"CREATE TABLE telemetry_events({COLUMNS})")
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("UPDATE telemetry_events SET data = zeroblob(?) WHERE id = 7", ((64 << 20) + 1,))
    connection.commit()
    connection.close()
    put(dropping, "x.db", (tmp_path / "x.db").read_bytes())
    reason = why(dropping, "x.db")
    assert (reason["stored"], reason["rejected"], reason["holds"]) == (19, 1, "file")
    assert reason["reasons"] == [{"reason": "value_too_long", "count": 1}]
    assert reason["first"][0]["path"] == "rowid 7"


def test_takes_of_a_damaged_database_what_can_be_read(dropping, tmp_path):
    content = bytearray(database(tmp_path / "x.db", f"CREATE TABLE telemetry_events({COLUMNS})", 20_000))
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4 * 4096] = b"\xa5" * (4 * 4096)
    put(dropping, "x.db", bytes(content))
    reason = why(dropping, "x.db")
    assert reason["reasons"] == [{"reason": "corrupt_database", "count": 1}]
    assert 0 < reason["stored"] == count(dropping)


def test_refuses_a_live_database_without_its_log(dropping, tmp_path):
    live = sqlite3.connect(tmp_path / "live.db")
    live.execute("PRAGMA journal_mode=WAL")
    live.execute(f"CREATE TABLE telemetry_events({COLUMNS})")
    live.execute("INSERT INTO telemetry_events VALUES (1, '2026-03-01T12:00:00Z', 's', 'c', NULL, NULL, 'demo', "
                 "'demo.hit', 'info', NULL, NULL, NULL, NULL)")
    live.commit()
    folder = dropping.data / "drop" / "in"
    shutil.copy(tmp_path / "live.db-wal", folder / "live.db-wal")
    put(dropping, "live.db", (tmp_path / "live.db").read_bytes())
    assert why(dropping, "live.db")["reasons"] == [{"reason": "has_wal", "count": 1}]
    live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    dropping.until(lambda: not (folder / "live.db-wal").exists())
    put(dropping, "whole.db", (tmp_path / "live.db").read_bytes())
    done(dropping, "whole.db")
    live.close()
    assert count(dropping) == 1


def test_refuses_another_copy_of_a_live_database_whose_log_has_more(dropping, tmp_path):
    live = sqlite3.connect(tmp_path / "live.db")
    live.execute("PRAGMA journal_mode=WAL")
    live.execute(f"CREATE TABLE telemetry_events({COLUMNS})")

    def insert(number):
        live.execute(f"INSERT INTO telemetry_events VALUES ({number}, '2026-03-01T12:00:00Z', 's', 'c', NULL, NULL, "
                     "'demo', 'demo.hit', 'info', NULL, NULL, NULL, NULL)")
        live.commit()
    insert(1)
    live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "live.db").read_bytes()
    put(dropping, "first.db", content)
    done(dropping, "first.db")
    insert(2)
    folder = dropping.data / "drop"
    shutil.copy(tmp_path / "live.db-wal", folder / "in" / "second.db-wal")
    put(dropping, "second.db", content)
    assert why(dropping, "second.db")["reasons"] == [{"reason": "has_wal", "count": 1}]
    dropping.until((folder / "rejected" / "second.db-wal").exists)
    live.close()
    # Without the log it is what is known already.
    os.rename(folder / "rejected" / "second.db", folder / "in" / "third.db")
    done(dropping, "third.db")
    assert count(dropping) == 1


def test_a_young_live_database_copied_alone_is_said_to_lack_its_log(dropping, tmp_path):
    live = sqlite3.connect(tmp_path / "live.db")
    live.execute("PRAGMA journal_mode=WAL")
    live.execute(f"CREATE TABLE telemetry_events({COLUMNS})")
    live.commit()
    put(dropping, "young.db", (tmp_path / "live.db").read_bytes())
    assert why(dropping, "young.db")["reasons"] == [{"reason": "has_wal", "count": 1}]
    assert "drop.no_wal" in dropping.errors()
    live.close()


def test_takes_a_json_export_as_an_import_does(dropping, tmp_path):
    put(dropping, "a.ndjson", events(5, "demo.more"))
    done(dropping, "a.ndjson")
    odd = [{"key": "raw", "value": {"bytesValue": "AAEC"}}, {"key": "none", "value": {"doubleValue": "NaN"}},
           {"key": "$price", "value": {"stringValue": "1"}}]
    log = {"timeUnixNano": "1772366400000000000", "eventName": "demo.odd", "attributes": odd}
    assert dropping.post("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}).status == 200
    run("export", "--format", "json", "--output", str(tmp_path / "lines.json"), data=dropping.data)
    elements = json.loads((tmp_path / "lines.json").read_text())
    (tmp_path / "compact.json").write_text(json.dumps(elements, separators=(",", ":")))
    (tmp_path / "pretty.json").write_text(json.dumps(elements, indent=2))
    stored = "SELECT timestamp, session_id, component, category, event, severity, data, tick FROM telemetry_events ORDER BY id"
    run("import", str(tmp_path / "lines.json"), data=tmp_path / "imported")
    imported = json.loads(run("query", stored, "--format", "json", data=tmp_path / "imported").stdout)
    assert len(imported) == 6 and imported == dropping.query(stored)
    for name in ["lines", "compact", "pretty"]:
        with drop(tmp_path / name) as other:
            put(other, "export.json", (tmp_path / f"{name}.json").read_bytes())
            done(other, "export.json")
            assert other.query(stored) == imported


def test_an_import_has_a_life_of_its_own(dropping, tmp_path):
    (tmp_path / "b.ndjson").write_text(events(3))
    run("import", str(tmp_path / "b.ndjson"), data=dropping.data)
    life = json.loads(run("why", "file:b.ndjson", "--format", "json", data=dropping.data).stdout)
    assert [(event["step"], event["door"], event["source"], event["where"]) for event in life] == [
        ("received", "import", None, None), ("stored", "import", None, None)]


def test_an_export_is_known_in_every_form(dropping, tmp_path):
    put(dropping, "a.jsonl", spans(3))
    done(dropping, "a.jsonl")
    for format in ["sqlite", "ndjson"]:
        run("export", "--format", format, "--output", str(tmp_path / f"export-{format}"), data=dropping.data)
    with drop(tmp_path / "other") as other:
        for format in ["sqlite", "ndjson"]:
            put(other, f"export-{format}", (tmp_path / f"export-{format}").read_bytes())
            done(other, f"export-{format}")
        assert count(other, "step") == 3
        assert other.query("SELECT DISTINCT source FROM spans") == [{"source": "drop"}]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_goes_on_after_kill_9_where_it_was(tmp_path, suffix):
    total = 400_000
    lines = events(total).splitlines(keepends=True)
    bad = [total // 4, total // 2, total - 10]
    for number in bad:
        lines[number] = "no json\n"
    content = "".join(lines).encode()
    name = f"big.ndjson{suffix}"
    daemon = drop(tmp_path)
    put(daemon, name, gzip.compress(content, 1) if suffix else content)
    kills = 0
    for wanted in [1, total // 3, total * 2 // 3]:
        try:
            daemon.until(lambda: sum(row["n"] for row in daemon.rows("SELECT count(*) AS n FROM logs")) >= wanted)
        except sqlite3.OperationalError:
            pass  # a file was settled meanwhile
        if not (tmp_path / "data" / "drop" / "in" / name).exists():
            break
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        daemon.__exit__()
        kills += 1
        daemon = drop(tmp_path)
    with daemon:
        reason = why(daemon, "big.ndjson")
        assert kills > 0
        assert (reason["received"], reason["stored"], reason["rejected"]) == (total, total - 3, 3)
        assert [entry["line"] for entry in reason["first"]] == [number + 1 for number in bad]
        assert count(daemon) == total - 3
        assert daemon.query("SELECT count(DISTINCT tick) AS n FROM telemetry_events")[0]["n"] == total - 3
        assert (daemon.data / "drop" / "rejected" / "big.ndjson").read_text() == "no json\n" * 3


def test_what_is_done_goes_after_its_time(tmp_path):
    environment = {"GARNER_DROP_SETTLE": "50ms", "GARNER_DROP_SCAN": "100ms", "GARNER_DROP_KEEP_DONE": "1s"}
    with Daemon(tmp_path / "data", env=environment) as daemon:
        put(daemon, "a.ndjson", events(1))
        done(daemon, "a.ndjson")
        daemon.until(lambda: not (daemon.data / "drop" / "done" / "a.ndjson").exists())
        assert count(daemon) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_takes_from_a_folder_that_cannot_be_written_to(tmp_path):
    folder = tmp_path / "data" / "drop" / "in"
    folder.mkdir(parents=True)
    (folder / "a.ndjson").write_text(events(3))
    folder.chmod(0o500)
    try:
        with drop(tmp_path) as daemon:
            daemon.until(lambda: count(daemon) == 3)
            daemon.stop()
        with drop(tmp_path) as daemon:
            assert count(daemon) == 3
    finally:
        folder.chmod(0o700)


def test_an_import_knows_what_was_dropped_and_says_what_flags_say(dropping, tmp_path):
    put(dropping, "a.ndjson", events(4))
    done(dropping, "a.ndjson")
    file = tmp_path / "b.ndjson"
    file.write_text(events(4))
    flags = ["--source", "ci-1", "--attr", "commit=abc", "--attr", "branch=a=b"]
    assert "0 stored, 4 known already" in run("import", str(file), *flags, data=dropping.data).stdout
    assert "4 stored" in run("import", "--again", str(file), *flags, data=dropping.data).stdout
    assert dropping.query(
        "SELECT source, json_extract(attributes, '$.commit') AS a, json_extract(attributes, '$.branch') AS b, "
        "count(*) AS n FROM logs GROUP BY 1, 2, 3 ORDER BY 1"
    ) == [{"source": "ci-1", "a": "abc", "b": "a=b", "n": 4}, {"source": "drop", "a": None, "b": None, "n": 4}]
    file.write_text(events(2, "demo.imported"))
    run("import", str(file), data=dropping.data)
    put(dropping, "c.ndjson", events(2, "demo.imported"))
    done(dropping, "c.ndjson")
    assert count(dropping, "demo.imported") == 2


def test_what_is_private_is_not_stored(tmp_path):
    with Daemon(tmp_path / "data", env={"GARNER_PRIVACY_POLICY": "default"}) as daemon:
        put(daemon, "a.ndjson", events(1, error="from 203.0.113.7:27005 lost"))
        done(daemon, "a.ndjson")
        assert daemon.query("SELECT json_extract(data, '$.error') AS e FROM telemetry_events") == [
            {"e": "from [ip] lost"}]
        path = tmp_path / "b.ndjson"
        path.write_text(events(1, "demo.imported", error="from 203.0.113.8:27005 lost"))
        run("import", str(path), data=daemon.data)
        daemon.settle()
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file() and "drop" not in file.parts:
            assert b"203.0.113" not in file.read_bytes(), file


def test_a_log_that_is_written_to_all_the_time_is_stored_once(dropping):
    path = dropping.data / "drop" / "in" / "live.ndjson"
    with open(path, "w") as log:
        for number in range(20_000):
            log.write(json.dumps({"event": "demo.live", "timestamp": "2026-03-01T12:00:00Z", "tick": number}) + "\n")
            if number % 500 == 0:
                log.flush()
                count(dropping, "demo.live")
    done(dropping, "live.ndjson")
    assert count(dropping, "demo.live") == 20_000


def test_its_own_export_adds_nothing(dropping, tmp_path):
    put(dropping, "a.jsonl", spans(3))
    done(dropping, "a.jsonl")
    put(dropping, "b.ndjson", events(3))
    done(dropping, "b.ndjson")
    for format in ["sqlite", "ndjson", "otlp"]:
        run("export", "--format", format, "--output", str(tmp_path / f"own-{format}"), data=dropping.data)
        put(dropping, f"own-{format}", (tmp_path / f"own-{format}").read_bytes())
        done(dropping, f"own-{format}")
    assert count(dropping, "step") == 3 and count(dropping, "demo.hit") == 3


def test_an_import_takes_zstandard_and_reads_the_sidecar(dropping, tmp_path):
    file = tmp_path / "a.ndjson.zst"
    file.write_bytes(
        subprocess.run(["zstd", "-q", "-c"], input=events(6).encode(), capture_output=True, check=True).stdout)
    (tmp_path / "a.ndjson.zst.meta.json").write_text(
        json.dumps({"source": "ci-2", "game_module": "ra", "attributes": {"commit": "sidecar"}}))
    flags = ["--source", "ci-1", "--attr", "commit=flag", "--attr", "branch=main"]
    assert "6 stored" in run("import", str(file), *flags, data=dropping.data).stdout
    assert dropping.query(
        "SELECT source, game_module AS m, attributes ->> '$.commit' AS c, attributes ->> '$.branch' AS b, "
        "count(*) AS n FROM logs GROUP BY 1, 2, 3, 4") == [
            {"source": "ci-2", "m": "ra", "c": "sidecar", "b": "main", "n": 6}]
    (tmp_path / "bad.ndjson").write_text(events(1))
    (tmp_path / "bad.ndjson.meta.json").write_text("[]")
    failed = run("import", str(tmp_path / "bad.ndjson"), data=dropping.data, check=False)
    assert failed.returncode != 0 and "meta.json" in failed.stderr


def test_names_are_nobodys(tmp_path):
    environment = {"GARNER_DROP_SETTLE": "100ms", "GARNER_DROP_SCAN": "200ms", "GARNER_PRIVACY_POLICY": "default"}
    with Daemon(tmp_path / "data", env=environment) as dropping:
        check_that_names_are_nobodys(dropping)


def check_that_names_are_nobodys(dropping):
    put(dropping, "of bob@example.org.ndjson", events(1) + "no json\n")
    assert why(dropping, "of bob@example.org.ndjson")["stored"] == 1
    put(dropping, "seen by bob@example.org.ndjson", events(2, "demo.seen"))
    done(dropping, "seen by bob@example.org.ndjson")
    dropping.stop()
    kept = [path for path in dropping.data.rglob("*") if path.is_file() and "drop" not in path.parts]
    assert kept and not [path for path in kept if b"bob@example.org" in path.read_bytes()]
    assert "bob@example.org" not in dropping.errors()


@pytest.mark.parametrize("source", ["local", "other", "anon-1", "peer-1", "a b", "bob@example.org", "x" * 65])
def test_refuses_a_source_that_is_none(dropping, tmp_path, source):
    folder = dropping.data / "drop" / "in"
    (folder / "a.ndjson.meta.json").write_text(json.dumps({"source": source}))
    put(dropping, "a.ndjson", events(1))
    assert why(dropping, "a.ndjson")["reasons"] == [{"reason": "bad_sidecar", "count": 1}]
    (tmp_path / "b.ndjson").write_text(events(1))
    refused = run("import", "--source", source, str(tmp_path / "b.ndjson"), data=dropping.data, check=False)
    assert refused.returncode == 2 and "a source is" in refused.stderr
    assert count(dropping) == 0


def test_what_belongs_to_a_database_goes_with_it(dropping, tmp_path):
    content = database(tmp_path / "x.db", f"CREATE TABLE telemetry_events({COLUMNS})")
    (dropping.data / "drop" / "in" / "x.db-wal").write_bytes(b"not empty")
    put(dropping, "x.db", content)
    assert why(dropping, "x.db")["reasons"] == [{"reason": "has_wal", "count": 1}]
    rejected = dropping.data / "drop" / "rejected"
    dropping.until((rejected / "x.db-wal").exists)
    # Back without it, it is stored, and no reason is left.
    os.rename(rejected / "x.db", dropping.data / "drop" / "in" / "x.db")
    done(dropping, "x.db")
    assert count(dropping) == 20
    assert not (rejected / "x.db.why.json").exists()


def test_takes_files_with_odd_names(dropping):
    odd = os.fsencode(dropping.data / "drop") + b"/in/a\xff.ndjson"
    with open(odd + b".tmp", "w") as file:
        file.write(events(1, "demo.odd"))
    os.rename(odd + b".tmp", odd)
    dropping.until(lambda: count(dropping, "demo.odd") == 1)
    long = "n" * 243 + ".ndjson"
    put(dropping, long, events(2) + "no json\n")
    folder = dropping.data / "drop" / "rejected"
    dropping.until(lambda: list(folder.glob("n*.why.json")))
    reason, = folder.glob("n*.why.json")
    assert reason.name.endswith(".ndjson.why.json")
    assert (folder / reason.name.removesuffix(".why.json")).read_text() == "no json\n"
    dropping.until(lambda: not os.listdir(os.fsencode(dropping.data / "drop" / "in")))
