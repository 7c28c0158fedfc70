import CSQLite
import Glibc
import Telemetry

/// An exported `.db` being written: under a temporary name beside its own until `finish`, so that there is all of it
/// or nothing.
package final class DatabaseExport {
  /// What `manifest` says; see `SourceSchema`.
  package struct Manifest: Sendable {
    package var storeID: String
    /// Nanoseconds since 1970.
    package var created: Int64
    package var from: Int64?
    package var to: Int64?
    /// JSON object of the other filters.
    package var filters: String

    package init(storeID: String, created: Int64, from: Int64? = nil, to: Int64? = nil, filters: String = "{}") {
      self.storeID = storeID
      self.created = created
      self.from = from
      self.to = to
      self.filters = filters
    }
  }

  private let path: String
  private let temporary: String
  private let connection: Connection
  private var insertEvent: Statement?
  private var insertRecord: Statement?
  private var insertOrigin: Statement?
  private var origin: Origin?
  private var digest = ColumnDigest()
  package private(set) var rows: Int64 = 0
  private var isFinished = false

  /// Throws where `path` is there and no plain file: a database is no stream.
  package init(_ path: String) throws {
    guard case .file(let path) = try OutputPlace(path) else { throw FileError("create a database as", path, EINVAL) }
    self.path = path
    let (folder, name) = Self.split(path)
    temporary = "\(folder)/.\(name).\(FileSystem.processID()).tmp"
    Unfinished.add(temporary)
    do throws(FileError) { try FileSystem.removeDatabase(temporary) } catch {
      throw FileError("create", path, error.number)
    }
    do throws(SQLiteError) { connection = try Connection(temporary, .create) } catch {
      // The temporary name is nobody's business.
      throw SQLiteError(code: error.code, message: "\(path): \(folder): no file can be made there")
    }
    FileSystem.setMode(temporary, 0o600)
    try connection.execute(
      "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; BEGIN")
    try connection.execute(SourceSchema.table + SourceSchema.transfer)
    insertEvent = try connection.prepare(
      "INSERT INTO telemetry_events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", persistent: true)
    insertRecord = try connection.prepare("INSERT INTO otlp VALUES (?,?)", persistent: true)
    insertOrigin = try connection.prepare("INSERT INTO origin VALUES (?,?,?,?,?,?)", persistent: true)
  }

  deinit { if !isFinished { cancel() } }

  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  /// A row of `telemetry_events`, in order of ids; the reader must give these columns.
  package func append(_ row: StoredRow) throws(SQLiteError) {
    guard let insertEvent else { return }
    for index in 0..<SourceSchema.columns.count {
      let parameter = Int32(index + 1)
      let column = index == 0 ? 0 : StoredRow.columnCount + index - 1
      digest.add(row.statement, column)
      if row.eventIsNull(index) {
        insertEvent.bindNull(parameter)
      } else if row.eventIsInteger(index) {
        insertEvent.bind(parameter, row.eventInteger(index))
      } else {
        insertEvent.bindText(parameter, row.eventText(index))
      }
    }
    digest.endRow()
    try insertEvent.run()
    rows += 1
    try note(row)
  }

  /// A line of `origin` where it changes.
  private func note(_ row: StoredRow) throws(SQLiteError) {
    if let origin, row.comes(from: origin) { return }
    origin = row.origin
    guard let insertOrigin else { return }
    insertOrigin.bind(1, row.id)
    insertOrigin.bindText(2, row.source)
    insertOrigin.bindText(3, row.session)
    insertOrigin.bindText(4, row.component)
    for (parameter, text) in [(Int32(5), row.gameModule), (6, row.modFingerprint)] {
      if text.count > 0 { insertOrigin.bindText(parameter, text) } else { insertOrigin.bindNull(parameter) }
    }
    try insertOrigin.run()
  }

  /// The record with this id as one OTLP/JSON request.
  package func append(record json: UnsafeRawBufferPointer, id: Int64) throws(SQLiteError) {
    guard let insertRecord else { return }
    insertRecord.bind(1, id)
    insertRecord.bindText(2, json)
    try insertRecord.run()
  }

  /// Indexes, manifest, fsync, rename, fsync of the folder.
  package func finish(_ manifest: Manifest) throws {
    let values: [(String, SQLValue)] = [
      ("store_uuid", .text(manifest.storeID)), ("created", .text(Timestamp.text(manifest.created))),
      ("from", .optional(manifest.from.map { Timestamp.text($0) })),
      ("to", .optional(manifest.to.map { Timestamp.text($0) })), ("filters", .text(manifest.filters)),
      ("rows", .integer(rows)), ("schema_version", .integer(SourceSchema.version)), ("sha256", .text(digest.hex())),
    ]
    for (key, value) in values { try connection.run("INSERT INTO manifest VALUES (?,?)", .text(key), value) }
    insertEvent = nil
    insertRecord = nil
    insertOrigin = nil
    try connection.execute(SourceSchema.indexes + "COMMIT")
    connection.close()
    try FileSystem.syncFile(temporary)
    try FileSystem.move(temporary, path)
    isFinished = true
    Unfinished.remove(temporary)
    try FileSystem.syncFolder(Self.split(path).folder)
  }

  /// Nothing is left of it.
  package func cancel() {
    isFinished = true
    insertEvent = nil
    insertRecord = nil
    insertOrigin = nil
    connection.close()
    try? FileSystem.removeDatabase(temporary)
    Unfinished.remove(temporary)
  }
}
