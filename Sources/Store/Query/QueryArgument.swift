import CSQLite

/// A value that SQLite hands to a virtual table, kept beyond the call: it has to be bound in many files.
enum QueryArgument: Hashable {
  case null
  case integer(Int64)
  case real(Double)
  /// The bytes as they came, valid UTF-8 or not.
  case text([UInt8])
  case blob([UInt8])

  init(_ value: OpaquePointer?) {
    switch sqlite3_value_type(value) {
    case SQLITE_INTEGER: self = .integer(sqlite3_value_int64(value))
    case SQLITE_FLOAT: self = .real(sqlite3_value_double(value))
    case SQLITE_TEXT:
      let start = sqlite3_value_text(value)
      self = .text([UInt8](UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))))
    case SQLITE_BLOB:
      let start = sqlite3_value_blob(value)
      self = .blob([UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))))
    default: self = .null
    }
  }

  var text: [UInt8]? {
    if case .text(let bytes) = self { return bytes }
    return nil
  }

  var isNumber: Bool {
    switch self {
    case .integer, .real: true
    default: false
    }
  }
}

extension QueryArgument {
  init(_ value: SQLValue) {
    switch value {
    case .null: self = .null
    case .integer(let number): self = .integer(number)
    case .real(let number): self = .real(number)
    case .text(let text): self = .text(Array(text.utf8))
    case .blob(let bytes): self = .blob(bytes)
    }
  }

  func bind(to statement: OpaquePointer, _ index: Int32) {
    switch self {
    case .null: sqlite3_bind_null(statement, index)
    case .integer(let number): sqlite3_bind_int64(statement, index, number)
    case .real(let number): sqlite3_bind_double(statement, index, number)
    case .text(let bytes):
      bytes.withUnsafeBytes {
        _ = garner_bind_text_copy(statement, index, $0.baseAddress ?? Self.nothing, Int64($0.count))
      }
    case .blob(let bytes):
      bytes.withUnsafeBytes {
        _ = garner_bind_blob_copy(statement, index, $0.baseAddress ?? Self.nothing, Int64($0.count))
      }
    }
  }

  /// Something that is not NULL, for a text of no length. Never written, never freed.
  nonisolated(unsafe) private static let nothing = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))
}
