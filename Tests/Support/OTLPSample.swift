package import Telemetry

/// A generated export request of one signal: every field of the protocol, odd values, values of every kind at any depth.
///
/// Keys are never repeated inside one map. Most records are valid; about one in twenty has to be refused alone.
package struct OTLPSample: Sendable {
  package let signal: Signal
  package let message: SampleMessage

  package init(_ signal: Signal, seed: UInt64) {
    self.signal = signal
    var source = OTLPSampleSource(seed: seed)
    message = source.request(signal)
  }

  package var protobuf: [UInt8] { message.protobuf }
  package var json: [UInt8] { message.json }
}

/// Makes the trees of `OTLPSample`, top down.
package struct OTLPSampleSource {
  package var random: SampleRandom

  package init(seed: UInt64) { random = SampleRandom(seed: seed) }

  private mutating func list(_ limit: Int, _ make: (inout Self) -> SampleMessage) -> SampleValue {
    .list((0..<random.upTo(limit)).map { _ in .message(make(&self)) })
  }

  // MARK: levels

  package mutating func request(_ signal: Signal) -> SampleMessage {
    var message = SampleMessage()
    let name =
      switch signal {
      case .traces: "resourceSpans"
      case .metrics: "resourceMetrics"
      case .logs: "resourceLogs"
      }
    message.set(1, name, list(3) { $0.resourceItems(signal) })
    return message
  }

  private mutating func resourceItems(_ signal: Signal) -> SampleMessage {
    var message = SampleMessage()
    if !random.one(in: 8) { message.set(1, "resource", .message(resource())) }
    let name =
      switch signal {
      case .traces: "scopeSpans"
      case .metrics: "scopeMetrics"
      case .logs: "scopeLogs"
      }
    message.set(2, name, list(3) { $0.scopeItems(signal) })
    if random.one(in: 2) { message.set(3, "schemaUrl", .text(text())) }
    // Some encoders write the resource behind what belongs to it.
    if random.one(in: 6) { message.fields.reverse() }
    return message
  }

  private mutating func resource() -> SampleMessage {
    var message = SampleMessage()
    message.set(1, "attributes", attributes())
    if random.one(in: 3) { message.set(2, "droppedAttributesCount", .uint32(count())) }
    if random.one(in: 3) { message.set(3, "entityRefs", list(2) { $0.entityRef() }) }
    return message
  }

  private mutating func entityRef() -> SampleMessage {
    var message = SampleMessage()
    if random.one(in: 2) { message.set(1, "schemaUrl", .text(text())) }
    message.set(2, "type", .text(random.pick(["service", "host", "player"])))
    message.set(3, "idKeys", .list((0..<random.upTo(2)).map { _ in .text(key()) }))
    message.set(4, "descriptionKeys", .list((0..<random.upTo(2)).map { _ in .text(key()) }))
    return message
  }

  private mutating func scopeItems(_ signal: Signal) -> SampleMessage {
    var message = SampleMessage()
    if !random.one(in: 6) { message.set(1, "scope", .message(scope())) }
    switch signal {
    case .traces: message.set(2, "spans", list(4) { $0.span() })
    case .metrics: message.set(2, "metrics", list(4) { $0.metric() })
    case .logs: message.set(2, "logRecords", list(4) { $0.logRecord() })
    }
    if random.one(in: 3) { message.set(3, "schemaUrl", .text(text())) }
    if random.one(in: 6) { message.fields.reverse() }
    return message
  }

  private mutating func scope() -> SampleMessage {
    var message = SampleMessage()
    if !random.one(in: 4) { message.set(1, "name", .text(text())) }
    if random.one(in: 2) { message.set(2, "version", .text("1.\(random.upTo(9))")) }
    if random.one(in: 2) { message.set(3, "attributes", attributes()) }
    if random.one(in: 4) { message.set(4, "droppedAttributesCount", .uint32(count())) }
    return message
  }

  // MARK: records

  private mutating func span() -> SampleMessage {
    var message = SampleMessage()
    message.set(1, "traceId", .id(recordID(16)))
    message.set(2, "spanId", .id(recordID(8)))
    if random.one(in: 3) { message.set(3, "traceState", .text("a=1,b=\(text())")) }
    if random.one(in: 2) { message.set(4, "parentSpanId", .id(random.one(in: 5) ? [] : random.bytes(8))) }
    if !random.one(in: 8) { message.set(5, "name", .text(text())) }
    if !random.one(in: 4) { message.set(6, "kind", .int32(random.pick([0, 1, 2, 3, 4, 5, 14, 15, 99, -1]))) }
    message.set(7, "startTimeUnixNano", .fixed64(time()))
    message.set(8, "endTimeUnixNano", .fixed64(time()))
    message.set(9, "attributes", attributes())
    if random.one(in: 4) { message.set(10, "droppedAttributesCount", .uint32(count())) }
    message.set(11, "events", list(3) { $0.spanEvent() })
    if random.one(in: 4) { message.set(12, "droppedEventsCount", .uint32(count())) }
    message.set(13, "links", list(2) { $0.link() })
    if random.one(in: 4) { message.set(14, "droppedLinksCount", .uint32(count())) }
    if random.one(in: 2) { message.set(15, "status", .message(status())) }
    if random.one(in: 2) { message.set(16, "flags", .fixed32(count())) }
    return message
  }

  private mutating func spanEvent() -> SampleMessage {
    var message = SampleMessage()
    message.set(1, "timeUnixNano", .fixed64(time()))
    message.set(2, "name", .text(text()))
    message.set(3, "attributes", attributes())
    if random.one(in: 3) { message.set(4, "droppedAttributesCount", .uint32(count())) }
    return message
  }

  private mutating func link() -> SampleMessage {
    var message = SampleMessage()
    message.set(1, "traceId", .id(random.bytes(16)))
    message.set(2, "spanId", .id(random.bytes(8)))
    if random.one(in: 2) { message.set(3, "traceState", .text(text())) }
    if random.one(in: 2) { message.set(4, "attributes", nonEmptyAttributes()) }
    if random.one(in: 3) { message.set(5, "droppedAttributesCount", .uint32(count())) }
    if random.one(in: 2) { message.set(6, "flags", .fixed32(count())) }
    return message
  }

  private mutating func status() -> SampleMessage {
    var message = SampleMessage()
    if random.one(in: 2) { message.set(2, "message", .text(text())) }
    if !random.one(in: 4) { message.set(3, "code", .int32(random.pick([0, 1, 2, 3, 7, -1]))) }
    return message
  }

  private mutating func logRecord() -> SampleMessage {
    var message = SampleMessage()
    if !random.one(in: 5) { message.set(1, "timeUnixNano", .fixed64(time())) }
    if !random.one(in: 4) {
      message.set(2, "severityNumber", .int32(random.pick([0, 1, 5, 9, 13, 17, 21, 24, 25, 30, 31, 99, -1])))
    }
    if random.one(in: 2) {
      message.set(3, "severityText", .text(random.pick(["Warning", "ERROR2", "info", "", text()])))
    }
    if !random.one(in: 4) { message.set(5, "body", .message(value(depth: 0))) }
    message.set(6, "attributes", attributes())
    if random.one(in: 4) { message.set(7, "droppedAttributesCount", .uint32(count())) }
    if random.one(in: 3) { message.set(8, "flags", .fixed32(count())) }
    if random.one(in: 2) { message.set(9, "traceId", .id(recordID(16))) }
    if random.one(in: 2) { message.set(10, "spanId", .id(recordID(8))) }
    if !random.one(in: 3) { message.set(11, "observedTimeUnixNano", .fixed64(time())) }
    if random.one(in: 3) { message.set(12, "eventName", .text(text())) }
    return message
  }

  // MARK: values

  /// Duplicate-free KeyValues.
  mutating func attributes() -> SampleValue { .list(keyValues(random.one(in: 12) ? 40 : 6, depth: 0)) }

  private mutating func nonEmptyAttributes() -> SampleValue {
    var list = keyValues(3, depth: 0)
    while list.isEmpty { list = keyValues(3, depth: 0) }
    return .list(list)
  }

  private mutating func keyValues(_ limit: Int, depth: Int) -> [SampleValue] {
    var seen: Set<String> = []
    var list: [SampleValue] = []
    for _ in 0..<random.upTo(limit) {
      let key = key()
      guard seen.insert(key).inserted else { continue }
      var message = SampleMessage()
      message.set(1, "key", .text(key))
      if !random.one(in: 12) { message.set(2, "value", .message(value(depth: depth))) }
      list.append(.message(message))
    }
    return list
  }

  /// An AnyValue of any kind, the empty one included; now and then a deep one.
  mutating func value(depth: Int) -> SampleMessage {
    var message = SampleMessage()
    if depth == 0 && random.one(in: 60) { return deep(random.pick([10, 40, 64])) }
    switch random.upTo(depth < 3 ? 9 : 7) {
    case 0: break
    case 1: message.set(2, "boolValue", .bool(random.one(in: 2)))
    case 2: message.set(3, "intValue", .int64(random.pick([0, 1, -1, 42, .max, .min, Int64(random.upTo(1 << 40))])))
    case 3: message.set(4, "doubleValue", .double(double()))
    case 4: message.set(7, "bytesValue", .bytes(random.bytes(random.upTo(7))))
    case 8:
      var array = SampleMessage()
      array.set(1, "values", list(4) { $0.value(depth: depth + 1) })
      message.set(5, "arrayValue", .message(array))
    case 9:
      var map = SampleMessage()
      map.set(1, "values", .list(keyValues(4, depth: depth + 1)))
      message.set(6, "kvlistValue", .message(map))
    default: message.set(1, "stringValue", .text(text()))
    }
    return message
  }

  /// Arrays and maps by turns around one text.
  private mutating func deep(_ levels: Int) -> SampleMessage {
    var inner = SampleMessage()
    inner.set(1, "stringValue", .text("leaf"))
    for level in 0..<levels {
      var outer = SampleMessage()
      var holder = SampleMessage()
      if level % 2 == 0 {
        holder.set(1, "values", .list([.message(inner)]))
        outer.set(5, "arrayValue", .message(holder))
      } else {
        var pair = SampleMessage()
        pair.set(1, "key", .text("n"))
        pair.set(2, "value", .message(inner))
        holder.set(1, "values", .list([.message(pair)]))
        outer.set(6, "kvlistValue", .message(holder))
      }
      inner = outer
    }
    return inner
  }

  // MARK: scalars

  /// Ordinary keys, keys that become columns, keys named like ours, keys that need an escape.
  private mutating func key() -> String {
    random.pick([
      "session.id", "component", "category", "event.category", "event.name", "game_id", "game.module", "tick",
      "duration_ms", "duration_us", "process_us", "mod_fingerprint", "correlation", "trace_id", "log.record.uid",
      "service.name", "service.instance.id", "body", "attributes", "value", "count", "sum", "min", "max", "metric",
      "span_id", "$bytes", "$double", "$", "", "ключ", "\"quoted\"", "a\\b", "line\nbreak", "🎮",
      "player.\(random.upTo(99))", "k\(random.upTo(999))", "k\(random.upTo(999))",
    ])
  }

  package mutating func text() -> String {
    random.pick([
      "", "a", "relay.game.start", "session.profile_switch", "GET /v1/players", "quote \" backslash \\ slash /",
      "tab\tline\nreturn\rnull\u{0}bell\u{7}", "Grüße, Привет, 你好, 🎮👩‍👩‍👧", "\u{FFFD}\u{FEFF}\u{10FFFF}",
      "12345", "1e3", "-7", "null", "true", "{\"a\":1}", "5b8efff798038103d269b633813fc60c",
      String(repeating: "long ", count: random.upTo(60)), "name.\(random.upTo(20))", "name.\(random.upTo(20))",
      "name \(random.upTo(1000))",
    ])
  }

  mutating func double() -> Double {
    random.pick([
      0, -0.0, 1, -1, 0.1, 16.67, 1e21, 1e-7, 1.5e300, -2.5e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
      .nan, .infinity,
      -.infinity, 9_007_199_254_740_992, 123_456.789, Double(random.upTo(1 << 30)) / 1000,
      Double(bitPattern: UInt64.random(in: 1...0x7fe0_0000_0000_0000, using: &random)),
    ])
  }

  mutating func time() -> UInt64 {
    if random.one(in: 20) { return random.pick([1, 1 << 63 - 1, 1 << 63, .max]) }
    return 1_700_000_000_000_000_000 + UInt64(random.upTo(1 << 40))
  }

  mutating func count() -> UInt32 { random.pick([0, 1, 7, 0x101, 0x301, .max]) }

  /// Now and then one that no record can have: zero, or none.
  private mutating func recordID(_ length: Int) -> [UInt8] {
    if random.one(in: 40) { return random.pick([[], [UInt8](repeating: 0, count: length), random.bytes(length - 1)]) }
    return random.bytes(length)
  }
}
