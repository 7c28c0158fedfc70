package import Telemetry

/// Stored rows of one signal to OTLP/JSON (CONFORMANCE JSON-13), one line of a `.jsonl` file at a time: records that
/// follow each other and have equal resource, scope and metric share these; span events go back into their span.
///
/// ```
/// {"resourceSpans":[…],"garner":{"at":1700000000000000000,"store":"<uuid>","ids":[[17,3],[22,1]],
///   "origins":[[4,"relay","s-1","relay",null,null]]}}
/// ```
/// The last member is ours, other readers ignore it: `ids` are runs of [first id, count] in the order of the records,
/// so that an import knows them again; `origins` are runs of [count, source, session, component, module, fingerprint] of
/// what their rows said; `at` is the arrival of log records that have no time of their own.
package struct OTLPJSONEncoder: ~Copyable {
  /// Bounds of a line, so that a reader needs little memory.
  package static let recordLimit = 1_000
  static let byteLimit = 1 << 20

  package let signal: Signal
  var out = Arena(capacity: 1 << 16)
  var levels = OTLPLevels()
  /// Which attributes leave: all of them, unless it is for a destination.
  var rules = OTLPAttributeRules()
  /// The members of the garner object.
  private var runs: [(first: Int64, count: Int)] = []
  private var origins = OTLPOriginRuns()
  private var arrival: Int64?
  package private(set) var recordCount = 0

  package init(_ signal: Signal) { self.signal = signal }

  /// Whether the record may come on the present line; if not, `finish` it first. Span events always may.
  package func fits(_ record: OTLPRecord) -> Bool {
    if recordCount == 0 || record.kind == .spanEvent { return true }
    if recordCount >= Self.recordLimit || out.count >= Self.byteLimit { return false }
    guard let arrival, let other = record.arrivalTime else { return true }
    return arrival == other
  }

  /// Adds a row. A span event belongs to the span before it, and is passed over when that is missing.
  package mutating func append(_ record: OTLPRecord) throws(OTLPEncodingError) {
    let before = (count: out.count, levels: levels)
    do throws(JSONFault) {
      if record.kind == .spanEvent {
        guard levels.isInSpan else { return }
        try spanEvent(record)
        return
      }
      closeSpan()
      try open(record)
      switch record.kind {
      case .span: try span(record)
      case .log: try log(record)
      case .number: try numberPoint(record)
      case .distribution: try distribution(record)
      case .spanEvent: break
      }
    } catch {
      out.truncate(to: before.count)
      levels = before.levels
      throw OTLPEncodingError(id: record.id, reason: error.message)
    }
    recordCount += 1
    origins.append(record.origin)
    if let time = record.arrivalTime, arrival == nil { arrival = time }
    if let last = runs.last, last.first + Int64(last.count) == record.id {
      runs[runs.count - 1].count += 1
    } else {
      runs.append((record.id, 1))
    }
  }

  /// The line without its newline, nil when it has no record; the encoder begins anew. `store`: whose ids these are;
  /// nil: none.
  package mutating func finish(store: String?) -> [UInt8]? {
    defer {
      out.truncate(to: 0)
      levels = OTLPLevels()
      runs = []
      origins = OTLPOriginRuns()
      arrival = nil
      recordCount = 0
    }
    guard recordCount > 0 else { return nil }
    closeSpan()
    close(to: .request)
    out.append(UInt8(ascii: "]"))
    if store != nil || arrival != nil { identity(store) }
    out.append(UInt8(ascii: "}"))
    return [UInt8](out.bytes(0, out.count))
  }

  private mutating func identity(_ store: String?) {
    key("\"garner\":{")
    if let arrival {
      key("\"at\":")
      out.appendInteger(arrival)
    }
    guard var store else { return out.append("}") }
    key("\"store\":")
    store.withUTF8 { _ = out.appendJSONString(UnsafeRawBufferPointer($0)) }
    key("\"ids\":[")
    for run in runs {
      comma()
      out.append(UInt8(ascii: "["))
      out.appendInteger(run.first)
      out.append(UInt8(ascii: ","))
      out.appendInteger(Int64(run.count))
      out.append(UInt8(ascii: "]"))
    }
    out.append("]")
    origins.write(&out)
    out.append("}")
  }

  // MARK: text

  /// Begins a member; `name` with quotes and colon.
  @inline(__always) mutating func key(_ name: StaticString) {
    comma()
    out.append(name)
  }

  /// A comma, unless an object or array was just opened; a text cannot end like that, it ends with a quote.
  @inline(__always) mutating func comma() {
    let last = out.count > 0 ? out.base[out.count - 1] : UInt8(ascii: "{")
    if last != UInt8(ascii: "{") && last != UInt8(ascii: "[") { out.append(UInt8(ascii: ",")) }
  }

  mutating func quoted(_ number: UInt64) {
    out.append(UInt8(ascii: "\""))
    out.appendInteger(number)
    out.append(UInt8(ascii: "\""))
  }

  mutating func quoted(digits: UnsafeRawBufferPointer) {
    out.append(UInt8(ascii: "\""))
    out.append(digits)
    out.append(UInt8(ascii: "\""))
  }

  /// A 64-bit time; 0 is left out.
  mutating func time(_ name: StaticString, _ nanoseconds: UInt64) {
    guard nanoseconds != 0 else { return }
    key(name)
    quoted(nanoseconds)
  }

  mutating func count(_ name: StaticString, _ number: UInt32) {
    guard number != 0 else { return }
    key(name)
    out.appendInteger(UInt64(number))
  }

  /// Raw text as JSON string; empty is left out.
  mutating func text(_ name: StaticString, _ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    key(name)
    out.appendJSONString(bytes)
  }

  mutating func id(_ name: StaticString, _ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    key(name)
    out.append(UInt8(ascii: "\""))
    out.appendHex(bytes)
    out.append(UInt8(ascii: "\""))
  }
}

extension OTLPRecord {
  /// Row time of a log record with neither time nor observed time.
  fileprivate var arrivalTime: Int64? {
    kind == .log && bits & Bits.logTimeWasZero != 0 && bits & Bits.logObservedWasZero != 0 ? time : nil
  }
}
