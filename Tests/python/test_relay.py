"""One Garner sends on to another: every record counts once, by whatever ways and however often it comes."""

import json
import signal
from random import Random

import pytest

from forward_daemon import ForwardingDaemon
from forward_far_end import REQUESTS
from garner import Daemon, run
from otlp_canonical import compare
from otlp_random import Generator
from test_round_trip import exported, rejected

NAMES = [f"relay.game.{number}" for number in range(40)]


def hub_at(folder, name="hub"):
    return Daemon(folder / name)


def link(folder, hub, scope="relay", source="box", **more):
    """A destination with a token that the hub has given."""
    file = folder / f"{source}.token"
    file.write_text(run("token", "create", "--scope", scope, "--source", source, data=hub.data).stdout.strip())
    file.chmod(0o600)
    headers = {"Authorization": f"Bearer {file.read_text()}"}
    hub.until(lambda: hub.post("logs", {}, **headers).status == 200)
    return {"type": "garner", "endpoint": hub.otlp, "auth": {"bearer_file": str(file)}, **more}


def relay_at(folder, name, *arguments, **destinations):
    (folder / name).mkdir(exist_ok=True)
    return ForwardingDaemon(folder / name, destinations, *arguments)


def same_port(daemon):
    return "--otlp-http", daemon.doors["otlp_http"]


def events(daemon):
    return sorted(row["event"] for row in daemon.rows("SELECT event FROM telemetry_events"))


def balanced(*daemons):
    for daemon in daemons:
        run("balance", data=daemon.data)


def tallies(daemon):
    """Records of all sources by what became of them."""
    report = json.loads(run("status", "--format", "json", data=daemon.data).stdout)
    kinds = ("received", "stored", "deduplicated", "filtered")
    return {kind: sum(source[kind] for source in report["sources"]) for kind in kinds}


def store_of(daemon):
    return daemon.rows("SELECT value FROM meta WHERE key = 'store'")[0]["value"]


def test_a_hub_has_what_the_relay_has(tmp_path):
    generator = Generator(Random(7))
    with hub_at(tmp_path) as hub, relay_at(tmp_path, "relay", hub=link(tmp_path, hub, restricted=True)) as relay:
        for number in range(9):
            kind = list(REQUESTS)[number % 3]
            body = generator.request(REQUESTS[kind]).SerializeToString()
            assert rejected(kind, relay.post(kind, body, "application/x-protobuf")) == 0
        relay.until_sent("hub")
        difference = compare(
            list(exported(relay.data, tmp_path / "relay.jsonl")), list(exported(hub.data, tmp_path / "hub.jsonl")))
        assert not difference, difference
        assert tallies(hub)["stored"] == tallies(relay)["stored"]
        balanced(relay, hub)


def test_records_keep_their_source_behind_the_name_of_the_relay(tmp_path):
    with hub_at(tmp_path) as hub, relay_at(tmp_path, "relay", hub=link(tmp_path, hub)) as relay:
        relay.send_spans(NAMES[:2], resource={"service.instance.id": "eu-7"})
        relay.send_spans(NAMES[2:3], trace=2, resource={"service.instance.id": "eu 8"})
        relay.until_sent("hub")
        found = {(row["event"], row["source"]) for row in hub.rows("SELECT name AS event, source FROM spans")}
        assert found == {(NAMES[0], "box/eu-7"), (NAMES[1], "box/eu-7"), (NAMES[2], "box/eu_8")}


def test_what_is_sent_again_counts_once(tmp_path):
    """Another name of the same far end, from the first record on."""
    with hub_at(tmp_path) as hub:
        first = link(tmp_path, hub)
        with relay_at(tmp_path, "relay", hub=first) as relay:
            relay.send_spans(NAMES)
            relay.until_sent("hub")
            relay.stop()
        with relay_at(tmp_path, "relay", hub=first, more={**first, "start": "oldest"}) as relay:
            relay.until_sent("more")
            assert relay.status("more")["sent"] == len(NAMES)
            assert events(hub) == sorted(NAMES)
            # The books of a request that is known whole are written with the next one.
            hub.stop()
            assert tallies(hub) == {
                "received": 2 * len(NAMES), "stored": len(NAMES), "deduplicated": len(NAMES), "filtered": 0}
            balanced(relay, hub)


@pytest.mark.parametrize("victim", ["hub", "relay"])
def test_a_kill_of_either_side_loses_and_doubles_nothing(victim, tmp_path):
    sent = []
    with hub_at(tmp_path) as hub:
        destination = link(tmp_path, hub)
        port = same_port(hub)
        relay = relay_at(tmp_path, "relay", hub=destination)
        try:
            for round in range(4):
                for number in range(10):
                    names = [f"relay.game.{round}.{number}.{name}" for name in range(5)]
                    relay.send_spans(names, trace=1 + len(sent))
                    sent += names
                if victim == "hub":
                    hub.stop(signal.SIGKILL)
                    hub = hub.restart(*port)
                else:
                    hub.until(lambda: len(events(hub)) > 0)
                    relay.stop(signal.SIGKILL)
                    relay.__exit__()
                    relay = relay_at(tmp_path, "relay", hub=destination)
            relay.until_sent("hub")
            assert events(hub) == sorted(sent)
            balanced(relay, hub)
        finally:
            relay.__exit__()
            hub.__exit__()


@pytest.mark.parametrize("format,name", [("sqlite", "all.db"), ("otlp", "all.jsonl"), ("ndjson", "rows.ndjson")])
def test_a_file_of_the_relay_brings_the_hub_nothing_new(format, name, tmp_path):
    file = tmp_path / name
    with hub_at(tmp_path) as hub, relay_at(tmp_path, "relay", hub=link(tmp_path, hub)) as relay:
        relay.send_spans(NAMES)
        relay.until_sent("hub")
        run("export", "--format", format, "--output", str(file), data=relay.data)
        run("import", str(file), data=hub.data)
        assert events(hub) == sorted(NAMES)
        hub.stop(signal.SIGKILL)
        with hub.restart() as after:
            run("import", str(file), data=after.data)
            after.settle()
            run("import", str(file), data=after.data)
            assert events(after) == sorted(NAMES)
            balanced(after)


def test_what_a_file_brought_before_is_known_when_it_is_sent(tmp_path):
    file = tmp_path / "all.db"
    with hub_at(tmp_path) as hub:
        with relay_at(tmp_path, "relay") as relay:
            relay.send_spans(NAMES)
            run("export", "--format", "sqlite", "--output", str(file), data=relay.data)
            relay.stop()
        run("import", str(file), data=hub.data)
        with relay_at(tmp_path, "relay", hub=link(tmp_path, hub, start="oldest")) as relay:
            relay.until_sent("hub")
            assert relay.status("hub")["sent"] == len(NAMES)
            assert events(hub) == sorted(NAMES)


def test_records_are_known_two_hops_on(tmp_path):
    file = tmp_path / "all.db"
    with hub_at(tmp_path) as far, relay_at(tmp_path, "hub2", far=link(tmp_path, far, source="second")) as hub:
        with relay_at(tmp_path, "relay", hub=link(tmp_path, hub)) as relay:
            relay.send_spans(NAMES, resource={"service.instance.id": "eu-7"})
            relay.until_sent("hub")
            hub.until_sent("far")
            assert events(far) == sorted(NAMES)
            assert {row["source"] for row in far.rows("SELECT source FROM spans")} == {"second/box/eu-7"}
            run("export", "--format", "sqlite", "--output", str(file), data=relay.data)
            run("import", str(file), data=far.data)
            assert events(far) == sorted(NAMES)
            balanced(relay, hub, far)


def test_two_that_send_to_each_other_come_to_an_end(tmp_path):
    with relay_at(tmp_path, "a") as first:
        port = same_port(first)
        back = link(tmp_path, first, source="b")
        first.stop()
        with relay_at(tmp_path, "b", a=back) as second:
            with relay_at(tmp_path, "a", *port, b=link(tmp_path, second, source="a")) as first:
                first.send_spans(NAMES[:30])
                second.send_spans(NAMES[30:], trace=2)
                first.until(lambda: len(events(first)) == len(events(second)) == len(NAMES))
                for _ in range(3):
                    first.until_sent("b")
                    second.until_sent("a")
                assert events(first) == events(second) == sorted(NAMES)
                assert tallies(first)["filtered"] == 30
                assert tallies(second)["filtered"] == 10
                balanced(first, second)


def test_an_ordinary_token_says_nothing_of_others(tmp_path):
    with hub_at(tmp_path) as hub:
        with relay_at(tmp_path, "relay", hub=link(tmp_path, hub, scope="ingest")) as relay:
            relay.send_spans(NAMES, resource={"service.instance.id": "eu-7"})
            relay.until_sent("hub")
            assert events(hub) == sorted(NAMES)
            rows = hub.rows("SELECT source, resource FROM spans")
            assert {row["source"] for row in rows} == {"box"}
            keys = {key for row in rows for key in json.loads(row["resource"]) if key.startswith("garner.")}
            assert keys == {"garner.audience"}


def test_garner_stores_its_own_spans_when_asked(tmp_path):
    settings = {"self_telemetry": {"traces": True}}
    with ForwardingDaemon(tmp_path, {}, **settings) as daemon:
        daemon.send_spans(NAMES)
        daemon.until(lambda: daemon.rows("SELECT 1 FROM spans WHERE source = 'garner'"))
        row, = daemon.rows("SELECT name AS event, component, attributes FROM spans WHERE source = 'garner'")
        data = json.loads(row["attributes"])
        assert (row["event"], row["component"]) == ("garner.intake", "garner")
        assert {key: data[key] for key in ("door", "signal", "records", "result")} == {
            "door": "otlp_http", "signal": "traces", "records": len(NAMES), "result": "stored"}
        balanced(daemon)
