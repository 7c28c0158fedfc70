"""OTLP/JSON by hand: what the SDK does not send, a browser, a script or a mistake does."""

import gzip
import json

from garner import run

NOON = 1_767_268_800_000_000_000


def span(number=1, **fields):
    return {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "relay.tick.process", "kind": 1,
            "startTimeUnixNano": str(NOON), "endTimeUnixNano": str(NOON + 1000), **fields}


def spans(*items, service="relay"):
    return {"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": list(items)}]}]}


def attribute(key, **value):
    return {"key": key, "value": value}


def test_success_is_an_empty_object(daemon):
    answer = daemon.post("traces", spans(span()))
    assert (answer.status, answer.json()) == (200, {})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert daemon.rows("SELECT event, correlation FROM telemetry_events") == [
        {"event": "relay.tick.process", "correlation": "0" * 31 + "1"}]


def test_values_keep_their_kind(daemon):
    daemon.post("traces", spans(span(attributes=[
        attribute("big", intValue="9223372036854775807"), attribute("whole", doubleValue=3),
        attribute("none", doubleValue="NaN"), attribute("raw", bytesValue="AAEC/w=="), attribute("empty"),
        attribute("$price", stringValue="1"), attribute("yes", boolValue=True),
        attribute("list", arrayValue={"values": [{"intValue": 1}, {"stringValue": "two"}]}),
    ])))
    row, = daemon.rows("SELECT data FROM telemetry_events")
    assert row["data"].count("3.0") == 1
    assert json.loads(row["data"]) == {
        "big": 9223372036854775807, "whole": 3.0, "none": {"$double": "NaN"}, "raw": {"$bytes": "AAEC/w=="},
        "empty": None, "$$price": "1", "yes": True, "list": [1, "two"],
    }


def test_a_bad_record_is_refused_alone_and_named(daemon):
    answer = daemon.post("traces", spans(span(1), span(2, traceId="0" * 32), span(3)))
    partial = answer.json()["partialSuccess"]
    assert answer.status == 200
    assert int(partial["rejectedSpans"]) == 1
    assert "zero_trace_id" in partial["errorMessage"]
    assert daemon.rows("SELECT count(*) AS n FROM telemetry_events") == [{"n": 2}]
    lines = [json.loads(line) for file in (daemon.data / "rejected").glob("*.ndjson")
             for line in file.read_text().splitlines()]
    assert [(line["signal"], line["index"], line["reason"]) for line in lines] == [("traces", 1, "zero_trace_id")]


def test_gzip_is_taken_and_a_truncated_one_is_not(daemon):
    packed = gzip.compress(json.dumps(spans(span())).encode())
    assert daemon.post("traces", packed, Content_Encoding="gzip").status == 200
    refused = daemon.post("traces", packed[:-6], Content_Encoding="gzip")
    assert (refused.status, daemon.rows("SELECT count(*) AS n FROM telemetry_events")) == (400, [{"n": 1}])


def test_refusals_are_a_status_in_the_encoding_of_the_request(daemon):
    answer = daemon.post("traces", b"{")
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["message"]
    binary = daemon.post("traces", b"\x0a\xff", "application/x-protobuf")
    assert binary.status == 400
    assert binary.headers["Content-Type"].startswith("application/x-protobuf")


def test_another_content_type_is_415_and_another_method_405(daemon):
    assert daemon.post("traces", b"{}", "text/plain").status == 415
    assert daemon.post("nothing", b"{}").status == 404
    from garner import http

    assert http(f"{daemon.otlp}/v1/traces").status == 405


def test_an_empty_request_is_success(daemon):
    for signal in ("traces", "metrics", "logs"):
        assert (daemon.post(signal, {}).status, daemon.post(signal, b"", "application/x-protobuf").status) == (200, 200)


def test_the_reject_log_tells_how_many_more_records_were_refused(daemon):
    items = [{**span(number), "spanId": "0" * 16} for number in range(1, 2501)]
    assert daemon.post("traces", spans(*items)).json()["partialSuccess"]["rejectedSpans"] == "2500"
    log, = (daemon.data / "rejected").glob("*.ndjson")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 1001 and all("record" in line for line in lines[:-1])
    last = lines[-1]
    assert (last["reason"], last["source"], last["more"]) == ("zero_span_id", "relay", 1500)
    again = run("import", str(log), data=daemon.data, check=False)
    assert again.returncode == 65
    assert "1500 more records" in again.stdout + again.stderr

