import CSQLite

/// One prepared statement, tied to its connection. Columns and parameters count as in SQLite: columns from 0, parameters from 1.
package final class Statement {
  package let handle: OpaquePointer
  private let connection: Connection

  package init(_ connection: Connection, _ sql: String, persistent: Bool) throws(SQLiteError) {
    self.connection = connection
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(
      connection.handle, sql, -1, persistent ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0, &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw connection.error(code == SQLITE_OK ? SQLITE_MISUSE : code) }
    handle = prepared
  }

  deinit { sqlite3_finalize(handle) }

  /// True while there is a row.
  @discardableResult package func step() throws(SQLiteError) -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    throw connection.error(code)
  }

  package func reset() { sqlite3_reset(handle) }

  /// Steps a write to its end and makes the statement ready for the next one.
  package func run() throws(SQLiteError) {
    let code = sqlite3_step(handle)
    let error = code == SQLITE_DONE || code == SQLITE_ROW ? nil : connection.error(code)
    sqlite3_reset(handle)
    if let error { throw error }
  }

  // MARK: parameters

  package func bind(_ values: [SQLValue]) throws(SQLiteError) {
    for (index, value) in values.enumerated() { bind(Int32(index + 1), value) }
  }

  package func bind(_ index: Int32, _ value: SQLValue) {
    switch value {
    case .null: sqlite3_bind_null(handle, index)
    case .integer(let number): sqlite3_bind_int64(handle, index, number)
    case .real(let number): sqlite3_bind_double(handle, index, number)
    case .text(var text):
      text.withUTF8 {
        _ = garner_bind_text_copy(handle, index, UnsafeRawPointer($0.baseAddress) ?? Self.noBytes, Int64($0.count))
      }
    case .blob(let bytes):
      bytes.withUnsafeBytes {
        _ = garner_bind_blob_copy(handle, index, $0.baseAddress ?? Self.noBytes, Int64($0.count))
      }
    }
  }

  /// Something that is not NULL, for texts and blobs of no length. Never written, never freed.
  nonisolated(unsafe) private static let noBytes: UnsafeRawPointer = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))

  @inline(__always) package func bind(_ index: Int32, _ number: Int64) { sqlite3_bind_int64(handle, index, number) }
  @inline(__always) package func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

  /// Text that outlives the step: not copied.
  @inline(__always) package func bindText(_ index: Int32, _ bytes: UnsafeRawBufferPointer) {
    _ = garner_bind_text(handle, index, bytes.baseAddress ?? Self.noBytes, Int64(bytes.count))
  }

  @inline(__always) package func bindBlob(_ index: Int32, _ bytes: UnsafeRawBufferPointer) {
    _ = garner_bind_blob(handle, index, bytes.baseAddress ?? Self.noBytes, Int64(bytes.count))
  }

  // MARK: columns

  package var columnCount: Int { Int(sqlite3_column_count(handle)) }
  package func name(_ column: Int) -> String { String(cString: sqlite3_column_name(handle, Int32(column))) }
  package func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }
  package func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }
  package func real(_ column: Int) -> Double { sqlite3_column_double(handle, Int32(column)) }

  package func text(_ column: Int) -> String {
    String(decoding: bytes(column), as: UTF8.self)
  }

  package func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }
  package func optionalInteger(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }

  /// Text or blob as it lies in SQLite's memory: valid until the next step or reset.
  package func bytes(_ column: Int) -> UnsafeRawBufferPointer {
    let pointer =
      sqlite3_column_type(handle, Int32(column)) == SQLITE_BLOB
      ? sqlite3_column_blob(handle, Int32(column))
      : UnsafeRawPointer(sqlite3_column_text(handle, Int32(column)))
    return UnsafeRawBufferPointer(start: pointer, count: Int(sqlite3_column_bytes(handle, Int32(column))))
  }

  package func value(_ column: Int) -> SQLValue {
    switch sqlite3_column_type(handle, Int32(column)) {
    case SQLITE_INTEGER: .integer(integer(column))
    case SQLITE_FLOAT: .real(real(column))
    case SQLITE_TEXT: .text(text(column))
    case SQLITE_BLOB: .blob([UInt8](bytes(column)))
    default: .null
    }
  }
}
