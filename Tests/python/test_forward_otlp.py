"""What came in goes out: over OTLP/HTTP as protobuf and as JSON, over gRPC, and into files."""

import os
from random import Random

import grpc
import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from forward_daemon import ForwardingDaemon
from forward_far_end import REQUESTS, GRPCEnd, OTLPEnd, Reply
from otlp_canonical import compare, records
from otlp_random import Generator
from test_round_trip import rejected

PROTOCOLS = ("http/protobuf", "http/json", "grpc")


def far_end(protocol):
    return GRPCEnd() if protocol == "grpc" else OTLPEnd()


def destination(far, protocol="http/protobuf", **more):
    return {"type": "otlp", "endpoint": far.url, "protocol": protocol, **more}


def assert_same(expected, found):
    difference = compare(expected, found)
    assert not difference, difference


def seeds():
    first, colon, end = os.environ.get("FORWARD_SEEDS", "2").rpartition(":")
    return range(int(first) if colon else 0, int(end))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("seed", seeds())
def test_any_request_arrives_as_it_was_sent(seed, protocol, tmp_path):
    random = Random(seed)
    generator = Generator(random)
    sent = []
    with far_end(protocol) as far, ForwardingDaemon(
            tmp_path, {"far": destination(far, protocol, restricted=True)}) as daemon:
        for number in range(24):
            signal = list(REQUESTS)[number % 3]
            request = generator.request(REQUESTS[signal])
            answer = daemon.post(signal, request.SerializeToString(), "application/x-protobuf")
            assert rejected(signal, answer) == 0
            sent += records(request)
            if number == 12:
                daemon.settle()
        daemon.until(lambda: far.count() >= len(sent))
        daemon.until_sent("far")
        assert_same(sent, far.records())
        line = daemon.status("far")
        # Points, not metrics, and no span events.
        assert (line["sent"], line["refused"], line["lag_records"]) == (len(sent), 0, 0)


class Twice:
    """An exporter that gives the same to two."""

    def __init__(self, *exporters):
        self.exporters = exporters

    def __getattr__(self, name):
        found = [getattr(exporter, name) for exporter in self.exporters]
        return (lambda *arguments, **named: [call(*arguments, **named) for call in found][0]) if callable(found[0]) \
            else found[0]


class MetricsTwice(OTLPMetricExporter):
    def __init__(self, other, **options):
        super().__init__(**options)
        self.other = other

    def export(self, metrics_data, *arguments, **named):
        self.other.export(metrics_data, *arguments, **named)
        return super().export(metrics_data, *arguments, **named)


RESOURCE = Resource.create(
    {"service.name": "relay", "service.instance.id": "eu-1", "host.cores": 8, "tags": ["a", "b"]},
    schema_url="https://opentelemetry.io/schemas/1.27.0")


def traces_of_the_sdk(*addresses):
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(Twice(*[OTLPSpanExporter(f"{to}/v1/traces") for to in addresses])))
    tracer = provider.get_tracer("relay", "1.2.3", schema_url="https://example.org/s", attributes={"scope": True})
    distant = SpanContext(
        0x1234567890ABCDEF1234567890ABCDEF, 0x1234567890ABCDEF, is_remote=True, trace_flags=TraceFlags(1),
        trace_state=TraceState([("vendor", "a:b"), ("other", "1")]))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(distant))
    for kind in trace.SpanKind:
        with tracer.start_as_current_span(
                f"relay.{kind.name}", context=parent, kind=kind, links=[Link(distant, {"why": "test", "n": 3})],
                attributes={
                    "text": "ä\0€", "int": -(2**63), "float": 0.1, "bool": False, "list": [1.5, 2.5]}) as span:
            span.add_event("one", {"a": 1}, timestamp=1_767_268_800_000_000_001)
            span.add_event("two")
            span.set_status(Status(StatusCode.ERROR, "broken"))
            tracer.start_span("relay.child").end()
    assert provider.force_flush()
    provider.shutdown()


def metrics_of_the_sdk(*addresses):
    first, second = [f"{to}/v1/metrics" for to in addresses]
    exporter = MetricsTwice(
        OTLPMetricExporter(second), endpoint=first, preferred_temporality={Counter: AggregationTemporality.DELTA})
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    views = [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation(max_size=20))]
    provider = MeterProvider([reader], resource=RESOURCE, views=views)
    meter = provider.get_meter("relay", "1.2.3")
    for value in (1, 2.5, 300):
        meter.create_counter("counter", "By", "what").add(int(value), {"room": "a"})
        meter.create_up_down_counter("updown").add(-value)
        meter.create_histogram("histogram", "ms").record(value, {"room": "b"})
        meter.create_histogram("exponential").record(value)
        meter.create_gauge("gauge").set(value)
    meter.create_observable_counter("seen", [lambda options: [Observation(7, {"of": "x"})]])
    meter.create_observable_gauge("level", [lambda options: [Observation(0.25)]])
    meter.create_observable_up_down_counter("depth", [lambda options: [Observation(-3)]])
    assert provider.force_flush()
    provider.shutdown()


def logs_of_the_sdk(*addresses):
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(Twice(*[OTLPLogExporter(f"{to}/v1/logs") for to in addresses])))
    logger = provider.get_logger("relay", "1.2.3")
    for number, body in enumerate(["text", 3, 0.5, True, {"nested": [1, "two", {"three": b"\0\xff"}]}, None]):
        logger.emit(
            timestamp=1_767_268_800_000_000_000 + number, body=body, event_name="relay.said",
            severity_number=SeverityNumber.WARN2, severity_text="Warnung", attributes={"n": number, "deep": {"a": [1]}})
    assert provider.force_flush()
    provider.shutdown()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_sdk_sends_arrives_field_by_field(protocol, tmp_path):
    """The SDK sends everything twice: to the daemon, and to a far end beside it."""
    with far_end(protocol) as far, OTLPEnd() as straight, ForwardingDaemon(
            tmp_path, {"far": destination(far, protocol)}) as daemon:
        for send in (traces_of_the_sdk, metrics_of_the_sdk, logs_of_the_sdk):
            send(daemon.otlp, straight.url)
        daemon.until(lambda: far.count() >= straight.count())
        daemon.until_sent("far")
        for signal in REQUESTS:
            expected = straight.records(signal)
            assert len(expected) >= 6
            assert_same(expected, far.records(signal))


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_request_says_who_sends_it(compression, tmp_path):
    with OTLPEnd() as far, ForwardingDaemon(
            tmp_path, {"far": destination(far, compression=compression, headers={"X-Scope": "a"})}) as daemon:
        daemon.send_spans(["relay.tick"])
        daemon.until(lambda: far.taken)
        request = far.requests[0]
        assert request.path == "/v1/traces"
        assert request.headers["User-Agent"].startswith("garner/")
        assert len(request.headers["Garner-Via"]) == 36
        assert request.headers["X-Scope"] == "a"
        assert request.headers["Content-Type"] == "application/x-protobuf"
        assert request.headers["Content-Encoding"] == (None if compression == "none" else compression)


def test_what_comes_back_to_us_is_not_taken_again(tmp_path):
    """Two daemons that send to each other: a record goes one round and stops."""
    (tmp_path / "a").mkdir()
    with OTLPEnd() as relay:
        def pass_on(request):
            headers = {name: request.headers[name] for name in ("Content-Type", "Garner-Via")}
            answer = daemon.post("traces", request.body, headers["Content-Type"], Garner_Via=headers["Garner-Via"])
            return Reply(answer.status, body=answer.body)

        relay.answer = pass_on
        with ForwardingDaemon(tmp_path / "a", {"round": destination(relay)}) as daemon:
            daemon.send_spans(["relay.tick"])
            daemon.until_sent("round")
            daemon.send_spans(["relay.tock"], trace=2)
            daemon.until(lambda: relay.count() >= 2)
            daemon.until_sent("round")
            assert sorted(row["event"] for row in daemon.rows("SELECT event FROM telemetry_events")) == [
                "relay.tick", "relay.tock"]
            assert sorted(relay.names()) == ["relay.tick", "relay.tock"]


def test_a_grpc_far_end_that_has_no_time_is_asked_again(tmp_path):
    with GRPCEnd() as far, ForwardingDaemon(tmp_path, {"far": destination(far, "grpc")}) as daemon:
        far.refuse = (grpc.StatusCode.UNAVAILABLE, "later")
        daemon.send_spans(["relay.tick"] * 10)
        daemon.until(lambda: daemon.status("far")["retried"] >= 2)
        assert daemon.status("far")["state"] == "retrying"
        assert "later" in daemon.status("far")["last_error"]
        far.refuse = None
        daemon.until_sent("far")
        assert far.count() == 10
        assert daemon.status("far")["refused"] == 0


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"])
def test_a_grpc_far_end_that_does_not_know_us_stops_the_destination(code, tmp_path):
    with GRPCEnd() as far, ForwardingDaemon(tmp_path, {"far": destination(far, "grpc")}) as daemon:
        far.refuse = (grpc.StatusCode[code], "who are you")
        daemon.send_spans(["relay.tick"])
        daemon.until(lambda: daemon.status("far")["state"] == "stopped")
        line = daemon.status("far")
        assert (line["refused"], line["lag_records"]) == (0, 1)
        assert daemon.forward("status", check=False).returncode == 1
