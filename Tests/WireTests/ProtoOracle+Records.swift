import COTLP
import Telemetry

extension OracleLines {
  // MARK: spans

  mutating func add(_ span: Otlp__Span) {
    let trace = Texts.bytes(span.trace_id)
    let id = Texts.bytes(span.span_id)
    let parent = Texts.bytes(span.parent_span_id)
    guard Self.isID(trace, 16) else { return reject(trace.isEmpty || trace.count == 16 ? .zeroTraceID : .badTraceID) }
    guard Self.isID(id, 8) else { return reject(id.isEmpty || id.count == 8 ? .zeroSpanID : .badSpanID) }
    guard parent.isEmpty || parent.count == 8 else { return reject(.badSpanID) }
    let kind = Int32(bitPattern: span.kind.rawValue)
    let status = span.status?.pointee
    let code = status.map { Int32(bitPattern: $0.code.rawValue) } ?? 0
    var line = row(.span, Texts.text(span.name), fallback: "span")
    line.setTime(span.start_time_unix_nano)
    line.duration = Int64(bitPattern: span.end_time_unix_nano &- span.start_time_unix_nano)
    line.severity = code == 2 ? .error : .info
    line.trace = trace
    line.span = id
    line.parent = Self.isID(parent, 8) ? parent : []
    line.bits |= (0...14).contains(kind) ? Int64(kind) : 15
    line.bits |= ((0...2).contains(code) ? Int64(code) : 3) << 4
    line.bits |= Int64(span.flags) << 8 | Int64(span.n_events) << 40
    if Texts.text(span.name).isEmpty { line.bits |= 1 << 7 }
    line.data = Texts.attributes(span.n_attributes, span.attributes)
    let links = Texts.all(span.n_links, span.links).map { Self.text($0.pointee) }
    line.ext = Texts.object([
      ("kind", (0...14).contains(kind) ? nil : String(kind)),
      ("status", (0...2).contains(code) ? nil : String(code)),
      ("status_message", Self.member(status?.message)),
      ("trace_state", Self.member(span.trace_state)),
      ("links", links.isEmpty ? nil : "[" + links.joined(separator: ",") + "]"),
      ("dropped_attributes_count", Self.member(span.dropped_attributes_count)),
      ("dropped_events_count", Self.member(span.dropped_events_count)),
      ("dropped_links_count", Self.member(span.dropped_links_count)),
      ("time", Self.lateTime(span.start_time_unix_nano)),
    ])
    rows.append(line.text)
    recordIndex += 1
    for event in Texts.all(span.n_events, span.events) { add(event.pointee, of: line, span.start_time_unix_nano) }
  }

  private mutating func add(_ event: Otlp__SpanEvent, of span: OracleRow, _ start: UInt64) {
    var line = row(.spanEvent, Texts.text(event.name), fallback: "span")
    line.setTime(event.time_unix_nano)
    if Texts.text(event.name).isEmpty { line.bits |= 1 }
    line.auxiliary = Int64(bitPattern: event.time_unix_nano &- start)
    line.trace = span.trace
    line.span = span.span
    line.data = Texts.attributes(event.n_attributes, event.attributes, reserved: ["span_id", "attributes"])
    if hasKey(["span_id", "attributes"], event.n_attributes, event.attributes) { line.bits |= 1 << 7 }
    line.ext = Texts.object([
      ("dropped_attributes_count", Self.member(event.dropped_attributes_count)),
      ("time", Self.lateTime(event.time_unix_nano)),
    ])
    rows.append(line.text)
  }

  private static func text(_ link: Otlp__SpanLink) -> String {
    Texts.object([
      ("trace_id", member(link.trace_id)), ("span_id", member(link.span_id)), ("trace_state", member(link.trace_state)),
      ("flags", member(link.flags)),
      ("attributes", link.n_attributes == 0 ? nil : Texts.attributes(link.n_attributes, link.attributes)),
      ("dropped_attributes_count", member(link.dropped_attributes_count)),
    ]) ?? "{}"
  }

  private func hasKey(
    _ keys: Set<String>, _ count: Int, _ values: UnsafeMutablePointer<UnsafeMutablePointer<Otlp__KeyValue>?>?
  ) -> Bool {
    Texts.all(count, values).contains { keys.contains(Texts.text($0.pointee.key)) }
  }

  // MARK: logs

  mutating func add(_ log: Otlp__LogRecord) {
    let eventName = Texts.text(log.event_name)
    // An attribute names a record that is no event, if it is a text, a number or a boolean.
    let attribute = Texts.all(log.n_attributes, log.attributes).last { Texts.text($0.pointee.key) == "event.name" }
    var named = attribute.map { Texts.value($0.pointee.value) } ?? ""
    if named.hasPrefix("\"") {
      named = Texts.text(attribute?.pointee.value?.pointee.string_value)
    } else if named == "null" || named.hasPrefix("{") || named.hasPrefix("[") {
      named = ""
    }
    var line = row(.log, eventName.isEmpty ? named : eventName, fallback: "log")
    let time = log.time_unix_nano
    let observed = log.observed_time_unix_nano
    line.setTime(time != 0 ? time : observed)
    if time == 0 {
      line.bits |= 1 << 5
      if observed == 0 { line.time = ProtoOracleTests.now }
    } else if observed != 0 {
      line.auxiliary = Int64(bitPattern: observed &- time)
    }
    if observed == 0 { line.bits |= 1 << 41 }
    if !eventName.isEmpty { line.bits |= 1 << 40 }
    let number = log.severity_number
    line.severity = Self.severity(number, Texts.text(log.severity_text))
    line.bits |= (0...30).contains(number) ? Int64(number) : 31
    line.bits |= Int64(log.flags) << 8
    if hasKey(["body", "attributes"], log.n_attributes, log.attributes) { line.bits |= 1 << 7 }
    let trace = Texts.bytes(log.trace_id)
    let span = Texts.bytes(log.span_id)
    if Self.isID(trace, 16) { line.trace = trace }
    if Self.isID(span, 8) { line.span = span }
    line.data = Texts.attributes(
      log.n_attributes, log.attributes, own: log.body == nil ? [] : ["\"body\":" + Texts.value(log.body)],
      reserved: ["body", "attributes"])
    line.ext = Texts.object([
      ("severity_number", (0...30).contains(number) ? nil : String(number)),
      ("severity_text", Self.member(log.severity_text)),
      ("dropped_attributes_count", Self.member(log.dropped_attributes_count)),
      ("time", Self.lateTime(time != 0 ? time : observed)),
    ])
    rows.append(line.text)
    recordIndex += 1
  }

  private static func severity(_ number: Int32, _ text: String) -> Severity {
    switch number {
    case 1...4: return .trace
    case 5...8: return .debug
    case 9...12: return .info
    case 13...16: return .warn
    case 17...24: return .error
    default: break
    }
    var word = text.lowercased()
    if let last = word.last, "234".contains(last) { word.removeLast() }
    switch word {
    case "trace", "verbose": return .trace
    case "debug": return .debug
    case "warn", "warning": return .warn
    case "error", "err", "fatal", "critical", "crit", "alert", "emergency", "panic": return .error
    default: return .info
    }
  }
}
