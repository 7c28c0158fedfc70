package import Telemetry

/// One row with all that hangs on it, as it lies in SQLite's memory: valid until the reader goes on.
///
/// The raw columns come first; behind them, if wanted, the twelve columns of `telemetry_events` behind its id.
package final class StoredRow {
  package typealias Bytes = UnsafeRawBufferPointer

  static let columns = """
    e.id, e.kind, e.time, e.severity, e.bits, e.trace, e.span, e.parent, e.duration, e.aux, e.tick, e.series, \
    e.value, e.data, e.ext, e.corr, e.uid, n.category, n.event, c.source, c.session, c.component, c.game_id, \
    c.game_module, c.mod_fingerprint, t.name, t.version, t.attributes, t.dropped, t.schema_url, r.attributes, \
    r.dropped, r.schema_url, r.entity_refs, s.attributes, m.name, m.type, m.unit, m.description, m.metadata, \
    m.temporality, m.monotonic
    """
  static let columnCount = 42

  let statement: Statement
  /// Uuid of the store whose id this is; empty when the file does not say.
  package let store: String
  package internal(set) var receivedAt: Int64 = 0
  package internal(set) var door = ""
  /// It came by an import.
  package var isImported: Bool { door == Self.importDoor }
  /// What the rows of an import have for a door.
  package static let importDoor = "import"

  init(_ statement: Statement, store: String) {
    self.statement = statement
    self.store = store
  }

  package var id: Int64 { statement.integer(0) }
  package var kind: RowKind? { UInt8(exactly: statement.integer(1)).flatMap { RowKind(rawValue: $0) } }
  package var time: Int64 { statement.integer(2) }
  package var severity: Severity { UInt8(exactly: statement.integer(3)).flatMap { Severity(rawValue: $0) } ?? .info }
  package var bits: Int64 { statement.integer(4) }
  /// Empty: none.
  package var trace: Bytes { statement.bytes(5) }
  package var span: Bytes { statement.bytes(6) }
  package var parent: Bytes { statement.bytes(7) }
  package var duration: Int64? { statement.optionalInteger(8) }
  package var auxiliary: Int64? { statement.optionalInteger(9) }
  package var tick: Int64? { statement.optionalInteger(10) }
  package var hasSeries: Bool { !statement.isNull(11) }
  package var value: SQLValue { statement.value(12) }
  package var data: Bytes { statement.bytes(13) }
  package var ext: Bytes { statement.bytes(14) }
  package var correlation: Bytes { statement.bytes(15) }
  package var uid: Bytes { statement.bytes(16) }
  package var category: Bytes { statement.bytes(17) }
  package var event: Bytes { statement.bytes(18) }
  package var source: Bytes { statement.bytes(19) }
  package var session: Bytes { statement.bytes(20) }
  package var component: Bytes { statement.bytes(21) }
  package var gameID: Bytes { statement.bytes(22) }
  package var gameModule: Bytes { statement.bytes(23) }
  package var modFingerprint: Bytes { statement.bytes(24) }
  package var scopeName: Bytes { statement.bytes(25) }
  package var scopeVersion: Bytes { statement.bytes(26) }
  package var scopeAttributes: Bytes { statement.bytes(27) }
  package var scopeDropped: Int64 { statement.integer(28) }
  package var scopeSchemaURL: Bytes { statement.bytes(29) }
  package var resourceAttributes: Bytes { statement.bytes(30) }
  package var resourceDropped: Int64 { statement.integer(31) }
  package var resourceSchemaURL: Bytes { statement.bytes(32) }
  package var entityRefs: Bytes { statement.bytes(33) }
  package var seriesAttributes: Bytes { statement.bytes(34) }
  package var metricName: Bytes { statement.bytes(35) }
  package var metricType: MetricType? { UInt8(exactly: statement.integer(36)).flatMap { MetricType(rawValue: $0) } }
  package var metricUnit: Bytes { statement.bytes(37) }
  package var metricDescription: Bytes { statement.bytes(38) }
  package var metricMetadata: Bytes { statement.bytes(39) }
  package var metricTemporality: Int64 { statement.integer(40) }
  package var metricMonotonic: Bool { statement.integer(41) != 0 }

  package var origin: Origin {
    func text(_ bytes: Bytes) -> String { String(decoding: bytes, as: UTF8.self) }
    return Origin(
      source: text(source), session: text(session), component: text(component),
      gameModule: gameModule.count > 0 ? text(gameModule) : nil,
      modFingerprint: modFingerprint.count > 0 ? text(modFingerprint) : nil)
  }

  func comes(from origin: Origin) -> Bool {
    session.elementsEqual(origin.session.utf8) && source.elementsEqual(origin.source.utf8)
      && component.elementsEqual(origin.component.utf8) && gameModule.elementsEqual((origin.gameModule ?? "").utf8)
      && modFingerprint.elementsEqual((origin.modFingerprint ?? "").utf8)
  }

  /// Names of the thirteen columns.
  package static let eventColumns = Views.columns("telemetry_events").map(\.name)

  /// Column `index` (0: id … 12: correlation) of the row in `telemetry_events`; only when the reader was asked for
  /// them.
  package func eventIsNull(_ index: Int) -> Bool { statement.isNull(eventColumn(index)) }
  package func eventIsInteger(_ index: Int) -> Bool { statement.isInteger(eventColumn(index)) }
  package func eventInteger(_ index: Int) -> Int64 { statement.integer(eventColumn(index)) }
  package func eventText(_ index: Int) -> Bytes { statement.bytes(eventColumn(index)) }

  private func eventColumn(_ index: Int) -> Int { index == 0 ? 0 : Self.columnCount + index - 1 }
}
