package import Telemetry

/// One message of a file of length-prefixed messages, as the Collector's file exporter writes them (CONFORMANCE FILE-04).
package enum OTLPFrame {
  /// The signal of a protobuf request, by the shape of its first record; nil: nothing in it tells.
  package static func signal(protobuf message: UnsafeRawBufferPointer) -> Signal? {
    guard let start = message.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
    do throws(ProtoFault) {
      return try record(ProtoCursor(at: start, end: start + message.count), depth: 0)
    } catch {
      return nil
    }
  }

  /// Down from the request over resource and scope to the first record: fields 1, 2 and 2.
  private static func record(_ cursor: ProtoCursor, depth: Int) throws(ProtoFault) -> Signal? {
    if depth == 3 { return try shape(cursor) }
    var c = cursor
    while !c.isAtEnd {
      let tag = try c.tag()
      guard tag.wire == 2, tag.field == (depth == 0 ? 1 : 2) else {
        try c.skip(tag)
        continue
      }
      if let found = try record(try c.range(tag), depth: depth + 1) { return found }
    }
    return nil
  }

  private static func shape(_ cursor: ProtoCursor) throws(ProtoFault) -> Signal? {
    var c = cursor
    while !c.isAtEnd {
      let tag = try c.tag()
      switch (tag.field, tag.wire) {
      // A log's time and observed time are fixed; its severity is a number, its flags are fixed32.
      case (1, 1), (11, 1), (2, 0), (8, 5): return .logs
      // A span begins with its ids; sixteen bytes are a name too, but then no eight follow.
      case (1, 2) where try c.range(tag).count == 16:
        var next = c
        if !next.isAtEnd, let second = try? next.tag(), second.field == 2, second.wire == 2,
          (try? next.range(second).count) == 8
        {
          return .traces
        }
        return .metrics
      case (1, 2): return .metrics
      // A span's kind and times.
      case (6, 0), (7, 1), (8, 1): return .traces
      default: try c.skip(tag)
      }
    }
    return nil
  }
}
