import Store
import Wire

/// A line of the reject log (`<data>/rejected/*.ndjson`) as a row, so that a log can be imported once the rule that refused
/// its records is mended.
///
/// What the log kept is what comes back: the name, the attributes, the trace, the source, and the time of the refusal. It is
/// an event, whatever the record was. The same line is known again in whichever file it comes.
enum RejectedLine {
  private static let start = Array("{\"time\":\"".utf8)

  /// Nil: it is no such line. Throws when the log kept nothing of the record.
  static func row(_ line: [UInt8]) throws(DecodeError) -> EventRow.Line? {
    guard line.starts(with: start), let text = try event(line) else { return nil }
    let read = Array(text.utf8).withUnsafeBytes { bytes -> Result<EventRow.Line?, DecodeError> in
      do throws(DecodeError) { return .success(try EventRow.read(bytes)) } catch { return .failure(error) }
    }
    return try read.get()
  }

  private static func event(_ line: [UInt8]) throws(DecodeError) -> String? {
    let rows: [[SQLValue]]
    do throws(SQLiteError) {
      rows = try Connection(":memory:", .create).rows(
        """
        SELECT j ->> '$.door', j ->> '$.reason', j -> '$.record', json_object('timestamp', j ->> '$.time',
          'event', coalesce(j ->> '$.record.name', 'log'), 'severity', 'info',
          'session_id', coalesce(j ->> '$.record.attributes."session.id"', 'rejected'),
          'component', coalesce(j ->> '$.record.attributes.component', j ->> '$.record.attributes."service.name"',
            j ->> '$.door'),
          'game_module', j ->> '$.record.attributes.game_module',
          'mod_fingerprint', j ->> '$.record.attributes.mod_fingerprint',
          'correlation', nullif(j ->> '$.record.trace_id', ''), 'data', json(coalesce(j -> '$.record.attributes', '{}')),
          'garner', json_object('store', 'rejected:' || substr(j ->> '$.time', 1, 10), 'id', ?2, 'source', j ->> '$.source'))
        FROM (SELECT ?1 AS j)
        """, .text(String(decoding: line, as: UTF8.self)), .integer(number(line)))
    } catch {
      // Not JSON: others say what is wrong with it.
      return nil
    }
    guard let row = rows.first, row[0] != .null, row[1] != .null, case .text(let event) = row[3] else { return nil }
    guard case .text(let record) = row[2], record != "null" else {
      throw DecodeError(.malformed, "the reject log kept nothing of this record", at: 0)
    }
    return event
  }

  /// FNV-1a over the line: its identity among those of its day.
  private static func number(_ line: [UInt8]) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in line { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(hash >> 2)
  }
}
