import Store

/// Rows of the thirteen columns as text.
struct RowLines {
  enum Form {
    case ndjson, json, csv
  }

  private let form: Form
  private var isFirst = true
  private static let names = SourceSchema.columns.map { Array("\"\($0)\":".utf8) }

  init(_ form: Form) { self.form = form }

  var head: [UInt8] {
    switch form {
    case .ndjson: []
    case .json: Array("[".utf8)
    case .csv: Array((SourceSchema.columns.joined(separator: ",") + "\r\n").utf8)
    }
  }

  var tail: [UInt8] { form == .json ? Array((isFirst ? "]\n" : "\n]\n").utf8) : [] }

  mutating func line(_ row: StoredRow) -> [UInt8] {
    defer { isFirst = false }
    switch form {
    case .ndjson: return object(row) + [0x0a]
    case .json: return Array((isFirst ? "\n" : ",\n").utf8) + object(row)
    case .csv: return record(row)
    }
  }

  /// `data` is an object in it, not a text; absent columns are null.
  private func object(_ row: StoredRow) -> [UInt8] {
    var line: [UInt8] = [UInt8(ascii: "{")]
    for index in SourceSchema.columns.indices {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      line += Self.names[index]
      if row.eventIsNull(index) {
        line += Array("null".utf8)
      } else if row.eventIsInteger(index) || SourceSchema.columns[index] == "data" {
        line.append(contentsOf: row.eventText(index))
      } else {
        Self.quote(row.eventText(index), into: &line)
      }
    }
    if row.uid.count > 0 {
      line += Array(",\"uid\":".utf8)
      Self.quote(row.uid, into: &line)
    }
    line += Array(",\"garner\":{\"store\":".utf8)
    Array(row.store.utf8).withUnsafeBytes { Self.quote($0, into: &line) }
    line += Array(",\"id\":\(row.id),\"source\":".utf8)
    Self.quote(row.source, into: &line)
    line += Array("}}".utf8)
    return line
  }

  private static func quote(_ text: UnsafeRawBufferPointer, into line: inout [UInt8]) {
    line.append(UInt8(ascii: "\""))
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        line.append(UInt8(ascii: "\\"))
        line.append(byte)
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        line += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: line.append(byte)
      }
    }
    line.append(UInt8(ascii: "\""))
  }

  /// RFC 4180; NULL is an empty field.
  private func record(_ row: StoredRow) -> [UInt8] {
    var line: [UInt8] = []
    for index in SourceSchema.columns.indices {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      if row.eventIsNull(index) { continue }
      let text = row.eventText(index)
      let isPlain = text.allSatisfy { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") && $0 != 0x0a && $0 != 0x0d }
      if isPlain && text.count > 0 {
        line.append(contentsOf: text)
        continue
      }
      line.append(UInt8(ascii: "\""))
      for byte in text {
        if byte == UInt8(ascii: "\"") { line.append(byte) }
        line.append(byte)
      }
      line.append(UInt8(ascii: "\""))
    }
    return line + [0x0d, 0x0a]
  }
}
