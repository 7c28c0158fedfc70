import CSQLite
import Crypto

/// The exact text of columns behind a digest, so that anybody can compute it again:
/// NULL is `N`, an integer `I` and its decimal digits, a real `R` and the 16 lower-case hexadecimal digits of its
/// bits, a text
/// `T`, its length in bytes, `:` and its bytes, a blob the same with `B`. A newline ends the row. SHA-256 over all
/// rows.
struct ColumnDigest {
  private var hash = SHA256()
  private var row: [UInt8] = []

  mutating func add(_ statement: Statement, _ column: Int) {
    switch sqlite3_column_type(statement.handle, Int32(column)) {
    case SQLITE_INTEGER: add("I\(statement.integer(column))")
    case SQLITE_FLOAT:
      let digits = String(statement.real(column).bitPattern, radix: 16)
      add("R" + String(repeating: "0", count: 16 - digits.utf8.count) + digits)
    case SQLITE_TEXT: add("T", statement.bytes(column))
    case SQLITE_BLOB: add("B", statement.bytes(column))
    default: add("N")
    }
  }

  private mutating func add(_ text: String) { row.append(contentsOf: text.utf8) }

  private mutating func add(_ letter: String, _ bytes: UnsafeRawBufferPointer) {
    add("\(letter)\(bytes.count):")
    row.append(contentsOf: bytes)
  }

  mutating func endRow() {
    row.append(0x0a)
    hash.update(data: row)
    row.removeAll(keepingCapacity: true)
  }

  /// Lower-case hexadecimal digits; the first `count` bytes.
  func hex(_ count: Int = 32) -> String {
    hash.finalize().prefix(count).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
  }
}

extension Statement {
  package func isInteger(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_INTEGER }
}
