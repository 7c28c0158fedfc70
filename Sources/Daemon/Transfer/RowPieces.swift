import Store
import Telemetry
import Wire

/// The rows of a `telemetry_events` whose records are not there.
final class RowPieces: ImportPieces {
  private static let rowLimit = 2_000

  private let cursor: RowsCursor
  private let store: String?
  private let path: String

  /// `store`: the store of ours that they are from; nil: another program's.
  init(_ cursor: RowsCursor, store: String?, path: String) {
    self.cursor = cursor
    self.path = path
    self.store = store
  }

  private(set) var fraction = 0.0

  func next() throws -> (any ImportPiece)? {
    var piece = RowPiece(store: store, path: path)
    while piece.rows.count < Self.rowLimit, piece.byteCount < 1 << 20, let row = try cursor.next() { piece.append(row) }
    if piece.rows.isEmpty && piece.problems.isEmpty { return nil }
    fraction = cursor.fraction
    return piece
  }
}

struct RowPiece: ImportPiece {
  let store: String?
  private(set) var rows: [RowsCursor.ForeignRow] = []
  private(set) var byteCount = 0
  private let path: String
  private(set) var problems: [String] = []

  init(store: String?, path: String) {
    self.store = store
    self.path = path
  }

  mutating func append(_ row: RowsCursor.ForeignRow) {
    if row.isTooLong { return problems.append("\(path): rowid \(row.id): a cell is longer than 64 MiB") }
    if EventRow.time(row.columns) == nil {
      return problems.append("\(path): rowid \(row.id): timestamp is no ISO 8601 time")
    }
    rows.append(row)
    byteCount += 512
    for case .text(let text) in row.columns where text.utf8.count > 64 { byteCount += text.utf8.count }
  }

  func decode(_ options: DecodeOptions) -> ImportDecoded {
    var decoder = EventDecoder(options: options, isEscaped: store != nil, expectedBytes: byteCount)
    for foreign in rows {
      var row = EventRow(foreign.columns)
      if store == nil { row.uid = "row:" + foreign.fingerprint.text }
      decoder.append(row)
    }
    var identity = ImportLoad.Identity.none
    if let store { identity = .known(rows.map { ImportIdentity(store: store, id: $0.id) }) }
    return ImportDecoded(loads: [ImportLoad(batch: decoder.finish(), identity: identity)], problems: problems)
  }
}

extension EventRow {
  /// Nil: there is no time in the column of times.
  static func time(_ columns: [SQLValue]) -> Int64? {
    if case .text(let text)? = columns.first { EventTime.nanoseconds(text) } else { nil }
  }

  /// From the twelve columns behind the id, whatever their types are.
  init(_ columns: [SQLValue]) {
    self.init()
    func text(_ index: Int) -> String? {
      switch columns[index] {
      case .null: nil
      case .text(let text): text
      case .integer(let number): String(number)
      case .real(let number): String(number)
      case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
      }
    }
    func integer(_ index: Int) -> Int64? {
      switch columns[index] {
      case .integer(let number): number
      case .real(let number): Int64(exactly: number.rounded())
      case .text(let text): Int64(text)
      case .null, .blob: nil
      }
    }
    guard columns.count == 12 else { return }
    time = Self.time(columns)
    sessionID = text(1) ?? ""
    component = text(2) ?? ""
    gameModule = text(3)
    modFingerprint = text(4)
    category = text(5) ?? ""
    event = text(6) ?? ""
    severity = text(7) ?? "info"
    data = text(8).map { Array($0.utf8) }
    durationMicroseconds = integer(9)
    tick = integer(10)
    correlation = text(11)
  }
}
