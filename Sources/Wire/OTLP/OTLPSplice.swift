package import Telemetry

/// Many OTLP/JSON requests of one record each into one request: what is before and behind the record is mostly the same
/// text as in the request before, and is then written and parsed once.
///
/// ```
/// {"resourceLogs":[{"resource":{…},"scopeLogs":[{"scope":{…},"logRecords":[  RECORD  ]}]}]}
/// └──────────────────────── head ───────────────────────────────────────────┘        └ tail ┘
/// ```
/// Nothing is checked here but where the head ends; whoever decodes the request counts its records.
package struct OTLPSplice {
  package let signal: Signal
  package private(set) var request: [UInt8] = []
  package private(set) var count = 0
  private var head: [UInt8] = []
  private var tail: [UInt8] = []

  package init(_ signal: Signal) { self.signal = signal }

  /// Signal of a request, by its first key as our encoder writes it.
  package static func signal(_ json: UnsafeRawBufferPointer) -> Signal? {
    Signal.allCases.first { begins(json, first($0)) }
  }

  /// False: the text is not put together like that, and nothing was added.
  package mutating func append(_ json: UnsafeRawBufferPointer) -> Bool {
    if count > 0, json.count >= head.count + tail.count, Self.begins(json, head), Self.ends(json, tail) {
      request.append(UInt8(ascii: ","))
    } else {
      let tail = Self.tail(signal)
      guard let end = headEnd(json), Self.ends(json, tail), end + tail.count <= json.count else { return false }
      let first = Self.first(signal).utf8CodeUnitCount
      if count > 0 {
        request.append(contentsOf: self.tail.dropLast(2))
        request.append(UInt8(ascii: ","))
      }
      request.append(contentsOf: json[(count > 0 ? first : 0)..<end])
      head = Array(json[..<end])
      self.tail = tail
    }
    request.append(contentsOf: json[head.count..<(json.count - tail.count)])
    count += 1
    return true
  }

  /// The request, nil for none; the next one begins.
  package mutating func finish() -> [UInt8]? {
    defer {
      request = []
      count = 0
    }
    guard count > 0 else { return nil }
    request.append(contentsOf: tail)
    return request
  }

  // MARK: forms

  private static func first(_ signal: Signal) -> StaticString {
    switch signal {
    case .traces: "{\"resourceSpans\":["
    case .logs: "{\"resourceLogs\":["
    case .metrics: "{\"resourceMetrics\":["
    }
  }

  private static let recordTail = Array("]}]}]}".utf8)
  private static let pointTail = Array("]}}]}]}]}".utf8)

  /// The last two bytes close the request.
  private static func tail(_ signal: Signal) -> [UInt8] { signal == .metrics ? pointTail : recordTail }

  private static func begins(_ json: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    json.starts(with: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private static func begins(_ json: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
    text.withUnsafeBytes { text in
      guard json.count >= text.count else { return false }
      var at = 0
      while at &+ 8 <= text.count {
        let word = json.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        if word != text.loadUnaligned(fromByteOffset: at, as: UInt64.self) { return false }
        at &+= 8
      }
      while at < text.count {
        if json[at] != text[at] { return false }
        at &+= 1
      }
      return true
    }
  }

  private static func ends(_ json: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
    json.count >= text.count && json[(json.count - text.count)...].elementsEqual(text)
  }

  /// Keys on the way down to the records, each an array; a metric's points are one object deeper.
  private func isLevel(_ key: UnsafeRawBufferPointer, _ depth: Int) -> Bool {
    switch (depth, signal) {
    case (0, .traces): key.spells("scopeSpans")
    case (0, .logs): key.spells("scopeLogs")
    case (0, .metrics): key.spells("scopeMetrics")
    case (1, .traces): key.spells("spans")
    case (1, .logs): key.spells("logRecords")
    case (1, .metrics): key.spells("metrics")
    case (2, _):
      key.spells("gauge") || key.spells("sum") || key.spells("histogram") || key.spells("exponentialHistogram")
        || key.spells("summary")
    default: key.spells("dataPoints")
    }
  }

  /// Offset behind the bracket that opens the records; nil: there is none.
  private func headEnd(_ json: UnsafeRawBufferPointer) -> Int? {
    let first = Self.first(signal)
    guard Self.begins(json, first), let start = json.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      return nil
    }
    var cursor = JSONCursor(at: start + first.utf8CodeUnitCount, end: start + json.count)
    let depths = signal == .metrics ? 4 : 2
    for depth in 0..<depths {
      guard (try? descend(&cursor, depth)) ?? false else { return nil }
    }
    return cursor.at - start
  }

  /// Into the member of the object at the cursor that leads to the records.
  private func descend(_ cursor: inout JSONCursor, _ depth: Int) throws(JSONFault) -> Bool {
    var object = StoredObject(cursor)
    while let key = try object.next() {
      guard isLevel(key, depth) else {
        _ = try object.cursor.storedValue()
        continue
      }
      cursor = object.cursor
      if depth != 2 { try cursor.expect(UInt8(ascii: "["), .notArray) }
      return true
    }
    return false
  }
}
