"""Rules of the protocol that no case of the vectors tries, each under its number in CONFORMANCE."""

import http.client
import json
import struct
import subprocess

import pytest

from garner import http as exchange
from test_json import NOON, attribute, span, spans
from test_round_trip import field, rejected

SIGNALS = ["traces", "metrics", "logs"]


def connection(daemon):
    return http.client.HTTPConnection(daemon.doors["otlp_http"], timeout=60)


def logs(*items):
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(items)}]}]}


def metrics(*items):
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": list(items)}]}]}


def point(**fields):
    return {"timeUnixNano": str(NOON), **fields}


# MARK: requests

@pytest.mark.parametrize("path", ["/v1/trace", "/v1/profiles", "/v1/traces/", "/", "/v1development/profiles"])
def test_http_01_another_path_is_404(daemon, path):
    assert exchange(daemon.otlp + path, b"{}", {"Content-Type": "application/json"}).status == 404


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_http_01_another_method_is_405_and_says_which(daemon, signal, method):
    answer = exchange(f"{daemon.otlp}/v1/{signal}", headers={"Content-Type": "application/json"}, method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_http_03_the_content_type_alone_says_what_it_is(daemon):
    text = json.dumps(spans(span())).encode()
    assert daemon.post("traces", text, "application/x-protobuf").status == 400
    assert daemon.post("traces", b"\x0a\x00", "application/json").status == 400


@pytest.mark.parametrize(("path", "content_type", "status"), [
    ("/v1/nothing", "application/json", 404), ("/v1/traces", "text/plain", 415),
    ("/v1/traces", "application/json", 400)])
def test_http_04_every_refusal_has_a_status(daemon, path, content_type, status):
    answer = exchange(daemon.otlp + path, b"[", {"Content-Type": content_type})
    assert answer.status == status
    assert answer.json()["message"]


def test_http_05_chunked_bodies_on_one_connection(daemon):
    client = connection(daemon)
    for number in (1, 2):
        text = json.dumps(spans(span(number))).encode()
        client.request("POST", "/v1/traces", iter([text[:7], text[7:]]), {"Content-Type": "application/json"},
                       encode_chunked=True)
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b"{}")
    client.close()
    assert daemon.rows("SELECT count(*) AS n FROM spans") == [{"n": 2}]


@pytest.mark.parametrize("options", [[], ["--no-content-size"], ["-19", "--long=27"]])
def test_http_07_zstd_is_taken(daemon, options):
    text = json.dumps(spans(*map(span, range(1, 400)))).encode()
    packed = subprocess.run(["zstd", "-q", "-c", *options], input=text, capture_output=True, check=True).stdout
    headers = {"Content-Type": "application/json", "Content-Encoding": "ZSTD"}
    for cut in (packed[:-1], packed + b"more", text):
        assert exchange(f"{daemon.otlp}/v1/traces", cut, headers).status == 400
    answer = exchange(f"{daemon.otlp}/v1/traces", packed, headers)
    # No sender may want more than 8 MiB to look back on (RFC 9659).
    isTaken = "--long=27" not in options
    assert answer.status == (200 if isTaken else 400), answer.body
    assert len(daemon.rows("SELECT name FROM spans")) == (399 if isTaken else 0)


@pytest.mark.parametrize("coding", ["br", "gzip, zstd", "snappy"])
def test_http_08_an_unknown_coding_is_never_taken_as_plain(daemon, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = exchange(f"{daemon.otlp}/v1/traces", json.dumps(spans(span(1))).encode(), headers)
    assert answer.status == 415 and "zstd" in answer.json()["message"]


# MARK: answers

@pytest.mark.parametrize("signal", SIGNALS)
def test_rsp_02_success_leaves_partial_success_unset(daemon, signal):
    answer = daemon.post(signal, b"", "application/x-protobuf")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


def test_rsp_07_a_warning_without_loss_rejects_nothing(daemon):
    answer = daemon.post("traces", spans(span(1, attributes=[{"keyStrindex": 7, "value": {"stringValueStrindex": 3}}])))
    partial = answer.json()["partialSuccess"]
    assert (int(partial.get("rejectedSpans", 0)), bool(partial["errorMessage"])) == (0, True)


def test_rsp_08_many_bad_records_make_a_small_answer(daemon):
    bad = [span(1, traceId="0" * 32) for _ in range(20_000)]
    answer = daemon.post("traces", spans(*bad))
    assert rejected("traces", answer) == 20_000
    assert len(answer.body) < 64 * 1024


@pytest.mark.parametrize("content_type", [
    "application/json", "application/json; charset=utf-8", "application/x-protobuf"])
def test_rsp_09_the_answer_has_the_type_of_the_request(daemon, content_type):
    for body in (b"\xff", b""):
        answer = daemon.post("logs", body, content_type)
        assert answer.headers["Content-Type"].split(";")[0] == content_type.split(";")[0]


# MARK: JSON

@pytest.mark.parametrize("fields", [
    {"kind": "SPAN_KIND_SERVER"}, {"status": {"code": "STATUS_CODE_ERROR"}}, {"flags": -1}, {"kind": 2**31},
    {"droppedAttributesCount": 2**32}])
def test_json_04_what_is_no_number_or_out_of_range_is_400(daemon, fields):
    assert daemon.post("traces", spans(span(**fields))).status == 400


@pytest.mark.parametrize("kind", [0, 5, 6, 14, 15, 16, 2**31 - 1, -1])
def test_json_04_unknown_numbers_are_kept(daemon, kind):
    assert daemon.post("traces", spans(span(kind=kind))).json() == {}
    assert daemon.rows("SELECT kind FROM spans") == [{"kind": kind}]


def test_json_06_unknown_members_are_passed_over(daemon):
    unknown = {"@type": "x", "deep": [[[{"traceId": None}]]], "instrumentationLibrarySpans": [{"spans": [span(9)]}]}
    body = {**spans(span(1, **unknown)), **unknown}
    assert daemon.post("traces", body).json() == {}
    assert daemon.rows("SELECT count(*) AS n FROM spans") == [{"n": 1}]


def test_json_08_null_is_absent(daemon):
    nothing = dict.fromkeys(["parentSpanId", "kind", "status", "events", "links", "endTimeUnixNano", "traceState"])
    body = spans(span(1, **nothing, attributes=[{"key": "a", "value": None}, {"key": "b", "value": {
        "arrayValue": {"values": [None, {"intValue": None}, {"stringValue": None, "intValue": "1"}]}}}]))
    assert daemon.post("traces", body).json() == {}
    row, = daemon.rows("SELECT kind, parent_span_id, attributes FROM spans")
    assert (row["kind"], row["parent_span_id"]) == (0, None)
    assert json.loads(row["attributes"]) == {"a": None, "b": [None, None, 1]}


def test_json_14_what_a_browser_sends(daemon):
    body = metrics({"name": "m", "histogram": {"aggregationTemporality": 2, "dataPoints": [
        point(count=3, sum=1.5, bucketCounts=[1, 2], explicitBounds=[1], attributes=[attribute("n", intValue=7)])]}})
    assert daemon.post("metrics", body).json() == {}
    row, = daemon.rows("SELECT count, sum, bucket_counts, explicit_bounds FROM metrics")
    assert (row["count"], row["sum"]) == (3, 1.5)
    assert (json.loads(row["bucket_counts"]), json.loads(row["explicit_bounds"])) == ([1, 2], [1.0])


# MARK: protobuf

def doubles(*numbers):
    return b"".join(struct.pack("<d", number) for number in numbers)


def longs(*numbers):
    return b"".join(struct.pack("<Q", number) for number in numbers)


@pytest.mark.parametrize("buckets", [
    field(6, longs(1, 2, 3)) + field(7, doubles(0.5, 1)),
    b"".join(b"\x31" + longs(number) for number in (1, 2, 3)) + b"".join(b"\x39" + doubles(n) for n in (0.5, 1)),
    b"\x31" + longs(1) + field(7, doubles(0.5)) + field(6, longs(2)) + b"\x39" + doubles(1) + b"\x31" + longs(3),
], ids=["packed", "unpacked", "mixed"])
def test_pb_03_repeated_numbers_may_be_packed(daemon, buckets):
    one = b"\x19" + longs(NOON) + b"\x21" + longs(6) + buckets
    metric = field(1, b"m") + field(9, field(1, one) + b"\x10\x02")
    body = field(1, field(2, field(2, metric)))
    assert rejected("metrics", daemon.post("metrics", body, "application/x-protobuf")) == 0
    row, = daemon.rows("SELECT bucket_counts, explicit_bounds FROM metrics")
    assert (json.loads(row["bucket_counts"]), json.loads(row["explicit_bounds"])) == ([1, 2, 3], [0.5, 1.0])


def test_pb_07_invalid_utf_8_is_replaced_and_said(daemon):
    body = field(1, field(2, field(2, b"\x09" + longs(NOON) + field(12, b"a\xffb"))))
    answer = daemon.post("logs", body, "application/x-protobuf")
    assert (rejected("logs", answer), b"UTF-8" in answer.body) == (0, True)
    assert daemon.rows("SELECT event FROM telemetry_events") == [{"event": "a\ufffdb"}]


def test_pb_09_a_sum_of_zero_is_not_an_absent_one(daemon):
    points = [point(count="1", sum=0, min=0, max=0), point(count="1")]
    daemon.post("metrics", metrics({"name": "m", "histogram": {"aggregationTemporality": 2, "dataPoints": points}}))
    assert [tuple(row.values()) for row in daemon.rows("SELECT sum, min, max FROM metrics ORDER BY id")] == [
        (0.0, 0.0, 0.0), (None, None, None)]


def test_lim_03_a_length_beyond_the_body_is_400_and_costs_nothing(daemon):
    for length in (b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"):
        assert daemon.post("traces", b"\x0a" + length + b"\x00", "application/x-protobuf").status == 400


# MARK: data

def test_tr_06_equal_ids_do_not_overwrite_each_other(daemon):
    twice = [span(1, attributes=[attribute("try", intValue=number)]) for number in (1, 2)]
    assert daemon.post("traces", spans(*twice)).json() == {}
    assert [row["attributes"] for row in daemon.rows("SELECT attributes FROM spans ORDER BY id")] == [
        '{"try":1}', '{"try":2}']


@pytest.mark.parametrize("settled", [False, True])
def test_tr_06_events_and_links_keep_their_order(daemon, settled):
    names = ["c", "a", "b", "a", ""]
    events = [{"name": name, "timeUnixNano": str(NOON - number)} for number, name in enumerate(names)]
    links = [{"traceId": f"{number:032x}", "spanId": "1" * 16} for number in (3, 1, 2)]
    links[1]["traceState"] = "a\x00b"
    daemon.post("traces", spans(span(1, name="z"), span(2, events=events, links=links)))
    if settled:
        daemon.settle()
    row, = daemon.rows("SELECT events, links FROM spans WHERE span_id LIKE '%2'")
    assert [event["name"] for event in json.loads(row["events"])] == names
    assert json.loads(row["links"]) == [
        {"trace_id": f"{number:032x}", "span_id": "1" * 16, "trace_state": "a\x00b" if number == 1 else "", "flags": 0,
         "attributes": {}, "dropped_attributes_count": 0} for number in (3, 1, 2)]


@pytest.mark.parametrize("metric", [
    {"name": "m"}, {"name": "m", "gauge": {}}, {"name": "m", "sum": {"dataPoints": []}}])
def test_met_12_a_metric_without_points_is_no_refusal(daemon, metric):
    assert daemon.post("metrics", metrics(metric)).json() == {}


def test_met_14_what_makes_a_stream_makes_a_metric(daemon):
    one = {"dataPoints": [point(asInt="1")]}
    daemon.post("metrics", metrics(
        {"name": "m", "unit": "s", "gauge": one}, {"name": "m", "unit": "ms", "gauge": one},
        {"name": "m", "unit": "s", "sum": {**one, "aggregationTemporality": 1, "isMonotonic": True}},
        {"name": "m", "unit": "s", "sum": {**one, "aggregationTemporality": 2, "isMonotonic": True}},
        {"name": "m", "unit": "s", "sum": {**one, "aggregationTemporality": 2}}))
    found = daemon.rows("SELECT DISTINCT name, unit, type, temporality, monotonic FROM metrics")
    assert len(found) == 5


def test_met_13_the_same_point_twice_is_two_records(daemon):
    one = {"name": "m", "gauge": {"dataPoints": [point(asInt="1"), point(asInt="2")]}}
    assert daemon.post("metrics", metrics(one)).json() == {}
    assert [row["value"] for row in daemon.rows("SELECT value FROM metrics ORDER BY id")] == [1, 2]


def test_log_06_entity_events_are_ordinary_records(daemon):
    daemon.post("logs", logs({"timeUnixNano": str(NOON), "eventName": "entity.state", "attributes": [
        attribute("entity.type", stringValue="host")]}))
    row, = daemon.rows("SELECT category, event FROM telemetry_events")
    assert row == {"category": "entity", "event": "entity.state"}
