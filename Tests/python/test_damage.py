"""What happens to the process, the files and the clock in between is no reason to lose a record that was answered."""

import json
import os
import random
import signal
import sqlite3
import threading
import time

import pytest

from garner import PATIENCE, Daemon, data_files, rows, run
from test_json import attribute

DAY = 86_400_000_000_000
# One event for each retention class.
EVENTS = ["relay.desync", "relay.suspicion", "gui.click", "perf.frame", "save.slow"]


def logs(ticks, days=(0, 1, 5), padding=0):
    """A request of one record a tick, spread over all classes and the days back from today that are named."""
    padded = [attribute("padding", stringValue="x" * padding)] if padding else []
    now = time.time_ns()
    return {"resourceLogs": [{
        "resource": {"attributes": [attribute("service.name", stringValue="relay")]},
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": str(now - days[tick % len(days)] * DAY), "eventName": EVENTS[tick % len(EVENTS)],
            "severityNumber": 9, "attributes": [attribute("tick", intValue=tick), *padded]} for tick in ticks]}]}]}


def ticks(data):
    """Of all rows that a foreign tool finds, restricted ones too."""
    return sorted(row["tick"] for row in rows(data, "SELECT tick FROM telemetry_events"))


def test_every_answered_record_is_there_once_after_kills_at_full_load(daemon):
    sent, answered = {}, set()
    running, counter = daemon, iter(range(10_000))
    for _ in range(4):
        enough = threading.Event()

        def send():
            while True:
                number = next(counter)
                body = json.dumps(logs(range(number * 60, number * 60 + 60))).encode()
                sent[number] = body
                try:
                    answer = running.post("logs", body)
                except (OSError, ValueError):
                    return
                if answer.status == 200:
                    answered.add(number)
                if len(answered) % 8 == 7:
                    enough.set()

        clients = [threading.Thread(target=send) for _ in range(4)]
        for client in clients:
            client.start()
        assert enough.wait(PATIENCE)
        if random.random() < 0.5:
            # In the middle of settling, as likely as not.
            threading.Thread(target=lambda: _ignored(running.settle)).start()
        running.stop(signal.SIGKILL)
        for client in clients:
            client.join()
        running = running.restart()
    try:
        # A sender that heard nothing sends again.
        for number in set(sent) - answered:
            assert running.post("logs", sent[number]).status == 200
        assert ticks(running.data) == sorted(tick for number in sent for tick in range(number * 60, number * 60 + 60))
        running.settle()
        assert len(ticks(running.data)) == len(sent) * 60
        assert run("balance", data=running.data, check=False).returncode == 0
    finally:
        running.stop()


def _ignored(action):
    try:
        action()
    except Exception:  # the daemon is killed under it
        pass


def test_records_settle_by_class_and_day(daemon):
    daemon.post("logs", logs(range(60)))
    daemon.settle()
    folders = {file.relative_to(daemon.data / "shards").parts[0] for file in data_files(daemon.data)}
    assert folders >= {"evidence", "restricted", "detail", "firehose", "standard"}
    restricted = list((daemon.data / "shards" / "restricted").rglob("*.db"))
    assert restricted and all(file.stat().st_mode & 0o777 == 0o600 for file in restricted)
    assert ticks(daemon.data) == list(range(60))
    # Anti-cheat rows leave only by an explicit word.
    assert daemon.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 48}]


def test_a_retry_is_known_after_its_landing_file_settled_and_the_catalog_went(daemon):
    body = json.dumps(logs(range(30))).encode()
    daemon.post("logs", body)
    daemon.settle()
    daemon.stop()
    (daemon.data / "catalog.db").unlink()
    with daemon.restart() as after:
        assert after.post("logs", body).headers["Garner-Duplicate"] == "1"
        assert ticks(after.data) == list(range(30))
        assert run("balance", data=after.data, check=False).returncode == 0


@pytest.mark.parametrize("damage", ["truncated", "noise", "header", "empty"])
def test_a_damaged_data_file_is_set_aside_and_the_rest_lives_on(daemon, damage):
    daemon.post("logs", logs(range(1000), days=(0,)))
    daemon.settle()
    daemon.stop()
    file = max((daemon.data / "shards" / "standard").rglob("*.db"))
    with open(file, "r+b") as broken:
        length = os.fstat(broken.fileno()).st_size
        if damage == "truncated":
            broken.truncate(length // 2 // 4096 * 4096)
        elif damage == "noise":
            broken.write(random.randbytes(length))
        elif damage == "header":
            broken.write(bytes(100))
        else:
            broken.truncate(0)
    with daemon.restart() as after:
        assert after.post("logs", logs([5000])).status == 200
        after.until(lambda: any((after.data / "quarantine").iterdir()))
        others = [tick for tick in range(1000) if EVENTS[tick % 5] != "save.slow"] + [5000]
        found = ticks(after.data)
        assert set(found) >= set(others) and len(found) == len(set(found))
        assert run("balance", data=after.data, check=False).returncode == 0


def test_a_damaged_state_comes_back_from_its_copy_or_empty(daemon):
    daemon.post("logs", logs(range(30)))
    daemon.settle()
    daemon.stop()
    (daemon.data / "state.db").write_bytes(random.randbytes(20_000))
    with daemon.restart() as after:
        assert after.post("logs", logs(range(30, 60))).status == 200
        assert ticks(after.data) == list(range(60))


@pytest.mark.parametrize("is_running", [True, False])
def test_nothing_goes_by_age_until_a_lost_state_is_accepted(tmp_path, is_running):
    data = tmp_path / "data"

    def doctor(*arguments):
        done = run("doctor", "--format", "json", *arguments, data=data, check=False)
        return done.returncode, {row["check"]: row["ok"] for row in json.loads(done.stdout)}

    with Daemon(data) as daemon:
        daemon.post("logs", logs(range(30)))
        daemon.settle()
    assert doctor() == (0, {"state": True, "clock": True, "quarantine": True})
    (data / "state.db").unlink()
    (data / "state.db.bak").unlink(missing_ok=True)
    assert doctor() == (1, {"state": False})
    config = tmp_path / "garner.yaml"
    classes = {name: {"age": "1s"} for name in ("evidence", "restricted", "firehose", "standard", "detail")}
    config.write_text(json.dumps({"retention": {"min_age": "1s", "interval": "100ms", "classes": classes}}))
    with Daemon(data, "--config", str(config)) as after:
        assert "garner doctor --accept" in after.errors()
        # What came under a state that nobody doubts would be gone by then.
        end = time.monotonic() + 1.5
        after.until(lambda: time.monotonic() > end)
        after.control("POST", "/maintain")
        assert ticks(data) == list(range(30))
        assert doctor()[1]["state"] is False
        if is_running:
            assert doctor("--accept")[1]["state"] is True
            after.until(lambda: after.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 0}])
    if not is_running:
        assert doctor("--accept")[1]["state"] is True
        with Daemon(data, "--config", str(config)) as again:
            again.until(lambda: again.query("SELECT count(*) AS n FROM telemetry_events") == [{"n": 0}])


def test_clocks_of_senders_may_say_1970_or_2100(daemon):
    for year, moment in [("1970", 1_000), ("2100", 4_102_444_800_000_000_000)]:
        body = logs([4])
        body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["timeUnixNano"] = str(moment)
        assert daemon.post("logs", body).status == 200
        daemon.settle()
        assert len(daemon.query(f"SELECT id FROM telemetry_events WHERE timestamp LIKE '{year}-01-01T00:00:00.%'")) == 1
    daemon.control("POST", "/maintain")
    assert len(ticks(daemon.data)) == 2


def test_a_foreign_reader_may_hold_its_transaction_while_files_settle(daemon):
    daemon.post("logs", logs(range(10)))
    file, = data_files(daemon.data)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM telemetry_events").fetchone() == (10,)
    daemon.settle()
    assert reader.execute("SELECT count(*) FROM telemetry_events").fetchone() == (10,)
    reader.close()
    assert ticks(daemon.data) == list(range(10))
