package import Telemetry

/// One stored row as `OTLPJSONEncoder` needs it. Texts and ids are where they lie, valid for one call; empty: there
/// is none. JSON texts are those of `docs/schema.md`.
package struct OTLPRecord {
  package typealias Bytes = UnsafeRawBufferPointer

  package struct Resource {
    package var attributes = Bytes(start: nil, count: 0)
    package var dropped: UInt32 = 0
    package var schemaURL = Bytes(start: nil, count: 0)
    package var entityRefs = Bytes(start: nil, count: 0)
    package init() {}
  }

  package struct Scope {
    package var name = Bytes(start: nil, count: 0)
    package var version = Bytes(start: nil, count: 0)
    package var attributes = Bytes(start: nil, count: 0)
    package var dropped: UInt32 = 0
    package var schemaURL = Bytes(start: nil, count: 0)
    package init() {}
  }

  package struct Metric {
    package var name = Bytes(start: nil, count: 0)
    package var unit = Bytes(start: nil, count: 0)
    package var description = Bytes(start: nil, count: 0)
    package var metadata = Bytes(start: nil, count: 0)
    package var type = MetricType.gauge
    package var temporality: Int32 = 0
    package var monotonic = false
    package init() {}
  }

  /// What its row says of whose it is; see `Origin`.
  package struct Source {
    package var source = Bytes(start: nil, count: 0)
    package var session = Bytes(start: nil, count: 0)
    package var component = Bytes(start: nil, count: 0)
    package var gameModule = Bytes(start: nil, count: 0)
    package var modFingerprint = Bytes(start: nil, count: 0)
    package init() {}
  }

  package enum Number {
    case none
    case integer(Int64)
    case double(Double)
  }

  package var id: Int64
  package var kind: RowKind
  package var time: Int64 = 0
  /// Arrival, nanoseconds since 1970.
  package var receivedAt: Int64 = 0
  /// It came by an import, not by a door.
  package var isImported = false
  package var duration: Int64?
  package var auxiliary: Int64?
  package var tick: Int64?
  package var bits: Int64 = 0
  package var severity = Severity.info
  package var trace = Bytes(start: nil, count: 0)
  package var span = Bytes(start: nil, count: 0)
  package var parent = Bytes(start: nil, count: 0)
  package var category = Bytes(start: nil, count: 0)
  package var event = Bytes(start: nil, count: 0)
  package var correlation = Bytes(start: nil, count: 0)
  package var uid = Bytes(start: nil, count: 0)
  package var number = Number.none
  package var data = Bytes(start: nil, count: 0)
  package var ext = Bytes(start: nil, count: 0)
  package var seriesAttributes = Bytes(start: nil, count: 0)
  package var resource = Resource()
  package var scope = Scope()
  package var metric = Metric()
  /// Nil: the line does not say it.
  package var origin: Source?

  package init(id: Int64, kind: RowKind) {
    self.id = id
    self.kind = kind
  }
}

/// A stored row whose JSON cannot be read: it is left out, the others go on.
package struct OTLPEncodingError: Error, Sendable, CustomStringConvertible {
  package var id: Int64
  package var reason: String
  package var description: String { "row \(id): \(reason)" }
}
