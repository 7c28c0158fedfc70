"""Where exports may go, and what an import says of a file that is not what it says it is."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading

import pytest

from garner import BINARY, Daemon, environment, run
from test_commands import ask, data  # noqa: F401: a fixture
from test_json import attribute

COUNT = "SELECT count(*) AS n FROM telemetry_events"


def export(data, output, *arguments, check=True):
    return run("export", "--output", str(output), *arguments, data=data, check=check)


# MARK: targets


def test_a_link_stays_and_what_it_leads_to_is_written(data, tmp_path):
    (tmp_path / "other").mkdir()
    target, link = tmp_path / "other" / "real.ndjson", tmp_path / "link.ndjson"
    target.write_text("old")
    link.symlink_to(target)
    export(data, link, "--format", "ndjson")
    assert link.is_symlink() and len(target.read_text().splitlines()) == 5
    target.unlink()
    assert export(data, link, "--format", "ndjson", check=False).returncode == 74


def test_a_pipe_is_written_to_and_stays_one(data, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    export(data, pipe, "--format", "ndjson")
    reader.join()
    assert len(found[0].splitlines()) == 5 and pipe.is_fifo()
    done = export(data, pipe, "--format", "sqlite", check=False)
    assert done.returncode == 74 and "database" in done.stderr and pipe.is_fifo()


@pytest.mark.parametrize("name", ["catalog.db", "state.db", "shards/x.db", "keys/privacy.jsonl", "lock"])
def test_what_the_daemon_keeps_is_not_replaced(data, name):
    done = export(data, data / name, "--format", "ndjson", check=False)
    assert done.returncode == 2 and "exports" in done.stderr
    assert ask(data, COUNT) == [{"n": 5}]
    assert export(data, data / "shards", "--format", "otlp", check=False).returncode == 2
    (data / "exports").mkdir(exist_ok=True)
    export(data, data / "exports" / "all.ndjson", "--format", "ndjson")


@pytest.mark.parametrize(("format", "number"), [("sqlite", signal.SIGINT), ("ndjson", signal.SIGTERM)])
def test_an_export_that_is_ended_leaves_nothing(tmp_path, format, number):
    folder = tmp_path / "out"
    folder.mkdir()
    with Daemon(tmp_path / "data") as daemon:
        run("load", "--data-dir", str(daemon.data), "--signal", "logs", "--records", "200000")
        process = subprocess.Popen(
            [BINARY, "export", "--format", format, "--output", folder / "all", "--data-dir", daemon.data],
            env=environment(), stderr=subprocess.DEVNULL)
        daemon.until(lambda: list(folder.iterdir()) or process.poll() is not None)
        process.send_signal(number)
        # It may have been done by then.
        assert process.wait() in (-number, 0)
    assert [file.name for file in folder.iterdir()] in ([], ["all"])


def test_an_export_that_waits_for_a_reader_can_be_ended(data, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([BINARY, "export", "--format", "ndjson", "--output", pipe, "--data-dir", data],
                               env=environment(), stderr=subprocess.PIPE)
    # The reader that never reads: the writer is inside of its open by then, or comes there.
    process.terminate()
    assert process.wait() == -signal.SIGTERM
    process.stderr.close()


@pytest.mark.parametrize("command", [
    ["query", "SELECT * FROM telemetry_events"], ["status"], ["balance", "--format", "csv"], ["config", "show"]])
def test_what_cannot_be_written_is_an_error(data, command):
    with open("/dev/full", "w") as full:
        place = [] if command[0] == "config" else ["--data-dir", data]
        done = subprocess.run([BINARY, *command, *place], env=environment(), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 74 and b"standard output" in done.stderr


def test_categories_may_be_several(data, tmp_path):
    file = tmp_path / "two.ndjson"
    export(data, file, "--format", "ndjson", "--category", "relay", "--category", "tracking")
    assert len(file.read_text().splitlines()) == 5
    export(data, file, "--format", "ndjson", "--category", "tracking")
    assert len(file.read_text().splitlines()) == 1


# MARK: files that come back


def test_an_export_says_when_it_was_changed(data, tmp_path):
    file, changed = tmp_path / "all.db", tmp_path / "changed.db"
    export(data, file)
    assert run("import", str(file), data=tmp_path / "same").stderr == ""
    for statement in ("UPDATE telemetry_events SET severity = 'error' WHERE id = 1",
                      "DELETE FROM telemetry_events WHERE id = 1", "UPDATE manifest SET value = 7 WHERE key = 'rows'"):
        shutil.copy(file, changed)
        with sqlite3.connect(changed) as connection:
            assert connection.execute(statement).rowcount == 1
        connection.close()
        done = run("import", str(changed), data=tmp_path / "other")
        assert "warning" in done.stderr and "changed" in done.stderr


@pytest.mark.parametrize("is_running", [False, True])
def test_an_export_of_a_newer_schema_is_refused(data, tmp_path, is_running):
    file = tmp_path / "newer.db"
    export(data, file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE manifest SET value = 999 WHERE key = 'schema_version'")
    connection.close()
    with Daemon(tmp_path / "other") as daemon:
        if not is_running:
            daemon.stop()
        done = run("import", str(file), data=tmp_path / "other", check=False)
        assert done.returncode == 65 and "newer Garner: schema 999" in done.stderr and "{" not in done.stderr


def test_what_is_no_export_is_bad_input(tmp_path):
    table = tmp_path / "table.db"
    with sqlite3.connect(table) as connection:
        connection.execute("CREATE TABLE other (a)")
    connection.close()
    with Daemon(tmp_path / "data") as daemon:
        done = run("import", str(table), data=daemon.data, check=False)
        assert done.returncode == 65 and "telemetry_events" in done.stderr and "{" not in done.stderr
        assert daemon.stop() == 0
    assert run("import", str(table), data=tmp_path / "data", check=False).returncode == 65


def test_a_foreign_row_without_a_time_is_named(data, tmp_path):
    file = tmp_path / "telemetry.db"
    export(data, file)
    with sqlite3.connect(file) as connection:
        for table in ("manifest", "otlp", "origin"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE telemetry_events SET timestamp = 'yesterday' WHERE id = 2")
    connection.close()
    done = run("import", str(file), data=tmp_path / "other", check=False)
    assert done.returncode == 65 and "rowid 2: timestamp" in done.stderr
    assert ask(tmp_path / "other", COUNT) == [{"n": 4}]


@pytest.mark.parametrize("format", ["json", "ndjson", "otlp", "sqlite"])
def test_a_store_knows_its_own_records_again(data, tmp_path, format):
    file = tmp_path / "all"
    export(data, file, "--format", format)
    run("import", str(file), data=data)
    assert ask(data, COUNT) == [{"n": 5}]


def test_an_attribute_may_be_called_like_a_member(tmp_path):
    names = ["attributes", "data", "garner", "event", "span", "resource"]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"eventName": "relay.note", "attributes": [attribute(name, intValue="3") for name in names]}]}]}]}
    with Daemon(tmp_path / "data") as daemon:
        daemon.post("logs", body)
        assert daemon.stop() == 0
    for format in ("json", "ndjson", "csv", "sqlite"):
        export(tmp_path / "data", tmp_path / format, "--format", format)
        run("import", str(tmp_path / format), data=tmp_path / f"from-{format}")
        rows = "SELECT event, data FROM telemetry_events"
        assert ask(tmp_path / f"from-{format}", rows) == ask(tmp_path / "data", rows), format


# MARK: others


def test_a_load_keeps_its_rate(tmp_path):
    with Daemon(tmp_path / "data") as daemon:
        for rate, seconds in ((100, 1), (1000, 1)):
            report = json.loads(run("load", "--data-dir", str(daemon.data), "--rate", str(rate), "--seconds",
                                    str(seconds), "--format", "json").stdout)[0]
            assert report["records"] == rate * seconds and report["records_per_s"] <= rate


def test_a_home_by_its_short_name_is_refused(tmp_path):
    file = tmp_path / "garner.yaml"
    file.write_text("data_dir: ~/data\n")
    done = run("config", "check", "--config", str(file), check=False)
    assert done.returncode == 78 and "data_dir" in done.stderr + done.stdout
    assert run("status", "--data-dir", "", check=False).returncode == 2


def test_columns_can_be_asked_for(data):
    found = ask(data, "SELECT name FROM pragma_table_info('spans')")
    assert {"name": "trace_id"} in found
