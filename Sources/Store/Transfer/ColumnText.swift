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
    case SQLITE_INTEGER:
      row.append(UInt8(ascii: "I"))
      add(statement.integer(column))
    case SQLITE_FLOAT:
      let digits = String(statement.real(column).bitPattern, radix: 16)
      add("R" + String(repeating: "0", count: 16 - digits.utf8.count) + digits)
    case SQLITE_TEXT: add("T", statement.bytes(column))
    case SQLITE_BLOB: add("B", statement.bytes(column))
    default: add("N")
    }
  }

  private mutating func add(_ text: String) { row.append(contentsOf: text.utf8) }

  private mutating func add(_ letter: Unicode.Scalar, _ bytes: UnsafeRawBufferPointer) {
    row.append(UInt8(ascii: letter))
    add(Int64(bytes.count))
    row.append(UInt8(ascii: ":"))
    row.append(contentsOf: bytes)
  }

  /// Decimal digits.
  private mutating func add(_ number: Int64) {
    if number < 0 { row.append(UInt8(ascii: "-")) }
    let start = row.count
    var rest = number.magnitude
    repeat {
      row.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    row[start...].reverse()
  }

  mutating func endRow() {
    row.append(0x0a)
    hash.update(data: row)
    row.removeAll(keepingCapacity: true)
  }

  /// 128 bits of the SHA-256 of the columns since the last row; the next row begins.
  mutating func ofRow() -> (high: UInt64, low: UInt64) {
    row.append(0x0a)
    let bytes = SHA256.hash(data: row)
    row.removeAll(keepingCapacity: true)
    return bytes.withUnsafeBytes {
      (
        UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
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
