"""The real engine of ClickHouse, in this process, behind the requests that its server takes."""

import pytest

from forward_daemon import NOON, ForwardingDaemon, attribute_list, spans
from forward_far_end import FarEnd

pytest.importorskip("chdb", reason="there is no chdb: pip install chdb")

from forward_clickhouse import ClickHouse  # noqa: E402: only with chdb


@pytest.fixture(scope="module")
def engine():
    """One a process: the engine cannot be started twice."""
    with ClickHouse() as running:
        yield running


def destination(engine, database, **more):
    return {"type": "clickhouse", "endpoint": engine.url, "database": database, "create_schema": True, **more}


def three_signals(daemon):
    message = spans(["relay.tick", "relay.tock"], attributes={"map": "arena"})
    first = message["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    first |= {
        "status": {"code": 2, "message": "broken"}, "kind": 2, "traceState": "a=b", "parentSpanId": "00f067aa0ba902b7",
        "events": [{"name": "stall", "timeUnixNano": str(NOON + 3), "attributes": attribute_list({"a": "b"})}],
        "links": [{"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}]}
    assert daemon.post("traces", message).status == 200
    resource = {"attributes": attribute_list({"service.name": "relay"})}
    assert daemon.post("logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{
        "scope": {"name": "relay.log", "version": "1.2"},
        "logRecords": [{"timeUnixNano": str(NOON + 123_456_789), "body": {"stringValue": "it's \t \\ ä"},
                        "severityNumber": 13, "severityText": "WARN", "eventName": "relay.said",
                        "attributes": attribute_list({"player.id": "p-7", "map": "arena"})}]}]}]}).status == 200

    def points(**point):
        return {"dataPoints": [{"timeUnixNano": str(NOON), "startTimeUnixNano": str(NOON - 5), **point}]}

    histogram = {"count": "3", "sum": 55.5, "bucketCounts": ["1", "2"], "explicitBounds": [10], "min": 1, "max": 50}
    exponential = {
        "count": "3", "sum": 6, "scale": 2, "zeroCount": "1", "positive": {"offset": 1, "bucketCounts": ["2"]}}
    summary = {"count": "2", "sum": 3, "quantileValues": [{"quantile": 0.5, "value": 1.5}]}
    assert daemon.post("metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [
        {"name": "relay.load", "unit": "1", "gauge": points(asDouble=0.25)},
        {"name": "relay.games", "sum": {**points(asInt="7"), "aggregationTemporality": 2, "isMonotonic": True}},
        {"name": "relay.rtt", "histogram": {**points(**histogram), "aggregationTemporality": 2}},
        {"name": "relay.size", "exponentialHistogram": {**points(**exponential), "aggregationTemporality": 1}},
        {"name": "relay.old", "summary": points(**summary)}]}]}]}).status == 200


def test_three_signals_lie_in_the_tables_of_the_collectors_exporter(engine, tmp_path):
    with ForwardingDaemon(tmp_path, {"click": destination(engine, "first")}) as daemon:
        three_signals(daemon)
        daemon.until_sent("click")
        line = daemon.status("click")
        assert (line["sent"], line["refused"], line["last_error"]) == (8, 0, "")
    traces = engine.rows("SELECT *, toUnixTimestamp64Nano(Timestamp) AS ns FROM first.otel_traces ORDER BY Timestamp")
    assert [(row["SpanName"], int(row["ns"]), int(row["Duration"])) for row in traces] == [
        ("relay.tick", NOON + 1, 5), ("relay.tock", NOON + 2, 5)]
    first = traces[0]
    assert (first["TraceId"], first["SpanId"], first["ParentSpanId"]) == (f"{1:032x}", f"{1:016x}", "00f067aa0ba902b7")
    assert (first["ServiceName"], first["TraceState"], first["StatusMessage"]) == ("relay", "a=b", "broken")
    assert first["SpanAttributes"] == {"map": "arena"}
    assert (first["Events.Name"], first["Events.Attributes"]) == (["stall"], [{"a": "b"}])
    assert first["Links.TraceId"] == ["0af7651916cd43dd8448eb211c80319c"]
    times, = engine.rows("SELECT TraceId FROM first.otel_traces_trace_id_ts")
    assert times["TraceId"] == f"{1:032x}"
    log, = engine.rows("SELECT *, toUnixTimestamp64Nano(Timestamp) AS ns FROM first.otel_logs")
    assert (int(log["ns"]), log["Body"]) == (NOON + 123_456_789, "it's \t \\ ä")
    assert (int(log["SeverityNumber"]), log["SeverityText"], log["ScopeName"]) == (13, "WARN", "relay.log")
    assert log["LogAttributes"] == {"player.id": "p-7", "map": "arena"}
    gauge, = engine.rows("SELECT * FROM first.otel_metrics_gauge")
    assert (gauge["MetricName"], float(gauge["Value"]), gauge["MetricUnit"]) == ("relay.load", 0.25, "1")
    total, = engine.rows("SELECT * FROM first.otel_metrics_sum")
    assert (float(total["Value"]), bool(total["IsMonotonic"]), int(total["AggregationTemporality"])) == (7, True, 2)
    histogram, = engine.rows("SELECT * FROM first.otel_metrics_histogram")
    assert (int(histogram["Count"]), [int(count) for count in histogram["BucketCounts"]]) == (3, [1, 2])
    exponential, = engine.rows("SELECT * FROM first.otel_metrics_exponential_histogram")
    assert (int(exponential["Scale"]), int(exponential["ZeroCount"])) == (2, 1)
    summary, = engine.rows("SELECT * FROM first.otel_metrics_summary")
    assert float(summary["Sum"]) == 3


def test_what_is_sent_again_is_stored_once(engine, tmp_path):
    """The far end has carried it out, and its answer is lost; then the daemon is killed before it hears of any."""
    with ForwardingDaemon(tmp_path, {"click": destination(engine, "again")}) as daemon:
        engine.lose = 3
        before = len(engine.inserts)
        daemon.send_spans([f"relay.{number}" for number in range(100)])
        daemon.until_sent("click")
        tokens = engine.inserts[before:]
        assert len(tokens) >= 4 and len(set(tokens)) == 1, tokens
        assert engine.rows("SELECT count() AS n FROM again.otel_traces")[0]["n"] in (100, "100")
        assert engine.rows("SELECT count() AS n FROM again.otel_traces_trace_id_ts")[0]["n"] in (1, "1")
        engine.lose = 1_000
        daemon.send_spans([f"relay.late.{number}" for number in range(50)], trace=2)
        before = len(engine.inserts)
        daemon.until(lambda: len(engine.inserts) > before + 1)
        daemon.process.kill()
        daemon.process.wait()
    engine.lose = 0
    with ForwardingDaemon(tmp_path, {"click": destination(engine, "again")}) as daemon:
        daemon.until_sent("click")
        assert len(set(engine.inserts[before:])) == 1
        assert engine.rows("SELECT count() AS n FROM again.otel_traces")[0]["n"] in (150, "150")


def test_attributes_that_are_denied_do_not_leave(engine, tmp_path):
    with ForwardingDaemon(
            tmp_path, {"click": destination(engine, "denied", attributes={"deny": ["player.*"]})}) as daemon:
        three_signals(daemon)
        daemon.until_sent("click")
        log, = engine.rows("SELECT LogAttributes FROM denied.otel_logs")
        assert log["LogAttributes"] == {"map": "arena"}


def test_tables_that_are_not_there_stop_the_destination(engine, tmp_path):
    with ForwardingDaemon(tmp_path, {"click": destination(engine, "nowhere", create_schema=False)}) as daemon:
        daemon.send_spans(["relay.tick"])
        daemon.until(lambda: daemon.status("click")["state"] == "stopped")
        line = daemon.status("click")
        assert line["refused"] == 0 and line["last_error"]


def test_a_server_that_is_not_there_is_not_reached(tmp_path):
    with FarEnd(starts=False) as far, ForwardingDaemon(
            tmp_path, {"click": {"type": "clickhouse", "endpoint": far.url}}) as daemon:
        done = daemon.forward("test", "click", check=False)
        assert done.returncode == 1, done.stdout
