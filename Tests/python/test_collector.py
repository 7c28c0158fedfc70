"""An OpenTelemetry Collector that sends to us: its `otlphttp` exporter played, and a real one where it is installed."""

import gzip
import json
import os
import queue
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from garner import PATIENCE, Daemon
from test_json import NOON
from test_round_trip import rejected

# What the batch processor sends at once, and how many consumers the exporter's queue has.
BATCH = 8192
CONSUMERS = 10
AGENT = "OpenTelemetry Collector Contrib/0.135.0 (linux/amd64)"
RETRYABLE = {429, 502, 503, 504}


def batch(number):
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = f"service-{number % 3}"
    scope = resource.scope_spans.add()
    for index in range(BATCH):
        place = number * BATCH + index + 1
        span = scope.spans.add(
            trace_id=(place // 8 + 1).to_bytes(16), span_id=place.to_bytes(8), name=f"GET /{index % 7}", kind=2,
            start_time_unix_nano=NOON + place, end_time_unix_nano=NOON + place + 1000)
        span.attributes.add(key="http.response.status_code").value.int_value = 200
    return request.SerializeToString()


def test_the_exporter_of_a_collector_loses_nothing_to_overload(tmp_path):
    """HTTP-06, HTTP-12: gzip, batches of 8192, ten consumers, and room for about one of them at a time."""
    batches = 12
    waiting, refusals = queue.Queue(), []
    for number in range(batches):
        waiting.put(gzip.compress(batch(number), 1))

    def consume(_):
        while True:
            try:
                body = waiting.get_nowait()
            except queue.Empty:
                return
            answer = daemon.post(
                "traces", body, "application/x-protobuf", Content_Encoding="gzip", User_Agent=AGENT, Accept="*/*")
            if answer.status == 200:
                assert rejected("traces", answer) == 0
                continue
            # The exporter gives up on any other status; it would wait as told, here others take their turn first.
            assert answer.status in RETRYABLE, (answer.status, answer.body)
            assert int(answer.headers["Retry-After"]) >= 1
            refusals.append(answer)
            waiting.put(body)

    with Daemon(tmp_path / "data", env={"GARNER_LIMITS_INFLIGHT_BYTES": "1MiB"}) as daemon:
        with ThreadPoolExecutor(CONSUMERS) as consumers:
            list(consumers.map(consume, range(CONSUMERS)))
        assert daemon.rows("SELECT count(*) AS n, count(DISTINCT span_id) AS spans FROM spans WHERE kind = 2") == [
            {"n": batches * BATCH, "spans": batches * BATCH}]
    assert refusals


def stored(daemon):
    return sum(source["stored"] for source in daemon.control("GET", "/status").json()["sources"])


CONFIGURATION = """
receivers:
  filelog: {include: [INPUT], start_at: beginning}
processors:
  batch: {send_batch_size: 8192, timeout: 100ms}
exporters:
  otlphttp: {endpoint: "ENDPOINT", encoding: ENCODING, retry_on_failure: {initial_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [filelog], processors: [batch], exporters: [otlphttp]}
"""


@pytest.mark.parametrize("encoding", ["proto", "json"])
def test_a_real_collector_sends_its_lines(daemon, tmp_path, encoding):
    """OTELCOL_BIN names a Collector with `filelog`, `batch` and `otlphttp`."""
    collector = os.environ.get("OTELCOL_BIN") or shutil.which("otelcol-contrib")
    if collector is None:
        pytest.skip("no OpenTelemetry Collector is installed")
    lines = [f"line {number} \N{SNOWMAN} \"quoted\" \\ {'x' * (number % 50)}." for number in range(20_000)]
    source, settings = tmp_path / "in.log", tmp_path / "collector.yaml"
    source.write_text("\n".join(lines) + "\n")
    settings.write_text(CONFIGURATION.replace("INPUT", str(source)).replace("ENDPOINT", daemon.otlp)
                        .replace("ENCODING", encoding))
    with open(tmp_path / "collector.out", "wb") as said, subprocess.Popen(
            [collector, "--config", str(settings)], stdout=said, stderr=said, stdin=subprocess.DEVNULL) as running:
        try:
            daemon.until(lambda: stored(daemon) >= len(lines))
            running.terminate()
            assert running.wait(timeout=PATIENCE) == 0, (tmp_path / "collector.out").read_text()
        finally:
            running.kill()
    daemon.settle()
    found = [json.loads(row["body"]) for row in daemon.query("SELECT body FROM logs ORDER BY id", "--limit", "30000")]
    assert sorted(found) == sorted(lines)
