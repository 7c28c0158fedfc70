"""A small file system that fills up and drains. Needs the right to mount one; without it the tests are skipped."""

import json
import os
import subprocess

import pytest

from garner import Daemon, run
from test_damage import EVENTS, logs, ticks

MEBIBYTE = 1 << 20


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def readable(daemon):
    """Ticks that `garner query` finds: read in one list of files, while others settle. Restricted rows are left out."""
    rows = daemon.query("SELECT tick FROM telemetry_events ORDER BY tick", "--limit", "0")
    return [row["tick"] for row in rows]


def unrestricted(numbers):
    return [tick for tick in numbers if EVENTS[tick % len(EVENTS)] != "relay.suspicion"]


def fill(daemon, first):
    """Requests of 200 records until one is refused; the number of the next request, and the refusal."""
    for number in range(first, first + 3000):
        answer = daemon.post("logs", json.dumps(logs(range(number * 200, number * 200 + 200), padding=500)).encode())
        if answer.status != 200:
            return number, answer
    raise AssertionError("the disk never got full")


def test_a_full_disk_refuses_keeps_what_it_answered_and_opens_again(disk):
    foreign = disk / "somebody-else"
    with open(foreign, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 24 * MEBIBYTE)
    with Daemon(disk / "data", env={"GARNER_RETENTION_INTERVAL": "50ms"}) as daemon:
        stored, refusal = fill(daemon, 0)
        assert refusal.status == 503
        assert int(refusal.headers["Retry-After"]) >= 1
        assert any(cause in refusal.json()["message"] for cause in ("disk_reserve", "settling_behind"))
        assert readable(daemon) == unrestricted(range(stored * 200))
        foreign.unlink()
        again = json.dumps(logs([10_000_000])).encode()
        daemon.until(lambda: daemon.post("logs", again).status == 200)
        daemon.settle()
        assert len(ticks(daemon.data)) == stored * 200 + 1
        assert run("balance", data=daemon.data, check=False).returncode == 0
        assert daemon.stop() == 0


def test_the_oldest_go_when_they_may_and_the_books_say_so(disk):
    env = {"GARNER_RETENTION_INTERVAL": "50ms", "GARNER_RETENTION_MIN_AGE": "0s"}
    with Daemon(disk / "data", env=env) as daemon:
        number, oldest = 0, 0
        while oldest < 200:
            for _ in range(10):
                body = json.dumps(logs(range(number * 200, number * 200 + 200), days=(0,), padding=2000)).encode()
                daemon.until(lambda: daemon.post("logs", body).status == 200)
                number += 1
            assert number < 20_000
            # The class with the shortest age goes first.
            rows = daemon.query("SELECT min(tick) AS oldest FROM telemetry_events WHERE event = 'perf.frame'")
            oldest = rows[0]["oldest"]
        assert run("balance", data=daemon.data, check=False).returncode == 0
        assert daemon.stop() == 0
