"""Datagrams as games send them: the senders of this repository, a way that loses and doubles, and a shell."""

import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import time

import pytest

from garner import PATIENCE, ROOT, BINARY, Daemon, environment, run

sys.path.insert(0, str(ROOT / "senders" / "python"))
from garner_udp import Sender  # noqa: E402

KEY = bytes(range(32)).hex()


@pytest.fixture
def daemon(tmp_path):
    keys = tmp_path / "udp.jsonl"
    line = {"key_id": 7, "key": KEY, "source": "relay-eu-1", "component": "relay", "created": "2026-01-01T00:00:00Z",
            "expires": None, "revoked": None, "records_per_s": 0, "bytes_per_s": 0, "audience": "server",
            "pseudonym_key": None}
    keys.write_text(json.dumps(line) + "\n")
    keys.chmod(0o600)
    with Daemon(tmp_path / "data", "--udp", "127.0.0.1:0", env={"GARNER_AUTH_UDP_KEYS_FILE": str(keys)}) as running:
        running._await_doors("udp")
        yield running


def port(daemon):
    return int(daemon.doors["udp"].rsplit(":", 1)[1])


def metrics(daemon, family):
    from garner import http

    text = http(f"{daemon.console}/metrics").body.decode()
    return {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if line.startswith(family + "{")}


def packets(daemon, result):
    return metrics(daemon, "garner_udp_packets_total").get(
        f'garner_udp_packets_total{{door="udp",result="{result}"}}', 0)


def events(daemon, outcome, source="relay-eu-1", signed="true"):
    return metrics(daemon, "garner_udp_events_total").get(
        f'garner_udp_events_total{{source="{source}",signed="{signed}",outcome="{outcome}"}}', 0)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def rows(data, sql):
    return json.loads(run("query", sql, "--format", "json", data=data).stdout)


class Relay:
    """Takes the place of a sender's socket: loses, doubles and reorders, and keeps the books."""

    def __init__(self, sender, seed, lose=0.1, double=0.1, swap=0.2):
        self.random, self.lose, self.double, self.swap = random.Random(seed), lose, double, swap
        self.socket, sender.socket = sender.socket, self
        self.held, self.lost, self.doubled, self.sent = None, 0, 0, 0

    def sendto(self, data, address):
        count, is_end = int.from_bytes(data[6:8], "big"), data[5] & 1
        # The farewell arrives, or nobody could know of what was lost before it.
        if not is_end and self.random.random() < self.lose:
            self.lost += count
            return
        out = [data] * (2 if self.random.random() < self.double else 1)
        self.doubled += len(out) - 1
        if self.held is None and not is_end and self.random.random() < self.swap:
            self.held = out
            return
        for packet in out + (self.held or []):
            self.socket.sendto(packet, address)
            self.sent += 1
        self.held = None

    def close(self):
        self.socket.close()


def test_a_lossy_way_is_counted_exactly(daemon):
    total = 0
    lost = doubled = 0
    for boot in range(3):
        sender = Sender(f"7:{KEY}", port=port(daemon), game_id="g00294", interval=0, packet_bytes=432)
        relay = Relay(sender, boot)
        for number in range(600):
            assert sender.event("relay.tick.process", tick=number, order_count=3, process_us=812, stall_detected=False)
            if number % 7 == 0:
                sender.flush()
        sender.close()
        total += 600
        lost += relay.lost
        doubled += relay.doubled
        until(lambda: packets(daemon, "accepted") + packets(daemon, "duplicate") >= relay.sent)
    until(lambda: events(daemon, "received") == total - lost)
    assert events(daemon, "lost") + events(daemon, "pending") == lost
    assert packets(daemon, "duplicate") == doubled
    assert metrics(daemon, "garner_udp_kernel_drops_total") == {} and packets(daemon, "bad_mac") == 0
    assert daemon.stop() == 0
    [row] = rows(daemon.data, "SELECT count(*) AS n, count(DISTINCT session_id) AS boots FROM telemetry_events")
    assert row == {"n": total - lost, "boots": 3}


def test_a_packet_is_taken_once_and_whole(daemon):
    sender = Sender(f"7:{KEY}", port=port(daemon), interval=0)
    out = []
    plain, sender.socket = sender.socket, type("Keep", (), {"sendto": lambda _, d, a: out.append(d), "close": lambda _: 0})()
    sender.event("demo.hit", unit="Mammoth Mk.III", damage=-40, hash=b"\x01\x02", seen=["a", "b"], odd={"x": [1.5, None]})
    sender.flush()
    [packet] = out
    for bit in range(0, len(packet) * 8, 11):
        flipped = bytearray(packet)
        flipped[bit // 8] ^= 1 << bit % 8
        plain.sendto(flipped, sender.address)
    for _ in range(5):
        plain.sendto(packet, sender.address)
    until(lambda: packets(daemon, "duplicate") == 4)
    assert packets(daemon, "accepted") == 1
    assert daemon.stop() == 0
    [row] = rows(daemon.data, "SELECT event, component, data FROM telemetry_events")
    assert (row["event"], row["component"]) == ("demo.hit", "relay")
    assert json.loads(row["data"]) == {
        "unit": "Mammoth Mk.III", "damage": -40, "hash": "0102", "seen": ["a", "b"], "odd": {"x": [1.5, None]}}


def test_kill_and_restart_take_rows_and_counts_together(daemon, tmp_path):
    sender = Sender(f"7:{KEY}", port=port(daemon), interval=0, packet_bytes=432)
    for number in range(500):
        sender.event("test.number", number=number)
        if number % 5 == 4:
            sender.flush()
    until(lambda: events(daemon, "received") > 100)
    daemon.process.kill()
    daemon.process.wait()
    keys = {"GARNER_AUTH_UDP_KEYS_FILE": str(tmp_path / "udp.jsonl")}
    with Daemon(daemon.data, "--udp", "127.0.0.1:0", env=keys) as second:
        second._await_doors("udp")
        sender.address = (sender.address[0], port(second))
        sender.event("test.last")
        sender.close()
        until(lambda: sum(events(second, o) for o in ("received", "lost", "pending", "refused", "before")) == 501)
        received = events(second, "received")
        assert second.stop() == 0
    [row] = rows(daemon.data, "SELECT count(*) AS n FROM telemetry_events")
    assert row["n"] == received


def test_typed_by_hand(daemon):
    script = f"""echo '{{"e":"test.hello","d":{{"from":"bash"}}}}' >/dev/udp/127.0.0.1/{port(daemon)}"""
    subprocess.run(["bash", "-c", script], check=True, timeout=PATIENCE)
    until(lambda: packets(daemon, "accepted") == 1)
    assert events(daemon, "received", "local", "false") == 1
    assert daemon.stop() == 0
    assert rows(daemon.data, "SELECT event, data FROM telemetry_events") == [
        {"event": "test.hello", "data": '{"from":"bash"}'}]


def test_a_flood_of_strangers_changes_nothing(daemon):
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = Sender(f"7:{KEY}", port=port(daemon), interval=0)
    forged = b"GUB1\x01\0\0\0" + (7).to_bytes(4, "big") + os.urandom(100)
    for number in range(3000):
        plain.sendto(forged, sender.address)
        if number % 100 == 0:
            sender.event("test.number", number=number)
            sender.flush()
            until(lambda: packets(daemon, "accepted") == number // 100 + 1)
    assert packets(daemon, "bad_mac") + packets(daemon, "throttled") > 0
    assert events(daemon, "received") == 30


@pytest.fixture(scope="session")
def c_sender(tmp_path_factory):
    program = tmp_path_factory.mktemp("c") / "garner_udp"
    subprocess.run(
        ["cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-O2", "-DGARNER_UDP_MAIN",
         str(ROOT / "senders" / "c" / "garner_udp.c"), "-o", str(program)], check=True, timeout=PATIENCE)
    return program


def test_the_sender_in_c(daemon, c_sender):
    boot = subprocess.run(
        [c_sender, str(port(daemon)), f"7:{KEY}", "100"], check=True, capture_output=True, text=True,
        timeout=PATIENCE).stdout.strip()
    until(lambda: events(daemon, "received") == 100)
    assert events(daemon, "lost") + events(daemon, "pending") + events(daemon, "shed") == 0
    assert daemon.stop() == 0
    found = rows(daemon.data, "SELECT session_id, event, component, tick, data FROM telemetry_events ORDER BY tick")
    assert len(found) == 100 and {row["session_id"] for row in found} == {boot}
    assert found[3]["tick"] == 18003 and found[3]["component"] == "relay"
    assert json.loads(found[3]["data"]) == {
        "game_id": "g00294", "tick": 18003, "order_count": 3, "drift": -3, "load": 0.5, "stall_detected": True,
        "unit": "Mammoth Mk.III", "hash_actual": "0xfedcba9876543210"}


def test_garner_send(daemon):
    to = f"127.0.0.1:{port(daemon)}"
    key = environment(GARNER_UDP_KEY=f"7:{KEY}")

    def send(*words, feed=""):
        return subprocess.run([str(BINARY), "send", *words, "--to", to], env=key, input=feed, text=True,
                              capture_output=True, check=True, timeout=PATIENCE).stdout

    send("demo.hit", "unit=Mammoth Mk.III", "damage=40", "crit=true", "--game", "g1", "--tick", "7")
    send("--stdin", feed="".join(json.dumps({"e": "test.line", "d": {"n": n}}) + "\n" for n in range(200)))
    assert "round trip" in send("--probe")
    until(lambda: events(daemon, "received") == 201)
    assert events(daemon, "lost") + events(daemon, "pending") == 0 and packets(daemon, "probe") == 1
    assert daemon.stop() == 0
    [hit] = rows(daemon.data, "SELECT data, tick FROM telemetry_events WHERE event = 'demo.hit'")
    assert json.loads(hit["data"]) == {"game_id": "g1", "tick": 7, "unit": "Mammoth Mk.III", "damage": 40, "crit": True}


def typed(boot, seq, age, name="demo.hit"):
    """A numbered packet of form J, signed by hand; `age`: seconds since it was sent."""
    sent = int((time.time() - age) * 1e6)
    text = json.dumps({"v": 1, "boot": f"{boot:016x}", "seq": seq, "n": seq, "t": sent, "ev": [{"e": name}]}) + "\n"
    tag = hmac.new(bytes.fromhex(KEY), text.encode(), hashlib.sha256).digest()[:16]
    return text.encode() + b"sig 7 " + tag.hex().encode() + b"\n"


def test_a_reload_changes_how_clocks_and_strangers_are_judged(tmp_path):
    config = tmp_path / "garner.yaml"
    config.write_text("udp:\n  max_skew: 10m\n")
    with Daemon(tmp_path / "data", "--udp", "127.0.0.1:0", "--config", str(config)) as daemon:
        daemon._await_doors("udp")
        keys = daemon.data / "keys" / "udp.jsonl"
        keys.write_text(json.dumps({
            "key_id": 7, "key": KEY, "source": "relay-eu-1", "created": "2026-01-01T00:00:00Z", "expires": None,
            "revoked": None}) + "\n")
        keys.chmod(0o600)
        until(lambda: "credentials.changed" in daemon.errors() or "UDP keys were read again" in daemon.errors())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", port(daemon)))
            sender.send(typed(1, 0, 60))
            until(lambda: packets(daemon, "accepted") == 1)
            config.write_text("udp:\n  max_skew: 5s\n  silent_after: 1s\n  allow_unsigned: [192.0.2.0/24]\n")
            answer = json.loads(daemon.control("POST", "/-/reload").body)
            assert answer == {"changed": ["udp.allow_unsigned", "udp.max_skew", "udp.silent_after"], "needs_restart": []}
            sender.send(typed(2, 0, 60))
            until(lambda: packets(daemon, "clock") == 1)
            # A boot that is known is not asked again.
            sender.send(typed(1, 1, 60))
            until(lambda: packets(daemon, "accepted") == 2)

        def state():
            return json.loads(daemon.control("GET", "/sources").body)[0]["state"]

        until(lambda: state() == "silent")


def test_what_is_no_event_is_told_and_the_others_are_sent(daemon):
    lines = '{"e":"send.a"}\n\n{"e":"send.b"}\nno json\n{"e":"send.c"}\n'
    sent = subprocess.run(
        [str(BINARY), "send", "--stdin", "--key", f"7:{KEY}", "--to", daemon.doors["udp"]], input=lines, text=True,
        capture_output=True, env=environment())
    assert sent.returncode == 65
    assert "line 4: an event is a JSON object on one line" in sent.stderr
    until(lambda: rows(daemon.data, "SELECT count(*) AS n FROM logs WHERE event_name LIKE 'send.%'")[0]["n"] == 3)
    for arguments in (["demo.hit", "=3"], ["demo.hit", "--severity", "loud"]):
        refused = run("send", "--to", daemon.doors["udp"], *arguments, check=False)
        assert refused.returncode == 2, refused.stderr


def test_who_said_farewell_over_one_way_may_speak_over_the_other(daemon):
    run("send", "demo.hit", "--key", f"7:{KEY}", "--to", daemon.doors["udp"])
    state = lambda: [row["state"] for row in json.loads(run("sources", "--format", "json", data=daemon.data).stdout)
                     if row["source"] == "relay-eu-1"]
    until(lambda: state() == ["ended"])
    token = run("token", "create", "--scope", "ingest", "--source", "relay-eu-1", data=daemon.data).stdout.strip()
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": "late", "timeUnixNano": "1"}]}]}]}
    until(lambda: daemon.post("logs", body, Authorization=f"Bearer {token}").status == 200)
    assert state() == ["ok"]


def test_a_key_that_is_none_is_wrong_usage():
    for key in ("zz", "7:zz", "7:" + "zz" * 32, "0:" + "00" * 32):
        refused = run("send", "demo.hit", "--key", key, check=False)
        assert refused.returncode == 2, refused.stderr
