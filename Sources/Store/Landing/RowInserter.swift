import CSQLite
import Telemetry

/// The prepared insert into one class table of a landing file. Texts and ids are bound where they lie in the batch.
final class RowInserter {
  private let statement: Statement
  /// Parameters that are not NULL since the last row; a bound NULL is not bound again.
  private var bound: UInt32 = 0

  init(_ connection: Connection, table: String) throws(SQLiteError) {
    statement = try connection.prepare(
      "INSERT INTO \(Tables.quoted(table)) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", persistent: true)
  }

  struct Dictionary {
    var name: Int64
    var context: Int64
    var stream: Int64
    var series: Int64
  }

  @inline(__always) private func null(_ parameter: Int32) {
    let bit: UInt32 = 1 << UInt32(parameter)
    if bound & bit != 0 {
      statement.bindNull(parameter)
      bound &= ~bit
    }
  }

  @inline(__always) private func integer(_ parameter: Int32, _ number: Int64, _ present: Bool) {
    if present {
      statement.bind(parameter, number)
      bound |= 1 << UInt32(parameter)
    } else {
      null(parameter)
    }
  }

  @inline(__always) private func text(_ parameter: Int32, _ batch: Batch, _ slice: Slice, _ present: Bool) {
    if present {
      statement.bindText(parameter, batch.bytes(slice))
      bound |= 1 << UInt32(parameter)
    } else {
      null(parameter)
    }
  }

  @inline(__always) private func blob(_ parameter: Int32, _ bytes: UnsafeRawBufferPointer, _ present: Bool) {
    if present {
      statement.bindBlob(parameter, bytes)
      bound |= 1 << UInt32(parameter)
    } else {
      null(parameter)
    }
  }

  /// `row` must stay where it is until the call returns: its ids are bound by address.
  @inline(__always)
  func insert(_ row: UnsafePointer<Row>, id: Int64, _ dictionary: Dictionary, _ batch: Batch) throws(SQLiteError) {
    let present = row.pointee.present
    statement.bind(1, id)
    statement.bind(2, row.pointee.time)
    statement.bind(3, Int64(row.pointee.kind.rawValue))
    statement.bind(4, Int64(row.pointee.severity.rawValue))
    statement.bind(5, dictionary.name)
    statement.bind(6, dictionary.context)
    statement.bind(7, dictionary.stream)
    statement.bind(8, row.pointee.bits)
    let base = UnsafeRawPointer(row)
    blob(9, UnsafeRawBufferPointer(start: base + Self.traceOffset, count: 16), present.contains(.trace))
    blob(10, UnsafeRawBufferPointer(start: base + Self.spanOffset, count: 8), present.contains(.span))
    blob(11, UnsafeRawBufferPointer(start: base + Self.parentOffset, count: 8), present.contains(.parent))
    integer(12, row.pointee.duration, present.contains(.duration))
    integer(13, row.pointee.auxiliary, present.contains(.auxiliary))
    integer(14, row.pointee.tick, present.contains(.tick))
    integer(15, dictionary.series, row.pointee.series >= 0)
    if present.contains(.double) {
      sqlite3_bind_double(statement.handle, 16, Double(bitPattern: UInt64(bitPattern: row.pointee.value)))
      bound |= 1 << 16
    } else {
      integer(16, row.pointee.value, present.contains(.integer))
    }
    text(17, batch, row.pointee.data, present.contains(.data))
    text(18, batch, row.pointee.ext, present.contains(.ext))
    text(19, batch, row.pointee.correlation, present.contains(.correlation))
    text(20, batch, row.pointee.uid, present.contains(.uid))
    try statement.run()
  }

  private static let traceOffset = MemoryLayout<Row>.offset(of: \Row.trace) ?? 0
  private static let spanOffset = MemoryLayout<Row>.offset(of: \Row.span) ?? 0
  private static let parentOffset = MemoryLayout<Row>.offset(of: \Row.parent) ?? 0
}
