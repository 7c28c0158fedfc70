"""What went in comes out, field by field, judged by the official protobuf package and not by a decoder of ours.

More seeds: `ROUND_TRIP_SEEDS=50`, or `ROUND_TRIP_SEEDS=1234:1235` for one that failed.
"""

import gzip
import os
from random import Random

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from garner import Daemon, run
from otlp_canonical import compare, records
from otlp_json import Reader, Writer
from otlp_random import Generator

REQUESTS = {
    "traces": ("resourceSpans", traces.ExportTraceServiceRequest),
    "logs": ("resourceLogs", logs.ExportLogsServiceRequest),
    "metrics": ("resourceMetrics", metrics.ExportMetricsServiceRequest),
}
RESPONSES = {
    "traces": traces.ExportTraceServiceResponse, "logs": logs.ExportLogsServiceResponse,
    "metrics": metrics.ExportMetricsServiceResponse,
}
# Enough for settled files to be put together.
ROUNDS = 9
VIEWS = ("telemetry_events", "spans", "logs", "metrics")


def seeds():
    said = os.environ.get("ROUND_TRIP_SEEDS", "4")
    first, colon, end = said.rpartition(":")
    return range(int(first) if colon else 0, int(end))


def rejected(signal, answer):
    """How many records a request with status 200 lost. A warning may come with none."""
    assert answer.status == 200, answer.body
    if answer.headers["Content-Type"].startswith("application/json"):
        partial = answer.json().get("partialSuccess", {})
        return sum(int(value) for name, value in partial.items() if name.startswith("rejected"))
    partial = RESPONSES[signal].FromString(answer.body).partial_success
    return sum(value for field, value in partial.ListFields() if field.name.startswith("rejected"))


def send(daemon, signal, body, content_type, random):
    headers = {}
    if random.random() < 0.5:
        body, headers = gzip.compress(body), {"Content_Encoding": "gzip"}
    assert rejected(signal, daemon.post(signal, body, content_type, **headers)) == 0


def exported(data, file):
    """Records of every line of an export, each line read by the letter of OTLP/JSON."""
    run("export", "--restricted", "--format", "otlp", "--output", str(file), data=data)
    found = []
    # Not `splitlines`, which knows line ends that JSON does not.
    for line in file.read_bytes().decode().split("\n")[:-1]:
        message_class, = [kind for member, kind in REQUESTS.values() if line.startswith(f'{{"{member}":')]
        found += records(Reader(message_class, aside=["garner"]).read(line))
    return found


def stored(daemon, view):
    """Rows of a view of all files, by id, without what is another thing in every store."""
    times = daemon.rows("SELECT id, time_unix_nano AS time, observed_time_unix_nano AS observed FROM logs")
    untimed = {row["id"] for row in times if not row["time"] and not row["observed"]}
    found = sorted(daemon.rows(f"SELECT * FROM {view}"), key=lambda row: row["id"])
    for row in found:
        row.pop("received", None)
        if row["id"] in untimed:
            row["timestamp"] = "arrival"
        if row["session_id"].startswith("anon-"):
            row["session_id"] = "anonymous"
    return found


def assert_same(expected, found):
    difference = compare(expected, found)
    assert not difference, difference


class Pair:
    """The same requests, to one daemon as protobuf and to another as JSON."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.random = Random(seed)
        self.generator = Generator(self.random)
        self.writer = Writer(self.random)
        self.sent = []
        self.exports = 0

    def send(self, signal, binary, text):
        request = self.generator.request(REQUESTS[signal][1])
        send(binary, signal, request.SerializeToString(), "application/x-protobuf", self.random)
        send(text, signal, self.writer.text(request), "application/json", self.random)
        self.sent += records(request)

    def check(self, *stores):
        for store in stores:
            self.exports += 1
            found = exported(store, self.folder / f"{self.exports}.jsonl")
            assert_same(self.sent, found)


def test_the_generator_forgets_no_field():
    generator, seen = Generator(Random(0)), set()

    def note(message):
        for field, value in message.ListFields():
            seen.add(field.full_name)
            if field.message_type:
                for inner in value if field.is_repeated else [value]:
                    note(inner)

    for _ in range(20):
        for _, message_class in REQUESTS.values():
            note(generator.request(message_class))
    assert not set(fields_below([message_class.DESCRIPTOR for _, message_class in REQUESTS.values()])) - seen


def fields_below(descriptors):
    known, found = set(), []
    while descriptors:
        descriptor = descriptors.pop()
        if descriptor.full_name not in known:
            known.add(descriptor.full_name)
            found += [field.full_name for field in descriptor.fields]
            descriptors += [field.message_type for field in descriptor.fields if field.message_type]
    return found


@pytest.mark.parametrize("seed", seeds())
def test_what_went_in_comes_out(seed, tmp_path):
    """JSON-01, JSON-02, PB-05, DM-07, DM-08, DM-11, TR-03, TR-05, MET-10."""
    pair = Pair(tmp_path, seed)
    with Daemon(tmp_path / "protobuf") as binary, Daemon(tmp_path / "json") as text:
        for signal in REQUESTS:
            pair.send(signal, binary, text)
        # Landing.
        pair.check(binary.data, text.data)
        for view in VIEWS:
            assert_same(stored(binary, view), stored(text, view))
        # Settled, in many small files.
        for _ in range(ROUNDS):
            binary.settle()
            text.settle()
            for signal in REQUESTS:
                pair.send(signal, binary, text)
        before = {view: stored(binary, view) for view in VIEWS}
        binary.settle()
        text.settle()
        pair.check(binary.data)
        # Compacted.
        binary.control("POST", "/maintain")
        assert len(list((binary.data / "shards" / "firehose" / "late").glob("*.db"))) < ROUNDS
        pair.check(binary.data)
        for view in VIEWS:
            assert_same(before[view], stored(binary, view))
            assert_same(before[view], stored(text, view))
    # Through an export into a store of its own.
    for format, name in (("sqlite", "all.db"), ("otlp", "all.jsonl")):
        file, other = tmp_path / name, tmp_path / f"from-{format}"
        run("export", "--restricted", "--format", format, "--output", str(file), data=binary.data)
        run("import", str(file), data=other)
        pair.check(other)
        with Daemon(other) as third:
            for view, rows in before.items():
                assert_same(anonymous(rows), anonymous(stored(third, view)))


def anonymous(rows):
    """Rows without what an import gives anew."""
    return [{name: value for name, value in row.items() if name not in ("id", "door")} for row in rows]


def field(number, content):
    """A field of protobuf with a length."""
    length, digits = len(content), []
    while length > 0x7F:
        digits.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *digits, length]) + content


@pytest.mark.parametrize("depth", [1, 64, 128])
def test_deep_values_come_back(daemon, depth, tmp_path):
    """LIM-04, DM-04: deeper than the official package can write, so the bytes of the body are put together here."""
    wire, value = b"\x18\x07", ("int_value", 7)
    for level in range(depth):
        if level % 2:
            wire, value = field(5, field(1, wire)), [value]
        else:
            wire, value = field(6, field(1, field(1, b"k") + field(2, wire))), {"k": value}
    body = field(1, field(2, field(2, field(5, wire))))
    assert rejected("logs", daemon.post("logs", body, "application/x-protobuf")) == 0
    assert_same([({}, {}, {"body": value})], exported(daemon.data, tmp_path / "deep.jsonl"))
