package import Telemetry

extension OTLPDecoder {
  /// `body` is the JSON form of an export request, decompressed (CONFORMANCE JSON-02). Gives the very rows that
  /// `decodeProtobuf` gives for the same request, and throws when the text is no such request (RSP-06).
  package static func decodeJSON(
    _ signal: Signal, _ body: UnsafeRawBufferPointer, options: DecodeOptions
  ) throws(DecodeError) -> Batch {
    var rewriter = OTLPJSONDecoder(bodyBytes: body.count, depthLimit: options.depthLimit)
    do throws(JSONFault) {
      try rewriter.request(signal, body)
    } catch {
      throw DecodeError(fault: error, body: body)
    }
    let message = rewriter.out.bytes(0, rewriter.out.count)
    var decoder = ProtoDecoder(signal, options: options, bodyBytes: message.count)
    if let start = message.baseAddress {
      let first = start.assumingMemoryBound(to: UInt8.self)
      do throws(ProtoFault) {
        try decoder.request(ProtoCursor(at: first, end: first + message.count))
      } catch {
        throw DecodeError(.malformed, "JSON: \(error.message)", at: 0)
      }
    }
    // Up to here `decoder` read what `rewriter` owns.
    if let warning = rewriter.snakeCaseWarning { decoder.builder.warnings.append(warning) }
    return decoder.finish()
  }
}

extension DecodeError {
  fileprivate init(fault: JSONFault, body: UnsafeRawBufferPointer) {
    let kind: Kind =
      switch fault.kind {
      case .truncated, .empty: .truncated
      case .tooDeep: .tooDeep
      case .outOfRange: .outOfRange
      case .badHex: .badID
      default: .malformed
      }
    let distance = fault.address &- UInt(bitPattern: body.baseAddress)
    self.init(kind, "JSON: \(fault.message)", at: distance <= UInt(body.count) ? Int(distance) : 0)
  }
}

/// Rewrites a request from JSON to protobuf, in one pass over the text and without a tree. What a record is, what is refused
/// alone and how a row looks is then said in one place, by `ProtoDecoder`; and because protobuf fields may come in any order,
/// so may the keys of JSON.
struct OTLPJSONDecoder: ~Copyable {
  /// The message, in protobuf.
  var out: Arena
  /// Keys with escapes.
  private var scratch = Arena(capacity: 256)
  private let schema = OTLPSchema.shared
  /// For every field the slot of the one that came behind it last time, since encoders keep to an order. A message's last
  /// entry stands for its beginning.
  private let followers: UnsafeMutablePointer<UInt8>
  let depthLimit: Int
  /// Values of unknown keys nest like known ones: up to four brackets to an array or map.
  let skipLimit: Int

  private var snakeCaseKeys = 0
  private var snakeCaseExample = ""
  /// Bytes that may yet be walked over to take back what stood under a repeated key: a text of nothing but repeated keys
  /// would else cost the square of its length.
  private var repeatRoom: Int

  init(bodyBytes: Int, depthLimit: Int) {
    out = Arena(capacity: bodyBytes + 64)
    self.depthLimit = depthLimit
    skipLimit = 4 * depthLimit + 16
    repeatRoom = 4 * bodyBytes + 4096
    let count = OTLPMessage.allCases.count * (OTLPSchema.slotsPerMessage + 1)
    followers = .allocate(capacity: count)
    followers.initialize(repeating: 0, count: count)
  }

  deinit { followers.deallocate() }

  /// By the letter such keys are unknown, but silence would hide a total loss (CONFORMANCE JSON-07).
  var snakeCaseWarning: String? {
    guard snakeCaseKeys > 0 else { return nil }
    return "the request looks like snake_case: \(snakeCaseKeys) keys such as \(snakeCaseExample) were ignored; "
      + "OTLP/JSON keys are lowerCamelCase"
  }

  mutating func request(_ signal: Signal, _ body: UnsafeRawBufferPointer) throws(JSONFault) {
    guard let start = body.baseAddress?.assumingMemoryBound(to: UInt8.self), body.count > 0 else {
      throw JSONFault(kind: .empty, address: UInt(bitPattern: body.baseAddress))
    }
    var cursor = JSONCursor(at: start, end: start + body.count)
    if body.count >= 3 && body[0] == 0xef && body[1] == 0xbb && body[2] == 0xbf { throw cursor.fault(.byteOrderMark) }
    switch signal {
    case .traces: try message(.tracesRequest, &cursor, depth: 0)
    case .metrics: try message(.metricsRequest, &cursor, depth: 0)
    case .logs: try message(.logsRequest, &cursor, depth: 0)
    }
    cursor.skipSpace()
    guard cursor.at == cursor.end else { throw cursor.fault(.trailing) }
  }

  // MARK: objects

  /// The fields of one object. `null` is absent (CONFORMANCE JSON-08); of equal keys the last wins (JSON-11).
  mutating func message(_ kind: OTLPMessage, _ cursor: inout JSONCursor, depth: Int) throws(JSONFault) {
    // A copy can stay in a register, which `cursor` cannot.
    var c = cursor
    try c.expect(UInt8(ascii: "{"), .notObject)
    if c.passes(UInt8(ascii: "}")) {
      cursor = c
      return
    }
    let start = out.count
    let table = schema.slots + Int(kind.rawValue) &* OTLPSchema.slotsPerMessage
    let followers = followers + Int(kind.rawValue) &* (OTLPSchema.slotsPerMessage &+ 1)
    var seen: UInt32 = 0
    var previous = OTLPSchema.slotsPerMessage
    repeat {
      try c.expect(UInt8(ascii: "\""), .notString)
      var field = table + Int(followers[previous])
      if c.left >= 32 && schema.begins(c.at, with: field) {
        c.at += field.pointee.length &+ 2
        previous = field - table
      } else {
        guard let found = try key(kind, &c) else {
          try c.skipValue(depthLimit: skipLimit)
          continue
        }
        field = found
        let slot = field - table
        followers[previous] = UInt8(truncatingIfNeeded: slot)
        previous = slot
      }
      if c.left > 0 && (c.at.pointee <= 0x20 || c.at.pointee == UInt8(ascii: "n")), try c.passesNull() { continue }
      if field.pointee.isStructured {
        if seen & field.pointee.bit != 0 { try erase(field.pointee.number, from: start, c) }
        seen |= field.pointee.bit
      }
      try value(field, &c, depth: depth)
    } while try c.hasMore(UInt8(ascii: "}"))
    cursor = c
  }

  /// Passes a key, behind its opening quote, and the colon; nil for an unknown one.
  @inline(never)
  private mutating func key(
    _ message: OTLPMessage, _ c: inout JSONCursor
  ) throws(JSONFault) -> UnsafePointer<OTLPField>? {
    guard c.left >= 32, let length = c.shortKeyLength() else { return try unusualKey(message, &c) }
    guard let field = schema.find(message, UnsafeRawPointer(c.at), length) else { return try unusualKey(message, &c) }
    c.at += length + 1
    try c.expect(UInt8(ascii: ":"))
    return field
  }

  /// A key with escapes, or near the end, or unknown.
  @inline(never)
  private mutating func unusualKey(
    _ message: OTLPMessage, _ c: inout JSONCursor
  ) throws(JSONFault) -> UnsafePointer<OTLPField>? {
    scratch.truncate(to: 0)
    try c.text(into: &scratch)
    try c.expect(UInt8(ascii: ":"))
    let length = scratch.count
    if let field = find(message, length) { return field }
    let name = String(decoding: scratch.bytes(0, length), as: UTF8.self)
    if length <= OTLPSchema.longestName + 4 && scratch.bytes(0, length).contains(UInt8(ascii: "_")) {
      scratch.dropUnderscores()
      if find(message, scratch.count) != nil {
        snakeCaseKeys += 1
        if snakeCaseExample.isEmpty { snakeCaseExample = name }
      }
    }
    return nil
  }

  private mutating func find(_ message: OTLPMessage, _ length: Int) -> UnsafePointer<OTLPField>? {
    guard length <= OTLPSchema.longestName else { return nil }
    // The search reads whole words.
    scratch.reserve(32)
    return schema.find(message, UnsafeRawPointer(scratch.base), length)
  }

  /// Takes back what an earlier, equal key gave to this message.
  @inline(never)
  private mutating func erase(_ number: UInt8, from start: Int, _ c: JSONCursor) throws(JSONFault) {
    repeatRoom -= out.count - start
    guard repeatRoom >= 0 else { throw c.fault(.tooManyRepeats) }
    let written = [UInt8](out.bytes(start, out.count - start))
    out.truncate(to: start)
    var kept: [Range<Int>] = []
    written.withUnsafeBufferPointer { bytes in
      guard let first = bytes.baseAddress else { return }
      var cursor = ProtoCursor(at: first, end: first + bytes.count)
      while !cursor.isAtEnd {
        let begin = cursor.at - first
        guard let tag = try? cursor.tag(), (try? cursor.skip(tag)) != nil else { return }
        if tag.field != UInt32(number) { kept.append(begin..<cursor.at - first) }
      }
    }
    for range in kept { written[range].withUnsafeBytes { out.append($0) } }
  }
}

extension JSONCursor {
  /// Length of a key of less than 24 plain characters; the cursor is behind the opening quote and 32 bytes are left.
  @inline(__always) fileprivate func shortKeyLength() -> Int? {
    var length = 0
    while length < 24 {
      let stops = JSONWord.stops(word(length))
      if stops != 0 {
        length &+= stops.trailingZeroBitCount >> 3
        return at[length] == UInt8(ascii: "\"") ? length : nil
      }
      length &+= 8
    }
    return nil
  }
}

extension Arena {
  /// `snake_case` to `lowerCamelCase`, in place.
  fileprivate mutating func dropUnderscores() {
    var kept = 0
    var raise = false
    for index in 0..<count {
      let byte = base[index]
      if byte == UInt8(ascii: "_") {
        raise = true
        continue
      }
      base[kept] = raise && byte >= 0x61 && byte <= 0x7a ? byte & 0xdf : byte
      raise = false
      kept += 1
    }
    truncate(to: kept)
  }
}
