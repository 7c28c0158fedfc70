"""From one Garner to another: what comes twice, by whatever way, counts once."""

from collections import Counter

from forward_daemon import NOON, ForwardingDaemon, attribute_list
from garner import Daemon, run


def hub_entry(tmp_path, hub):
    made = run("token", "create", "--scope", "relay", "--source", "box-1", data=hub.data)
    token = next(word for word in made.stdout.split() if word.startswith("gt_"))
    file = tmp_path / "hub.token"
    file.write_text(token + "\n")
    file.chmod(0o600)
    return {"type": "garner", "endpoint": hub.otlp, "auth": {"bearer_file": str(file)}}


def send(daemon, names):
    answer = daemon.post("logs", {"resourceLogs": [{
        "resource": {"attributes": attribute_list({"service.name": "relay", "session.id": "s-1"})},
        "scopeLogs": [{"logRecords": [
            {"timeUnixNano": str(NOON + number), "eventName": name, "body": {"stringValue": name}}
            for number, name in enumerate(names)]}]}]})
    assert answer.status == 200, answer.body


def events(daemon):
    return Counter(row["event"] for row in daemon.rows("SELECT event FROM telemetry_events"))


def several(prefix, count):
    return [f"{prefix}.{number}" for number in range(count)]


def test_a_replay_to_the_hub_adds_nothing(tmp_path):
    with Daemon(tmp_path / "hub") as hub:
        with ForwardingDaemon(tmp_path, {"hub": hub_entry(tmp_path, hub)}) as box:
            box.send_spans(several("relay.span", 20))
            send(box, several("relay.log", 20))
            box.until_sent("hub")
            expected = Counter(several("relay.span", 20) + several("relay.log", 20))
            assert events(hub) == expected
            done = box.forward("replay", "--destination", "hub")
            assert "40 sent, 0 refused" in done.stdout
            assert events(hub) == expected
            assert {row["session_id"] for row in hub.rows("SELECT session_id FROM logs")} == {"s-1"}
            # No trace of the way it came is left in what is stored.
            assert not hub.rows("SELECT id FROM telemetry_events WHERE data LIKE '%garner.ids%'")


def test_stream_and_file_of_the_same_records_count_once(tmp_path):
    export = tmp_path / "box.jsonl"
    with Daemon(tmp_path / "hub") as hub:
        with ForwardingDaemon(tmp_path, {"hub": hub_entry(tmp_path, hub)}) as box:
            send(box, several("relay.log", 20))
            box.until_sent("hub")
            run("export", "--restricted", "--format", "otlp", "--output", str(export), data=box.data)
        run("import", str(export), data=hub.data)
        assert events(hub) == Counter(several("relay.log", 20))


def test_kills_on_the_way_do_not_double_what_the_hub_has(tmp_path):
    hub = Daemon(tmp_path / "hub")
    entry = hub_entry(tmp_path, hub)
    names = []
    try:
        for turn in range(3):
            with ForwardingDaemon(tmp_path, {"hub": {**entry, "endpoint": hub.otlp}}) as box:
                for number in range(20):
                    batch = several(f"relay.{turn}.{number}", 10)
                    send(box, batch)
                    names += batch
                box.until(lambda: sum(events(hub).values()) > turn * 200)
                # Each in its turn, by the signal that nobody can handle.
                if turn < 2:
                    box.process.kill()
                    box.process.wait()
                    hub.process.kill()
                    hub.process.wait()
                    hub.__exit__()
                    hub = Daemon(tmp_path / "hub")
                else:
                    box.until_sent("hub")
        assert events(hub) == Counter(names)
    finally:
        hub.__exit__()
