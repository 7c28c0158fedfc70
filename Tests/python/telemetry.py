"""The real OpenTelemetry SDK, pointed at a daemon: providers of a test's own, nothing global."""

from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def _resource(service, session):
    return Resource.create({"service.name": service, "session.id": session})


@contextmanager
def tracing(daemon, service, session="s-1", **options):
    """A tracer; whatever it recorded has been exported when the block ends."""
    provider = TracerProvider(resource=_resource(service, session))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{daemon.otlp}/v1/traces", **options)))
    yield provider.get_tracer(service, "1.2.3")
    assert provider.force_flush()
    provider.shutdown()


@contextmanager
def metering(daemon, service, session="s-1"):
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{daemon.otlp}/v1/metrics"), export_interval_millis=float("inf")
    )
    provider = MeterProvider([reader], resource=_resource(service, session))
    yield provider.get_meter(service)
    assert provider.force_flush()
    provider.shutdown()


@contextmanager
def logging_to(daemon, service, session="s-1"):
    provider = LoggerProvider(resource=_resource(service, session))
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{daemon.otlp}/v1/logs")))
    yield provider.get_logger(service)
    assert provider.force_flush()
    provider.shutdown()
