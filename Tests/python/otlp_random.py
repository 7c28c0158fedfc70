"""Random OTLP requests from a seed. The generator walks the descriptors of the official package, so that no field is
forgotten; only what the daemon refuses by rule is said by hand, below."""

import struct

from google.protobuf.descriptor import FieldDescriptor as Field

# Keys that become columns or that collide with ours, keys that SQL, JSON and paths trip over, events that tell other rows
# their context.
WORDS = [
    "", "a", "$", "$$", "$bytes", "$double", "a.b", "a.b.c", ".", "body", "attributes", "value", "count", "sum", "min",
    "max", "metric", "span_id", "trace_id", "tick", "correlation", "category", "event.category", "event.name",
    "duration_us", "duration_ms", "duration_s", "process_us", "session.id", "session_id", "component", "game_id",
    "game.id", "game_module", "mod_fingerprint", "mod_profile_fingerprint", "service.name", "service.instance.id",
    "Ключ", "日本語", "😀", "e\u0301", "\0", "a\0b", "\x1f\x7f", "\u2028", "\ufeff", "\uffff", "\U0010ffff", '"', "\\",
    "\\u0041", "/", "'", "<a href=\"x\">&amp;", " ", "\n", "\t", "null", "NaN", "0", "true", "{}", "[]",
    "relay.tick.process", "Upper.Case", "relay.game.end", "relay.game.start",
    "match.start", "session.start", "session.mod_manifest", "session.profile_switch", "x" * 1000,
]
DOUBLES = [
    0.0, -0.0, 1.0, -1.0, 3.0, 0.1, 1e16, 1e22, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**53,
    2.0**63, 2.0**64, -(2.0**63), 123456789012345680.0, float("nan"), float("inf"), float("-inf"),
]
NOON = 1_767_268_800_000_000_000
TIMES = [0, 1, 999, NOON, NOON + 1, 2**63 - 1, 2**63, 2**64 - 1, 4_102_444_800_000_000_000]
RANGES = {
    Field.TYPE_INT32: (-(2**31), 2**31), Field.TYPE_SINT32: (-(2**31), 2**31), Field.TYPE_SFIXED32: (-(2**31), 2**31),
    Field.TYPE_UINT32: (0, 2**32), Field.TYPE_FIXED32: (0, 2**32), Field.TYPE_INT64: (-(2**63), 2**63),
    Field.TYPE_SINT64: (-(2**63), 2**63), Field.TYPE_SFIXED64: (-(2**63), 2**63), Field.TYPE_UINT64: (0, 2**64),
    Field.TYPE_FIXED64: (0, 2**64), Field.TYPE_ENUM: (-(2**31), 2**31),
}


class Generator:
    def __init__(self, random):
        self.random = random
        self.identities = 0

    def request(self, request_class):
        request = request_class()
        self.fill(request, 0)
        return request

    def fill(self, message, depth):
        rule = getattr(self, f"fill_{message.DESCRIPTOR.name}", None)
        if rule is not None:
            return rule(message, depth)
        self.fields(message, depth)

    def fields(self, message, depth, without=()):
        """Every field of a message but those named, each at random; of a oneof at most one."""
        chosen = {oneof.name: self.random.choice([None, *oneof.fields]) for oneof in message.DESCRIPTOR.oneofs}
        for field in message.DESCRIPTOR.fields:
            if field.name in without:
                continue
            if field.containing_oneof:
                if field is chosen[field.containing_oneof.name]:
                    self.set(message, field, depth)
            elif field.is_repeated:
                self.repeat(message, field, depth)
            elif self.random.random() < 0.6:
                self.set(message, field, depth)

    def repeat(self, message, field, depth):
        # Never an empty request, ever less in what lies deep.
        least, most = (1, 3) if depth < 2 else (0, 4) if depth < 4 else (0, 2) if depth < 8 else (0, 0)
        for _ in range(self.random.randint(least, most)):
            if field.type == Field.TYPE_MESSAGE:
                self.fill(getattr(message, field.name).add(), depth + 1)
            else:
                getattr(message, field.name).append(self.scalar(field))

    def set(self, message, field, depth):
        if field.type == Field.TYPE_MESSAGE:
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name), depth + 1)
        else:
            setattr(message, field.name, self.scalar(field))

    # MARK: values

    def scalar(self, field):
        if field.type == Field.TYPE_STRING:
            return self.text()
        if field.type == Field.TYPE_BYTES:
            return self.random.randbytes(self.random.choice([0, 1, 2, 3, 8, 16, 33]))
        if field.type == Field.TYPE_BOOL:
            return self.random.random() < 0.5
        if field.type in (Field.TYPE_DOUBLE, Field.TYPE_FLOAT):
            return self.double()
        if field.name.endswith("time_unix_nano"):
            return self.time()
        return self.integer(*RANGES[field.type])

    def integer(self, low, end):
        edges = [low, low + 1, -1, 0, 1, 2, 3, 15, 30, 31, 2**53 + 1, 2**31 - 1, 2**31, 2**63, end - 2, end - 1]
        if self.random.random() < 0.7:
            return self.random.choice([edge for edge in edges if low <= edge < end])
        return self.random.randrange(low, end)

    def double(self):
        if self.random.random() < 0.7:
            return self.random.choice(DOUBLES)
        return struct.unpack("<d", self.random.randbytes(8))[0]

    def text(self):
        if self.random.random() < 0.8:
            return self.random.choice(WORDS)
        letters = [self.random.randrange(0x20, 0x250) for _ in range(self.random.randrange(20))]
        return "".join(map(chr, letters))

    def time(self, zero=True):
        if self.random.random() < 0.5:
            return NOON + self.random.randrange(10**9)
        return self.random.choice(TIMES if zero else TIMES[1:])

    def id(self, length):
        while True:
            made = self.random.randbytes(length)
            if any(made):
                return made

    def odd_id(self, length):
        """Valid, absent or all zero."""
        return self.random.choice([self.id(length), self.id(length), b"", bytes(length)])

    # MARK: what the daemon refuses by rule

    def fill_AnyValue(self, message, depth):
        # Ever fewer of those that nest.
        kinds = [field for field in message.DESCRIPTOR.fields
                 if field.type != Field.TYPE_MESSAGE or self.random.random() < 4 / (depth + 1)]
        kind = self.random.choice([None, *kinds])
        if kind is not None:
            self.set(message, kind, depth)

    def fill_KeyValue(self, message, depth):
        if self.random.random() < 0.99:
            return self.fields(message, depth)
        # Who gives a record an identity gives every record another one.
        self.identities += 1
        message.key, message.value.string_value = "log.record.uid", f"{self.identities}"

    def fill_Span(self, message, depth):
        self.fields(message, depth, without=("trace_id", "span_id", "parent_span_id"))
        message.trace_id, message.span_id = self.id(16), self.id(8)
        message.parent_span_id = self.odd_id(8)

    def fill_Link(self, message, depth):
        self.fields(message, depth, without=("trace_id", "span_id"))
        message.trace_id, message.span_id = self.odd_id(16), self.odd_id(8)

    def fill_LogRecord(self, message, depth):
        self.fields(message, depth, without=("trace_id", "span_id"))
        message.trace_id, message.span_id = self.odd_id(16), self.odd_id(8)

    def fill_Exemplar(self, message, depth):
        self.fields(message, depth, without=("trace_id", "span_id"))
        message.trace_id, message.span_id = self.odd_id(16), self.odd_id(8)

    def point(self, message, depth, without=()):
        """A time, and no value only where it says so (CONFORMANCE MET-01, MET-02, MET-08)."""
        self.fields(message, depth, without=("time_unix_nano", "flags", *without))
        message.time_unix_nano = self.time(zero=False)
        message.flags = self.random.choice([0, 0, 1, 2, 2**32 - 1])

    def fill_NumberDataPoint(self, message, depth):
        self.point(message, depth)
        if message.WhichOneof("value") is None and self.random.random() < 0.5:
            message.as_int = self.integer(*RANGES[Field.TYPE_SFIXED64])
        elif message.WhichOneof("value") is None:
            message.flags |= 1

    def fill_HistogramDataPoint(self, message, depth):
        """Bounds that rise, one count more than bounds, counts that add up to the whole (CONFORMANCE MET-04)."""
        self.point(message, depth, without=("count", "bucket_counts", "explicit_bounds"))
        if self.random.random() < 0.2:
            message.count = self.integer(0, 2**64)
            return
        bounds = {number for number in (self.double() for _ in range(self.random.randrange(6))) if number == number}
        message.explicit_bounds.extend(sorted(bounds))
        left = 2**64 - 1
        for _ in range(len(message.explicit_bounds) + 1):
            count = self.random.choice([0, 0, 1, 2**53 + 1, left]) if left > 2**53 else 0
            message.bucket_counts.append(count)
            left -= count
        message.count = sum(message.bucket_counts)

    def fill_ExponentialHistogramDataPoint(self, message, depth):
        """Zero and all buckets add up to the count (CONFORMANCE MET-06)."""
        self.point(message, depth)
        left = 2**64 - 1
        left -= message.zero_count
        for name in ("positive", "negative"):
            counts = getattr(message, name).bucket_counts if message.HasField(name) else []
            for index, count in enumerate(counts):
                counts[index] = min(count, left)
                left -= counts[index]
        message.count = 2**64 - 1 - left

    def fill_SummaryDataPoint(self, message, depth):
        """Quantiles that rise (CONFORMANCE MET-07)."""
        self.point(message, depth)
        rising = {value.quantile: value for value in message.quantile_values}
        kept = [rising[quantile] for quantile in sorted(rising)]
        del message.quantile_values[:]
        message.quantile_values.extend(kept)

    def fill_ValueAtQuantile(self, message, depth):
        self.fields(message, depth, without=("quantile",))
        message.quantile = self.random.choice([0.0, -0.0, 0.5, 0.99, 1.0, self.random.random()])
