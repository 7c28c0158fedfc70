import Intake
import Store
import Telemetry
import Wire

/// The rows or records of a database in the drop folder, which nobody vouches for.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class DatabasePieces: DropSource, @unchecked Sendable {
  let format: String
  let hasLines = false
  let head: [UInt8] = []
  private let name: String
  private let rows: RowsCursor?
  private let records: RecordCursor?
  private let store: String?
  private var position = DropPosition()
  private var fault: DropFault?

  init(_ path: String, named name: String) throws(DropFault) {
    self.name = name
    do throws(ImportError) {
      let database = try DatabaseImport(path, named: name, isImmutable: true)
      switch database.kind {
      case .records(let store):
        (rows, records, self.store, format) = (nil, try database.records(), store, "garner_export")
      case .rows(let store): (rows, records, self.store, format) = (try database.rows(), nil, store, "garner_export")
      case .foreign: (rows, records, store, format) = (try database.rows(), nil, nil, "telemetry_db")
      }
    } catch {
      throw Self.fault(error)
    }
  }

  private static func fault(_ error: ImportError) -> DropFault {
    switch error.kind {
    case .unknownFormat: DropFault(.unknownFormat)
    case .unknownColumn: DropFault(.unknownColumn)
    case .unsafeSchema: DropFault(.unsafeSchema)
    case .corrupt, .other, .storage: DropFault(.corruptDatabase)
    }
  }

  /// Pieces are counted, and read again: their rows are told apart by all that came before.
  func skip(to position: DropPosition) throws(DropFault) {
    while self.position.offset < position.offset, try next() != nil {}
  }

  func next() throws(DropFault) -> (any DropPiece)? {
    if let fault { throw fault }
    var piece = DatabasePiece(store: store, name: name, start: position)
    do throws(ImportError) {
      if let rows {
        while piece.hasRoom, let row = try rows.next() { piece.append(row) }
      } else if let records {
        while piece.hasRoom, try records.next() { piece.append(records) }
      }
    } catch {
      // What came before is good.
      fault = Self.fault(error)
      if piece.count == 0 { throw Self.fault(error) }
    }
    if piece.count == 0 { return nil }
    position = piece.end
    return piece
  }
}

struct DatabasePiece: DropPiece {
  private let store: String?
  private let start: DropPosition
  private var rows: RowPiece
  private var records: RecordPiece
  /// A cell of these is longer than any that a game writes.
  private var refused: [DropRefusal] = []
  private(set) var count = 0
  private var originNumber = -1
  private var origin: Int32 = -1
  private static let cellLimit = 1 << 20
  private static let limit = 4_000
  private static let byteLimit = 2 << 20

  init(store: String?, name: String, start: DropPosition) {
    self.store = store
    self.start = start
    rows = RowPiece(store: store, path: name)
    records = RecordPiece(store: store ?? "", path: name)
  }

  var end: DropPosition { DropPosition(offset: start.offset + 1, line: start.line + count) }
  var hasRoom: Bool { count < Self.limit && rows.byteCount + records.json.count < Self.byteLimit }

  mutating func append(_ row: RowsCursor.ForeignRow) {
    let isLong =
      row.isTooLong
      || row.columns.contains { value in
        switch value {
        case .text(let text): text.utf8.count > Self.cellLimit
        case .blob(let bytes): bytes.count > Self.cellLimit
        case .null, .integer, .real: false
        }
      }
    if isLong {
      refused.append(
        DropRefusal(
          line: 0, record: start.line + count, offset: row.id, path: "rowid \(row.id)",
          reason: Rejection.Reason.valueTooLong.rawValue))
    } else {
      rows.append(row)
    }
    count += 1
  }

  mutating func append(_ cursor: RecordCursor) {
    if let changed = cursor.origin, originNumber != cursor.originNumber {
      originNumber = cursor.originNumber
      origin = records.origins.index(of: changed)
    }
    records.append(cursor.id, cursor.json, origin: origin)
    count += 1
  }

  func decode(_ options: DecodeOptions) -> [DropLoad] {
    var refused = refused
    var loads: [DropLoad] = []
    var decoded = ImportDecoded()
    if !rows.rows.isEmpty { decoded = rows.decode(options) }
    if !records.ids.isEmpty { decoded = records.decode(options) }
    for found in decoded.loads {
      var load = DropLoad(batch: found.batch)
      load.isExport = store != nil
      if case .known(let identities) = found.identity {
        load.identities = identities.map { DropIdentity(store: $0.store, id: $0.id) }
      }
      for rejection in found.batch.rejections {
        load.refusals.append(
          DropRefusal(
            line: 0, record: rejection.index, offset: 0, path: rejection.path, reason: rejection.reason.rawValue))
      }
      loads.append(load)
    }
    for _ in decoded.problems {
      refused.append(
        DropRefusal(line: 0, record: 0, offset: 0, path: "", reason: Rejection.Reason.badJSON.rawValue))
    }
    let source = String(decoding: options.credential, as: UTF8.self)
    if !refused.isEmpty { loads.append(DropLoad(refused: refused, source: source)) }
    return loads
  }
}
