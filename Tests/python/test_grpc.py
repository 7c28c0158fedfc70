"""OTLP over gRPC: the SDK's own exporters, and calls made by hand with grpcio."""

import json
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from garner import PATIENCE, Daemon, run

NOON = 1_767_268_800_123_456_789
RESOURCE = Resource.create({"service.name": "relay", "session.id": "s-1"})


def start(data, *arguments, env=None):
    daemon = Daemon(data, "--otlp-grpc", "127.0.0.1:0", *arguments, env=env)
    daemon._await_doors("otlp_grpc")
    return daemon


@pytest.fixture
def grpc_daemon(tmp_path):
    with start(tmp_path / "data") as running:
        yield running


def endpoint(daemon):
    return f"http://{daemon.doors['otlp_grpc']}"


@contextmanager
def stub(daemon, **options):
    with grpc.insecure_channel(daemon.doors["otlp_grpc"], **options) as channel:
        yield TraceServiceStub(channel)


def request(count, name="relay.tick", trace=1, text=""):
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for number in range(1, count + 1):
        span = scope.spans.add(
            trace_id=trace.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name=name,
            start_time_unix_nano=NOON, end_time_unix_nano=NOON + number)
        if text:
            span.attributes.add(key="text").value.string_value = text
    return message


def stored(daemon):
    return sum(row["n"] for row in daemon.rows("SELECT count(*) AS n FROM telemetry_events"))


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_the_sdk_sends_all_three_signals(grpc_daemon, compression):
    options = {"endpoint": endpoint(grpc_daemon), "insecure": True, "compression": compression}
    traces = TracerProvider(resource=RESOURCE)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**options)))
    for number in range(2_000):
        traces.get_tracer("relay").start_span("relay.tick", attributes={"tick": number}).end()
        if number % 500 == 0:
            assert traces.force_flush()
    assert traces.force_flush()
    traces.shutdown()
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(**options), export_interval_millis=float("inf"))
    metrics = MeterProvider([reader], resource=RESOURCE)
    metrics.get_meter("relay").create_counter("relay.games").add(3)
    assert metrics.force_flush()
    metrics.shutdown()
    logs = LoggerProvider(resource=RESOURCE)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**options)))
    logs.get_logger("relay").emit(timestamp=NOON, event_name="relay.start", severity_number=SeverityNumber.INFO)
    assert logs.force_flush()
    logs.shutdown()
    counts = grpc_daemon.rows("SELECT event, count(*) AS n FROM telemetry_events GROUP BY event ORDER BY event")
    assert {row["event"]: row["n"] for row in counts} == {"relay.tick": 2_000, "relay.start": 1, "relay.games": 1}


def test_a_message_of_sixty_megabytes_is_taken(grpc_daemon):
    with stub(grpc_daemon) as traces:
        message = request(600, text="x" * 100_000)
        assert len(message.SerializeToString()) > 60_000_000
        assert traces.Export(message, timeout=60) == ExportTraceServiceResponse()
    assert stored(grpc_daemon) == 600


def test_a_message_too_large_is_refused_for_good(grpc_daemon):
    with stub(grpc_daemon) as traces:
        for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
            with pytest.raises(grpc.RpcError) as refused:
                traces.Export(request(700, text="x" * 100_000), timeout=60, compression=compression)
            assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "grpc-status-details-bin" not in dict(refused.value.trailing_metadata())
        assert traces.Export(request(1)) == ExportTraceServiceResponse()
    assert stored(grpc_daemon) == 1


def test_a_retry_over_either_door_is_stored_once(grpc_daemon):
    message = request(64)
    with stub(grpc_daemon) as traces:
        _, first = traces.Export.with_call(message)
        _, again = traces.Export.with_call(message, compression=grpc.Compression.Gzip)
    assert "garner-duplicate" not in dict(first.initial_metadata())
    assert dict(again.initial_metadata())["garner-duplicate"] == "1"
    assert dict(again.trailing_metadata())["garner-duplicate"] == "1"
    answer = grpc_daemon.post("traces", message.SerializeToString(), "application/x-protobuf")
    assert (answer.status, answer.headers["Garner-Duplicate"]) == (200, "1")
    assert stored(grpc_daemon) == 64


def test_a_bad_span_is_refused_alone(grpc_daemon):
    message = request(3)
    message.resource_spans[0].scope_spans[0].spans[1].trace_id = bytes(16)
    with stub(grpc_daemon) as traces:
        answer = traces.Export(message)
    assert answer.partial_success.rejected_spans == 1
    assert answer.partial_success.error_message
    assert stored(grpc_daemon) == 2


def test_a_full_disk_is_a_reason_to_retry(tmp_path):
    with start(tmp_path / "data", env={"GARNER_RETENTION_RESERVE_BYTES": "1000TB"}) as daemon:
        with stub(daemon) as traces, pytest.raises(grpc.RpcError) as refused:
            traces.Export(request(1))
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "disk_reserve" in refused.value.details()
        assert b"google.rpc.RetryInfo" in dict(refused.value.trailing_metadata())["grpc-status-details-bin"]


def test_a_token_is_asked_for_before_the_message_is_read(tmp_path):
    data = tmp_path / "data"
    made = run("token", "create", "--scope", "ingest", "--source", "relay-eu-1", data=data)
    token = next(word for word in made.stdout.split() if word.startswith("gt_"))
    with start(data, env={"GARNER_AUTH_ALLOW_ANONYMOUS": "false"}) as daemon:
        with stub(daemon) as traces:
            for metadata in ((), (("authorization", "Bearer gt_0"),)):
                with pytest.raises(grpc.RpcError) as refused:
                    traces.Export(request(600, text="x" * 100_000), metadata=metadata, timeout=30)
                assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            traces.Export(request(1), metadata=(("authorization", f"Bearer {token}"),))
        exporter = OTLPSpanExporter(
            endpoint=endpoint(daemon), insecure=True, headers=(("authorization", f"Bearer {token}"),))
        provider = TracerProvider(resource=RESOURCE)
        span = provider.get_tracer("relay").start_span("relay.tick")
        span.end()
        assert exporter.export([span]) == SpanExportResult.SUCCESS
        exporter.shutdown()
        assert stored(daemon) == 2


def test_what_is_no_otlp_gets_a_status(grpc_daemon):
    with grpc.insecure_channel(grpc_daemon.doors["otlp_grpc"]) as channel:
        for method, body, code in [
            ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", b"\x07\xff", "INVALID_ARGUMENT"),
            ("/opentelemetry.proto.collector.logs.v1.LogsService/Other", b"", "UNIMPLEMENTED"),
            ("/grpc.health.v1.Health/Check", b"\x0a\x01x", "NOT_FOUND"),
        ]:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(method)(body)
            assert refused.value.code() == grpc.StatusCode[code], method
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"
    written = json.loads((grpc_daemon.data / "endpoints.json").read_text())
    assert written["otlp_grpc"] == grpc_daemon.doors["otlp_grpc"]


def test_calls_under_load_survive_a_stop(tmp_path):
    """What was answered with OK is there after the daemon was told to stop in the middle."""
    with start(tmp_path / "data") as daemon:
        with stub(daemon) as traces:
            calls = [traces.Export.future(request(16, trace=number + 1), timeout=30) for number in range(200)]
            calls[0].result()
            assert daemon.stop() == 0
            answered = 0
            for call in calls:
                if call.exception() is None:
                    answered += 1
                else:
                    assert call.code() == grpc.StatusCode.UNAVAILABLE
        assert stored(daemon) >= answered * 16


def test_the_sdk_comes_in_over_tls(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    files = {"GARNER_TLS_CERT_FILE": str(certificate), "GARNER_TLS_KEY_FILE": str(key)}
    with start(tmp_path / "data", env=files) as daemon:
        trust = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(daemon.doors["otlp_grpc"], trust) as channel:
            traces = TraceServiceStub(channel)
            assert traces.Export(request(3), timeout=30) == ExportTraceServiceResponse()
            assert traces.Export(request(300, text="x" * 100_000), timeout=60) == ExportTraceServiceResponse()
        assert daemon.stop() == 0
        assert stored(daemon) == 303


def test_its_health_can_be_watched(tmp_path):
    with start(tmp_path / "data") as daemon, grpc.insecure_channel(daemon.doors["otlp_grpc"]) as channel:
        answers = HealthStub(channel).Watch(HealthCheckRequest())
        assert next(answers).status == HealthCheckResponse.SERVING
        unknown = HealthStub(channel).Watch(HealthCheckRequest(service="no.such.Service"))
        assert next(unknown).status == HealthCheckResponse.SERVICE_UNKNOWN
        unknown.cancel()
        daemon.process.send_signal(signal.SIGTERM)
        assert next(answers).status == HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as ended:
            next(answers)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
        assert daemon.process.wait(timeout=PATIENCE) == 0


def test_it_tells_what_can_be_called(grpc_daemon):
    with grpc.insecure_channel(grpc_daemon.doors["otlp_grpc"]) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = database.get_services()
        assert "opentelemetry.proto.collector.trace.v1.TraceService" in services
        assert "grpc.health.v1.Health" in services
        pool = DescriptorPool(database)
        for service in services:
            if "v1alpha" not in service:
                assert pool.FindServiceByName(service).methods
        method = pool.FindMethodByName("opentelemetry.proto.collector.logs.v1.LogsService.Export")
        assert method.input_type.fields[0].name == "resource_logs"
        with pytest.raises(KeyError):
            pool.FindServiceByName("no.such.Service")


def peak_megabytes(daemon):
    status = (Path("/proc") / str(daemon.process.pid) / "status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_many_messages_of_64_mib_stay_within_the_budget(grpc_daemon, compression):
    """Sixteen at once; a record of them is too long, so that the disk has no part in it."""
    message = request(1, text="x" * (63 << 20)).SerializeToString()
    outcomes = []

    def send(channel):
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        while True:
            try:
                answer = call(message, compression=compression, timeout=PATIENCE)
                return outcomes.append(ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    return outcomes.append(error.code())

    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(grpc_daemon.doors["otlp_grpc"], options=options) as channel:
        senders = [threading.Thread(target=send, args=(channel,)) for _ in range(16)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert outcomes == [1] * 16
    assert peak_megabytes(grpc_daemon) < 300
