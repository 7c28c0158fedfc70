package import Telemetry

/// The records of an export of ours, one after the other: their OTLP/JSON where SQLite has it, and whose they are.
package final class RecordCursor {
  private let path: String
  private let records: Statement
  private let origins: Statement?
  private var originLeft = false
  private var isEnded = false
  private let firstID: Int64
  private let lastID: Int64
  /// As long as it stays the same, the same number.
  package private(set) var origin: Origin?
  package private(set) var originNumber = 0

  init(_ path: String, _ connection: Connection, withOrigins: Bool) throws(SQLiteError) {
    self.path = path
    firstID = try connection.integer("SELECT min(rowid) FROM main.otlp") ?? 0
    lastID = try connection.integer("SELECT max(rowid) FROM main.otlp") ?? 0
    records = try connection.prepare("SELECT rowid, json FROM main.otlp ORDER BY rowid")
    origins =
      withOrigins
      ? try connection.prepare(
        "SELECT rowid, source, session, component, game_module, mod_fingerprint FROM main.origin ORDER BY rowid") : nil
    originLeft = try origins?.step() ?? false
  }

  package var id: Int64 { records.integer(0) }
  /// Valid until `next`.
  package var json: UnsafeRawBufferPointer { records.bytes(1) }
  /// How far the present record is between the first and the last, 0 to 1.
  package var fraction: Double { Double(id &- firstID) / Double(max(1, lastID &- firstID)) }

  /// False at the end.
  package func next() throws(ImportError) -> Bool {
    do throws(SQLiteError) {
      // A statement that is stepped behind its end begins again.
      guard !isEnded, try records.step() else {
        isEnded = true
        return false
      }
      while originLeft, let origins, origins.integer(0) <= id {
        origin = Origin(
          source: origins.text(1), session: origins.text(2), component: origins.text(3),
          gameModule: origins.optionalText(4), modFingerprint: origins.optionalText(5))
        originNumber += 1
        originLeft = try origins.step()
      }
      return true
    } catch { throw ImportError(path, error) }
  }
}
