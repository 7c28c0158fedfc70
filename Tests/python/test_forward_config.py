"""What may be configured, what may not, and that nothing leaves that should not."""

import re
import subprocess

import pytest

from forward_daemon import NOON, ForwardingDaemon, attribute_list, spans, written
from forward_far_end import FarEnd, OTLPEnd
from garner import BINARY, ROOT, environment, run

AWAY = "http://192.0.2.1:4318"


def otlp(far, **more):
    return {"type": "otlp", "endpoint": far.url, **more}


def refused(tmp_path, destinations, *arguments, **more):
    """The words with which `serve` refuses a configuration."""
    file = written(tmp_path, destinations, **more)
    done = subprocess.run(
        [BINARY, "serve", "--data-dir", tmp_path / "data", "--config", file, "--otlp-http", "127.0.0.1:0", "--console",
         "none", "--otlp-grpc", "none", "--udp", "none", *arguments],
        env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 78, done
    return done.stderr


def test_raw_ids_do_not_go_to_another_machine(tmp_path):
    said = refused(tmp_path, {"away": {"type": "otlp", "endpoint": AWAY}})
    assert "destinations.away" in said and "privacy.policy" in said and "allow_unprotected" in said


def test_they_do_when_that_is_meant_or_when_they_are_protected(tmp_path):
    with ForwardingDaemon(
            tmp_path, {"away": {"type": "otlp", "endpoint": AWAY, "allow_unprotected": True}}) as daemon:
        assert daemon.status("away")["endpoint"] == AWAY
    other = tmp_path / "other"
    other.mkdir()
    with ForwardingDaemon(
            other, {"away": {"type": "otlp", "endpoint": AWAY}}, env={"GARNER_PRIVACY_POLICY": "default"}) as daemon:
        assert daemon.status("away")["endpoint"] == AWAY


def test_our_own_door_is_no_destination(tmp_path):
    said = refused(
        tmp_path, {"round": {"type": "otlp", "endpoint": "http://127.0.0.1:43189"}}, "--otlp-http", "127.0.0.1:43189")
    assert "destinations.round" in said and "our own" in said


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost.", "0.0.0.0", "127.1", "[::ffff:127.0.0.1]", "[::]"])
def test_it_is_ours_by_any_of_its_names(host, tmp_path):
    file = written(tmp_path, {"round": {
        "type": "otlp", "endpoint": f"http://{host}:4318", "allow_unprotected": True}})
    done = check(file)
    assert done.returncode == 78 and "our own `listen.otlp_http`" in done.stderr, done


@pytest.mark.parametrize("host", ["127.0.0.1.nip.io", "127.evil.example.org"])
def test_a_name_that_begins_like_an_address_is_no_address(host, tmp_path):
    done = check(written(tmp_path, {"away": {"type": "otlp", "endpoint": f"http://{host}:4318"}}))
    assert done.returncode == 78 and "privacy.policy is none" in done.stderr and "our own" not in done.stderr, done


@pytest.mark.parametrize("entry, words", [
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "compresion": "gzip"}, ["far", "compresion", "`compression`"]),
    ({"type": "zipkin", "endpoint": "http://127.0.0.1:1", "tenant": "a"}, ["zipkin", "tenant", "loki"]),
    ({"type": "otlp"}, ["far", "`endpoint` is missing"]),
    ({"type": "otlp", "endpoint": "127.0.0.1:4318"}, ["127.0.0.1:4318", "http://"]),
    ({"type": "otpl", "endpoint": "http://127.0.0.1:1"}, ["otpl", "otlp"]),
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "headers": {"Content-Type": "a"}}, ["Content-Type"]),
    ({"type": "jaeger", "endpoint": "http://127.0.0.1:1", "signals": ["logs"]}, ["jaeger", "traces"]),
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "delay": {"match": ["source:a"]}}, ["delay.match"]),
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "include": ["severity>=loud"]}, ["include", "pattern"]),
    ({"type": "file"}, ["`path` is missing"]),
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "headers": {"Garner-Signature": "a"}}, ["Garner-Signature"]),
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "headers": {"bad name": "a"}}, ["bad name"]),
    ({"type": "otlp", "endpoints": {"traces": "http://127.0.0.1:1/t"}}, ["metrics, logs", "`signals`"]),
    ({"type": "otlp", "endpoint": "http://127.0.0.1:1", "auth": {"bearer_file": "/none"}}, ["bearer_file", "/none"]),
    ({"type": "otlp", "endpoint": "https://127.0.0.1:1", "tls": {"ca_file": "/none"}}, ["ca_file", "/none"]),
    ({"type": "otlp", "endpoint": "https://127.0.0.1:1", "tls": {"ca_file": __file__}}, ["ca_file", "no certificate"]),
    ({"type": "otlp", "endpoint": "https://127.0.0.1:1", "tls": {"cert_file": "/none"}}, ["cert_file", "/none"]),
    ({"type": "webhook", "endpoint": "http://127.0.0.1:1", "secret_file": "/none"}, ["secret_file", "/none"]),
    ({"type": "file", "path": "/proc/none/out"}, ["`path`", "/proc/none"]),
], ids=lambda value: "" if isinstance(value, list) else "-".join(value)[:40])
def test_a_mistake_is_told_with_its_place_and_its_mend(entry, words, tmp_path):
    said = refused(tmp_path, {"far": entry})
    assert "garner.yaml:1:" in said, said
    for word in words:
        assert word in said, said
    # The data directory is untouched, and the check says the same.
    assert not (tmp_path / "data").exists()
    checked = check(tmp_path / "garner.yaml")
    assert (checked.returncode, checked.stderr) == (78, said)


def check(file, **env):
    return subprocess.run(
        [BINARY, "config", "check", "--config", file], env=environment(**env), capture_output=True, text=True, timeout=60)


def test_two_destinations_do_not_write_one_file(tmp_path):
    said = refused(tmp_path, {name: {"type": "file", "path": str(tmp_path / "out")} for name in ("one", "two")})
    assert "destinations.two" in said and "`one`" in said


def test_the_documented_file_can_be_used_as_it_says(tmp_path):
    """Everything that begins with one # is uncommented."""
    lines = subprocess.run([BINARY, "config", "init", "--output", "-"], capture_output=True, text=True).stdout.splitlines()
    file = tmp_path / "garner.yaml"
    file.write_text("\n".join(re.sub(r"^( *)# ", r"\1", line) for line in lines))
    done = check(file, GARNER_PRIVACY_POLICY="")
    assert done.returncode == 0, done.stderr
    shown = run("config", "show", "--config", str(file)).stdout
    assert "example" in shown and "14318" in shown


YAML = {
    f"{page.relative_to(ROOT)}-{number}": block
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
    if "destinations:" in block
}


@pytest.mark.parametrize("block", YAML)
def test_the_examples_of_the_documentation_can_be_used(block, tmp_path):
    text = YAML[block]
    for number, path in enumerate(re.findall(r"(?:bearer|password|secret)_file: *([^ ,}\n]+)", text)):
        (tmp_path / f"secret-{number}").write_text("a secret\n")
        text = text.replace(path, str(tmp_path / f"secret-{number}"))
    file = tmp_path / "garner.yaml"
    file.write_text(text)
    done = check(file, GARNER_PRIVACY_POLICY="default")
    assert done.returncode == 0, done.stderr


def test_there_are_examples():
    assert any(name.startswith("README") for name in YAML) and any(name.startswith("docs/forward") for name in YAML)


def test_a_start_that_is_some_time_ago_is_not_the_beginning_of_all(tmp_path):
    with OTLPEnd() as old, OTLPEnd() as short, OTLPEnd() as long:
        with ForwardingDaemon(tmp_path, {"old": otlp(old)}) as daemon:
            send(daemon, ["relay.before"])
            daemon.until_sent("old")
            assert daemon.stop() == 0
        # What was received before the other process began is longer ago than a millisecond.
        with ForwardingDaemon(tmp_path, {
                "old": otlp(old), "short": otlp(short, start="1ms"), "long": otlp(long, start="1d")}) as daemon:
            send(daemon, ["relay.behind"])
            daemon.until_sent("short")
            daemon.until(lambda: len(names(long)) == 2)
            assert names(short) == ["relay.behind"]
            assert names(long) == ["relay.before", "relay.behind"]


def test_a_name_is_short_and_plain(tmp_path):
    assert "no name" in refused(tmp_path, {"Far End": {"type": "otlp", "endpoint": "http://127.0.0.1:1"}})


def test_without_destinations_there_is_no_status(daemon):
    done = run("forward", "status", data=daemon.data, check=False)
    assert done.returncode in (0, 2), done


def send(daemon, names, attributes=(), resource=()):
    answer = daemon.post("logs", {"resourceLogs": [{
        "resource": {"attributes": attribute_list({"service.name": "relay", **dict(resource)})},
        "scopeLogs": [{"logRecords": [
            {"timeUnixNano": str(NOON + number), "eventName": name, "attributes": attribute_list(attributes)}
            for number, name in enumerate(names)]}]}]})
    assert answer.status == 200, answer.body


def names(far):
    return sorted(item["event_name"] for _, _, item in far.records("logs"))


def test_restricted_rows_stay_without_the_admins_word(tmp_path):
    with OTLPEnd() as plain, OTLPEnd() as trusted, ForwardingDaemon(
            tmp_path, {"plain": otlp(plain), "trusted": otlp(trusted, restricted=True)}) as daemon:
        send(daemon, ["relay.start", "anticheat.flag", "relay.end"])
        daemon.until_sent("trusted")
        daemon.until_sent("plain")
        assert names(trusted) == ["anticheat.flag", "relay.end", "relay.start"]
        assert names(plain) == ["relay.end", "relay.start"]
        assert daemon.status("trusted")["restricted"] is True
        assert daemon.status("plain")["restricted"] is False
        notice, = [line for line in daemon.errors().splitlines() if "forwarding to trusted" in line]
        assert "restricted" in notice
        # Settled, too.
        daemon.settle()
        done = daemon.forward("replay", "--destination", "plain")
        assert "2 sent" in done.stdout


def test_a_delay_holds_the_live_match_and_nothing_else(tmp_path):
    delay = {"for": "2s", "match": ["match.*"]}
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far, delay=delay)}) as daemon:
        send(daemon, ["match.kill", "relay.start"])
        daemon.until(lambda: "relay.start" in names(far))
        assert names(far) == ["relay.start"]
        assert {line["kind"] for line in daemon.status()} == {"live"}
        waiting, = [line for line in daemon.status() if line["delayed"]]
        assert ",live," in daemon.forward("status", "--format", "csv").stdout
        assert "far (delayed)" in daemon.forward("status").stdout
        if names(far) == ["relay.start"]:
            assert (waiting["waiting"], waiting["lag_records"]) == (1, 0)
        daemon.until(lambda: len(names(far)) == 2)
        daemon.until(lambda: all(line["lag_records"] + line["waiting"] == 0 for line in daemon.status()))


@pytest.mark.parametrize("attributes, kept", [
    ({"deny": ["player.*"]}, {"map", "secret"}),
    ({"allow": ["player.*", "map"]}, {"map", "player.id"}),
    ({"allow": ["player.*", "map"], "deny": ["player.id"]}, {"map"}),
    ({}, {"map", "secret", "player.id"}),
], ids=["deny", "allow", "both", "none"])
def test_attributes_that_are_denied_do_not_leave(attributes, kept, tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"far": otlp(far, attributes=attributes)}) as daemon:
        send(daemon, ["relay.start"], {"player.id": "p-77", "map": "arena", "secret": "s"}, {"player.id": "p-77"})
        daemon.until(lambda: far.taken)
        (resource, _, item), = far.records("logs")
        assert set(item["attributes"]) == kept
        around = resource.get("resource", {}).get("attributes", {})
        assert ("player.id" in around) == ("player.id" in kept)
        assert (b"p-77" in far.requests[0].body) == ("player.id" in kept)


def any_value(value):
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": any_value(item)} for key, item in value.items()]}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return {"stringValue": value}


def test_what_is_denied_leaves_in_no_map_either(tmp_path):
    out = tmp_path / "out"
    deny = {"attributes": {"deny": ["player.*", "secret"]}}
    hidden = {"secret": "p-77", "open": "seen", "list": [{"player.id": "p-77"}, {"deep": {"secret": {"x": "p-77"}}}]}
    maps = [{"key": "map", "value": any_value(hidden)}]
    kinds = ["otlp", "zipkin", "prometheus", "loki", "webhook", "garner"]
    with FarEnd() as far, ForwardingDaemon(tmp_path, {
            "file": {"type": "file", "path": str(out), **deny},
            **{kind: {"type": kind, "endpoint": f"{far.url}/{kind}", **deny} for kind in kinds}}) as daemon:
        message = spans(["relay.span"])
        resource = message["resourceSpans"][0]
        resource["resource"]["attributes"] += maps
        span = resource["scopeSpans"][0]["spans"][0]
        span["attributes"] += maps
        span["events"] = [{"timeUnixNano": str(NOON + 2), "name": "e", "attributes": maps}]
        span["links"] = [{"traceId": "ab" * 16, "spanId": "cd" * 8, "attributes": maps}]
        assert daemon.post("traces", message).status == 200
        assert daemon.post("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"timeUnixNano": str(NOON), "body": any_value(hidden), "attributes": maps}]}]}]}).status == 200
        point = {"timeUnixNano": str(NOON), "asInt": "1", "attributes": maps, "exemplars": [
            {"timeUnixNano": str(NOON), "asInt": "1", "filteredAttributes": maps}]}
        assert daemon.post("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "m", "gauge": {"dataPoints": [point]}}]}]}]}).status == 200
        for name in ["file", *kinds]:
            daemon.until_sent(name)
        bodies = [request.body for request in far.requests] + [file.read_bytes() for file in out.iterdir()]
        assert not [body for body in bodies if b"p-77" in body]
        assert sum(b"seen" in body for body in bodies) >= len(kinds)


def test_signals_and_patterns_choose(tmp_path):
    with OTLPEnd() as logs, OTLPEnd() as some, ForwardingDaemon(tmp_path, {
            "logs": otlp(logs, signals=["logs"]),
            "some": otlp(some, include=["relay.*", "category:match"], exclude=["relay.tick.*"]),
    }) as daemon:
        daemon.send_spans(["relay.span", "gui.click"])
        send(daemon, ["relay.start", "relay.tick.process", "match.kill", "gui.open"])
        daemon.until_sent("logs")
        daemon.until_sent("some")
        assert names(logs) == ["gui.open", "match.kill", "relay.start", "relay.tick.process"]
        assert not logs.names()
        assert names(some) == ["match.kill", "relay.start"]
        assert some.names() == ["relay.span"]


def test_headers_are_not_shown(tmp_path):
    file = written(tmp_path, {"far": {
        "type": "otlp", "endpoint": "http://127.0.0.1:1", "headers": {"X-Key": "hunter2"}}})
    for command in (["config", "show"], ["config", "check"]):
        done = subprocess.run(
            [BINARY, *command, "--config", file], env=environment(), capture_output=True, text=True, timeout=60)
        assert "hunter2" not in done.stdout + done.stderr
