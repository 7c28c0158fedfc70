"""Loki, Zipkin and webhooks: what arrives there, read by the letter of their formats."""

import hashlib
import hmac
import json
import signal
import time
from collections import Counter

from forward_daemon import NOON, ForwardingDaemon, attribute_list, spans
from forward_far_end import FarEnd, OTLPEnd, Reply, unsnappy
from forward_loki import LokiEnd

SECOND = 1_000_000_000


def send_logs(daemon, lines, resource=(), **more):
    """`lines`: `(time, body)`."""
    answer = daemon.post("logs", {"resourceLogs": [{
        "resource": {"attributes": attribute_list({"service.name": "relay", **dict(resource)})},
        "scopeLogs": [{
            "scope": {"name": "relay.log", "version": "1.2"},
            "logRecords": [{"timeUnixNano": str(at), "body": {"stringValue": body}, **more} for at, body in lines]}]}]})
    assert answer.status == 200, answer.body


# MARK: Loki

def loki(far, **more):
    return {"type": "loki", "endpoint": far.url, **more}


def test_loki_gets_streams_lines_and_metadata(tmp_path):
    now = time.time_ns()
    with LokiEnd() as far, ForwardingDaemon(tmp_path, {"loki": loki(far, tenant="games")}) as daemon:
        send_logs(
            daemon, [(now, "line one"), (now + 1, "line two"), (now + 2, "")],
            {"service.instance.id": "eu-1", "player.id": "p-7", "cloud.region": "eu"},
            severityNumber=13, severityText="WARN", traceId="0af7651916cd43dd8448eb211c80319c",
            spanId="b7ad6b7169203331",
            attributes=attribute_list({"map": "arena", "player.id": "p-8"}), flags=1)
        daemon.until_sent("loki")
        assert far.labels() == [{"service_name": "relay", "service_instance_id": "eu-1", "cloud_region": "eu"}]
        entries = far.entries()
        assert [(at, line) for at, line, _ in entries] == [(now, "line one"), (now + 1, "line two"), (now + 2, "")]
        metadata = entries[0][2]
        expected = {
            "scope_name": "relay.log", "scope_version": "1.2", "severity_number": "13", "severity_text": "WARN",
            "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "map": "arena",
            "player_id": "p-8", "resource_player_id": "p-7", "flags": "1",
        }
        assert expected.items() <= metadata.items(), metadata
        assert far.requests[0].headers["X-Scope-OrgID"] == "games"
        assert daemon.status("loki")["sent"] == 3


def test_loki_gets_each_stream_in_order_of_time_and_one_in_a_request(tmp_path):
    now = time.time_ns()
    with LokiEnd() as far, ForwardingDaemon(tmp_path, {"loki": loki(far)}) as daemon:
        daemon.forward("pause", "loki")
        for number in range(50):
            for region in ("eu", "us"):
                send_logs(daemon, [(now + (number * 37 % 50) * SECOND // 100, f"{region} {number}")],
                          {"cloud.region": region})
        daemon.forward("resume", "loki")
        daemon.until_sent("loki")
        for region in ("eu", "us"):
            times = [at for at, _, _ in far.entries(cloud_region=region)]
            assert len(times) == 50
            assert times == sorted(times)
        assert all(len(streams) == 1 for streams in far.taken)


def test_loki_that_refuses_some_has_kept_the_others(tmp_path):
    words = (b"entry with timestamp 2026 ignored, reason: 'entry too far behind', user 'fake', "
             b"total ignored: 2 out of 5 for stream: {service_name=\"relay\"}")
    with LokiEnd(lambda request: Reply(400, body=words)) as far, ForwardingDaemon(
            tmp_path, {"loki": loki(far)}) as daemon:
        now = time.time_ns()
        send_logs(daemon, [(now + number, f"line {number}") for number in range(5)])
        daemon.until_sent("loki")
        line = daemon.status("loki")
        assert (line["sent"], line["refused"], len(far.requests)) == (3, 2, 1)
        assert "too far behind" in line["refused_by"][0]["message"]


def test_loki_that_throttles_gets_less_and_all(tmp_path):
    now = time.time_ns()
    with LokiEnd() as far, ForwardingDaemon(tmp_path, {"loki": loki(far)}) as daemon:
        far.answer = lambda request: Reply(429) if len(unsnappy(request.raw)) > 3_000 else Reply(204)
        send_logs(daemon, [(now + number, f"line {number} " + "x" * 50) for number in range(200)])
        daemon.until_sent("loki")
        lines = [line.split(" x")[0] for _, line, _ in far.entries()]
        assert lines == [f"line {number}" for number in range(200)]
        assert daemon.status("loki")["refused"] == 0


def test_loki_has_a_door_for_otlp_too(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"loki": loki(far, protocol="otlp")}) as daemon:
        send_logs(daemon, [(NOON, "one")], {"cloud.region": "eu"})
        send_logs(daemon, [(NOON, "two")], {"cloud.region": "us"})
        daemon.until_sent("loki")
        assert {request.path for request in far.requests} == {"/otlp/v1/logs"}
        assert {request.headers["Content-Type"] for request in far.requests} == {"application/x-protobuf"}
        assert all(len(message.resource_logs) == 1 for _, message in far.messages)
        assert Counter(item["body"][1] for _, _, item in far.records()) == Counter(["one", "two"])


# MARK: Zipkin

def test_zipkin_gets_spans_with_tags_and_annotations(tmp_path):
    with FarEnd() as far, ForwardingDaemon(tmp_path, {"zipkin": {"type": "zipkin", "endpoint": far.url}}) as daemon:
        message = spans(["relay.tick"], attributes={"map": "arena"})
        span = message["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        span |= {
            "kind": 2, "parentSpanId": "00f067aa0ba902b7", "startTimeUnixNano": str(NOON + 1_500),
            "endTimeUnixNano": str(NOON + 3_001_500), "status": {"code": 2, "message": "broken"},
            "events": [
                {"name": "stall", "timeUnixNano": str(NOON + 2_000_000), "attributes": attribute_list({"a": "b"})}],
            "links": [{"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}],
        }
        assert daemon.post("traces", message).status == 200
        daemon.until_sent("zipkin")
        request = far.requests[0]
        assert (request.path, request.headers["Content-Type"]) == ("/api/v2/spans", "application/json")
        found, = json.loads(request.body)
        assert (found["traceId"], found["id"], found["parentId"]) == (f"{1:032x}", f"{1:016x}", "00f067aa0ba902b7")
        assert (found["name"], found["kind"]) == ("relay.tick", "SERVER")
        assert (found["timestamp"], found["duration"]) == (NOON // 1_000 + 1, 3_000)
        assert found["localEndpoint"]["serviceName"] == "relay"
        tags = found["tags"]
        assert (tags["map"], tags["otel.status_code"], tags["error"]) == ("arena", "ERROR", "broken")
        assert all(isinstance(value, str) for value in tags.values())
        annotation, = found["annotations"]
        assert annotation["timestamp"] == NOON // 1_000 + 2_000 and "stall" in annotation["value"]
        assert json.loads(tags["otel.links"])


# MARK: Jaeger

def test_jaeger_gets_a_name_for_every_service(tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(tmp_path, {"jaeger": {"type": "jaeger", "endpoint": far.url}}) as daemon:
        daemon.send_spans(["named"])
        for number, attributes in enumerate([[], attribute_list({"service.name": ""}),
                                             [{"key": "service.name", "value": {"intValue": "7"}}]]):
            message = spans([f"nameless.{number}"], trace=number + 2)
            message["resourceSpans"][0]["resource"]["attributes"] = attributes
            assert daemon.post("traces", message).status == 200
        daemon.until_sent("jaeger")
        services = {item["name"]: level["resource"]["attributes"]["service.name"] for level, _, item in far.records()}
        unknown = ("string_value", "unknown_service")
        assert services == {
            "named": ("string_value", "relay"), "nameless.0": unknown, "nameless.1": unknown, "nameless.2": unknown}


# MARK: webhook

def test_a_webhook_gets_signed_lines(tmp_path):
    secret = tmp_path / "hook.key"
    secret.write_text("a secret of some length\n")
    secret.chmod(0o600)
    with FarEnd() as far, ForwardingDaemon(tmp_path, {
            "hook": {"type": "webhook", "endpoint": f"{far.url}/in?a=b", "secret_file": str(secret)}}) as daemon:
        send_logs(daemon, [(NOON + number, f"line {number}") for number in range(3)],
                  eventName="relay.said", attributes=attribute_list({"map": "arena"}))
        daemon.until_sent("hook")
        request = far.requests[0]
        assert (request.path, request.query) == ("/in", {"a": "b"})
        assert request.headers["Content-Type"] == "application/x-ndjson"
        signed = dict(part.split("=", 1) for part in request.headers["Garner-Signature"].split(","))
        assert abs(int(signed["t"]) - time.time()) < 600
        mac = hmac.new(b"a secret of some length", f"{signed['t']}.".encode() + request.body, hashlib.sha256)
        assert signed["v1"] == mac.hexdigest()
        store, name, ids = request.headers["Garner-Delivery"].split(":")
        assert (len(store), name) == (36, "hook")
        rows = daemon.rows("SELECT id FROM telemetry_events ORDER BY id")
        assert ids == f"{rows[0]['id']}-{rows[-1]['id']}"
        lines = [json.loads(line) for line in request.body.decode().split("\n")[:-1]]
        assert [line["id"] for line in lines] == [row["id"] for row in rows]
        columns = ["id", "signal", "timestamp", "session_id", "component", "game_module", "mod_fingerprint", "category",
                   "event", "severity", "data", "duration_us", "tick", "correlation", "resource"]
        assert [list(line) for line in lines] == [columns] * 3
        assert (lines[0]["signal"], lines[0]["event"], lines[0]["data"]["map"]) == ("logs", "relay.said", "arena")
        assert lines[0]["resource"]["service.name"] == "relay"


def test_a_webhook_knows_a_delivery_again_after_a_crash(tmp_path):
    with FarEnd(lambda request: Reply(hangs=True)) as far:
        hook = {"hook": {"type": "webhook", "endpoint": far.url, "concurrency": 1}}
        with ForwardingDaemon(tmp_path, hook) as daemon:
            send_logs(daemon, [(NOON, "a"), (NOON + 1, "b")])
            daemon.until(lambda: far.requests)
            send_logs(daemon, [(NOON + 2, "c")])
            daemon.stop(signal.SIGKILL)
        far.answer = lambda request: Reply()
        with ForwardingDaemon(tmp_path, hook) as daemon:
            daemon.until(lambda: daemon.status("hook")["sent"] == 3)
        first, again, other = far.requests
        assert again.headers["Garner-Delivery"] == first.headers["Garner-Delivery"]
        assert again.body == first.body
        assert other.headers["Garner-Delivery"].endswith(":3-3")


def test_a_webhook_that_is_gone_stops(tmp_path):
    with FarEnd(lambda request: Reply(410)) as far, ForwardingDaemon(
            tmp_path, {"hook": {"type": "webhook", "endpoint": far.url}}) as daemon:
        send_logs(daemon, [(NOON, "line")])
        daemon.until(lambda: daemon.status("hook")["state"] == "stopped")
        assert daemon.status("hook")["refused"] == 0
