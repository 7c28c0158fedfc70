/// One cell of a listing.
package enum TableValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case real(Double)
  case text(String)
  /// Shown as hexadecimal digits in every format.
  case blob([UInt8])
}

package enum TableFormat: String, Sendable, CaseIterable {
  /// Aligned columns for people.
  case table
  /// One array of objects, keyed by column.
  case json
  /// One object a line.
  case ndjson
  /// RFC 4180 with a header line; lines end in LF alone, as the tools that read it in a pipe want.
  case csv
}

/// Writes rows in one of four formats, piece by piece: no format needs all rows in memory.
package struct TableWriter {
  private let format: TableFormat
  private let columns: [String]
  /// Takes complete lines; the bytes are the callee's to keep. What it throws, `append` and `finish` throw.
  private let emit: ([UInt8]) throws -> Void
  private let keys: [[UInt8]]
  private var out: [UInt8] = []
  private var hasRows = false
  /// The rows that column widths are taken from, until there are enough.
  private var waiting: [[TableValue]] = []
  private var widths: [Int]?

  /// Rows after these may stand out of line; a person reads no further.
  private static let measuredRows = 1_000
  private static let pieceBytes = 64 << 10

  package init(_ format: TableFormat, columns: [String], emit: @escaping ([UInt8]) throws -> Void) {
    self.format = format
    self.columns = columns
    self.emit = emit
    keys = Self.distinct(columns).map { Array((JSONText.quoted($0) + ":").utf8) }
    if format == .csv { CSVText.append(columns.map { .text($0) }, to: &out) }
  }

  /// An object holds a name once: the second `n` is `n_2`.
  private static func distinct(_ columns: [String]) -> [String] {
    var taken = Set(columns)
    var seen: Set<String> = []
    return columns.map { column in
      if seen.insert(column).inserted { return column }
      var number = 2
      while !taken.insert("\(column)_\(number)").inserted { number += 1 }
      return "\(column)_\(number)"
    }
  }

  /// `row` has one value a column.
  package mutating func append(_ row: [TableValue]) throws {
    switch format {
    case .table:
      if let widths {
        appendLine(row, widths)
      } else {
        waiting.append(row)
        if waiting.count == TableWriter.measuredRows { measure() }
      }
    case .csv: CSVText.append(row, to: &out)
    case .ndjson:
      appendObject(row)
      out.append(UInt8(ascii: "\n"))
    case .json:
      out += Array((hasRows ? ",\n" : "[\n").utf8)
      appendObject(row)
    }
    hasRows = true
    if out.count >= TableWriter.pieceBytes { try flush() }
  }

  package mutating func finish() throws {
    if format == .table, widths == nil { measure() }
    if format == .json { out += Array((hasRows ? "\n]\n" : "[]\n").utf8) }
    try flush()
  }

  /// All rows at once, for short listings.
  package static func write(
    _ format: TableFormat, columns: [String], rows: [[TableValue]], emit: @escaping ([UInt8]) throws -> Void
  ) throws {
    var writer = TableWriter(format, columns: columns, emit: emit)
    for row in rows { try writer.append(row) }
    try writer.finish()
  }

  private mutating func flush() throws {
    guard !out.isEmpty else { return }
    try emit(out)
    out.removeAll(keepingCapacity: true)
  }

  private mutating func appendObject(_ row: [TableValue]) {
    out.append(UInt8(ascii: "{"))
    for (index, value) in row.enumerated() where index < keys.count {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      out += keys[index]
      value.appendJSON(to: &out)
    }
    out.append(UInt8(ascii: "}"))
  }

  private mutating func measure() {
    var widths = columns.map(\.count)
    var numeric = columns.map { _ in false }
    for row in waiting {
      for (index, value) in row.enumerated() where index < widths.count {
        widths[index] = max(widths[index], value.cell.count)
        if value.isNumber { numeric[index] = true }
      }
    }
    appendLine(columns.map { .text($0.uppercased()) }, widths, atRight: numeric)
    for row in waiting { appendLine(row, widths) }
    waiting = []
    self.widths = widths
  }

  /// Numbers stand at the right of their column, the rest at the left; no blanks at the end of a line.
  private mutating func appendLine(_ row: [TableValue], _ widths: [Int], atRight: [Bool] = []) {
    var line = ""
    var pending = 0
    for (index, value) in row.enumerated() where index < widths.count {
      let cell = value.cell
      let padding = max(0, widths[index] - cell.count)
      let isRight = atRight.isEmpty ? value.isNumber : atRight[index]
      if isRight { pending += padding }
      if !cell.isEmpty {
        line += String(repeating: " ", count: pending) + cell
        pending = 0
      }
      pending += isRight ? 2 : padding + 2
    }
    out += Array(line.utf8)
    out.append(UInt8(ascii: "\n"))
  }
}

extension TableValue {
  fileprivate var isNumber: Bool {
    switch self {
    case .integer, .real: true
    default: false
    }
  }

  /// One line without control characters: a cell cannot move the cursor of the terminal it is shown on.
  fileprivate var cell: String {
    let text = plain
    guard text.unicodeScalars.contains(where: TableValue.isControl) else { return text }
    var clean = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": clean += "\\n"
      case "\r": clean += "\\r"
      case "\t": clean += "\\t"
      case _ where TableValue.isControl(scalar): clean += "\\u{\(String(scalar.value, radix: 16))}"
      default: clean.unicodeScalars.append(scalar)
      }
    }
    return clean
  }

  /// C0, DEL, C1, line separators and the marks that turn the direction of writing.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  fileprivate var plain: String {
    switch self {
    case .null: ""
    case .boolean(let value): value ? "true" : "false"
    case .integer(let number): String(number)
    case .real(let number): number.description
    case .text(let text): text
    case .blob(let bytes):
      String(
        decoding: bytes.flatMap { [JSONText.hexDigits[Int($0 >> 4)], JSONText.hexDigits[Int($0 & 15)]] }, as: UTF8.self)
    }
  }

  fileprivate func appendJSON(to out: inout [UInt8]) {
    switch self {
    case .null: out += Array("null".utf8)
    case .integer, .boolean: out += Array(plain.utf8)
    // JSON has no infinity.
    case .real(let number) where number.isFinite: out += Array(plain.utf8)
    case .real, .text, .blob: JSONText.append(plain, to: &out)
    }
  }
}

private enum CSVText {
  static func append(_ row: [TableValue], to out: inout [UInt8]) {
    for (index, value) in row.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      let text = value.plain
      // An empty text is quoted, so that it differs from NULL.
      let needsQuotes = value == .text("") || text.utf8.contains { special.contains($0) }
      if needsQuotes { out.append(UInt8(ascii: "\"")) }
      for byte in text.utf8 {
        if byte == UInt8(ascii: "\"") { out.append(byte) }
        out.append(byte)
      }
      if needsQuotes { out.append(UInt8(ascii: "\"")) }
    }
    out.append(UInt8(ascii: "\n"))
  }

  private static let special = Array("\",\r\n".utf8)
}
