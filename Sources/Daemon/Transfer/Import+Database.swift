import Store
import Telemetry
import Wire

/// Databases: the records of our exports, the rows of others.
extension Import {
  func database(_ file: DatabaseImport, _ path: String, _ road: inout ImportRoad) async throws {
    switch file.kind {
    case .records(let store): try await records(file.records(), store, path, &road)
    case .rows(let store): try await rows(file.rows(), store, &road)
    case .foreign: try await rows(file.rows(), nil, &road)
    }
  }

  // MARK: records

  private struct Piece {
    var id: Int64
    var json: [UInt8]
  }

  private func records(
    _ cursor: DatabaseImport.RecordCursor, _ store: String, _ path: String, _ road: inout ImportRoad
  ) async throws {
    var waiting: [Signal: [Piece]] = [:]
    var bytes = 0
    while let (id, json) = try cursor.next() {
      guard let signal = Self.plainSignal(json) else {
        try await single(Piece(id: id, json: json), store, path, &road)
        continue
      }
      waiting[signal, default: []].append(Piece(id: id, json: json))
      bytes += json.count
      if waiting[signal, default: []].count >= Self.batchRecords || bytes >= 4 << 20 {
        for signal in Signal.allCases { try await many(waiting[signal] ?? [], signal, store, path, &road) }
        waiting = [:]
        bytes = 0
      }
    }
    for signal in Signal.allCases { try await many(waiting[signal] ?? [], signal, store, path, &road) }
  }

  private static let heads: [(Signal, [UInt8])] = [
    (.traces, Array("{\"resourceSpans\":[".utf8)), (.logs, Array("{\"resourceLogs\":[".utf8)),
    (.metrics, Array("{\"resourceMetrics\":[".utf8)),
  ]

  /// Signal of a request that our encoder wrote and that has nothing but resources, so that many can be made one.
  private static func plainSignal(_ json: [UInt8]) -> Signal? {
    guard json.suffix(2).elementsEqual("]}".utf8) else { return nil }
    return heads.first { json.starts(with: $0.1) }?.0
  }

  /// Decodes many requests as one; if that does not give one record each, one by one.
  private func many(
    _ pieces: [Piece], _ signal: Signal, _ store: String, _ path: String, _ road: inout ImportRoad
  ) async throws {
    guard !pieces.isEmpty, let head = Self.heads.first(where: { $0.0 == signal })?.1 else { return }
    var request = head
    for (index, piece) in pieces.enumerated() {
      if index > 0 { request.append(UInt8(ascii: ",")) }
      request.append(contentsOf: piece.json[head.count..<(piece.json.count - 2)])
    }
    request += Array("]}".utf8)
    let batch = request.withUnsafeBytes { bytes -> Batch? in
      do throws(DecodeError) {
        return try OTLPDecoder.decodeJSON(signal, bytes, options: decoding)
      } catch { return nil }
    }
    if let batch, batch.recordCount + batch.rejectedCount == pieces.count {
      return try await road.add(batch, Self.aligned(pieces.map(\.id), store, batch))
    }
    for piece in pieces { try await single(piece, store, path, &road) }
  }

  private func single(_ piece: Piece, _ store: String, _ path: String, _ road: inout ImportRoad) async throws {
    let result: Result<[Batch], DecodeError> = piece.json.withUnsafeBytes { bytes in
      do throws(DecodeError) {
        return .success(try decode(bytes, OTLPLine(bytes)))
      } catch { return .failure(error) }
    }
    switch result {
    case .success(let batches) where batches.count == 1 && batches[0].recordCount + batches[0].rejectedCount == 1:
      try await road.add(batches[0], Self.aligned([piece.id], store, batches[0]))
    case .success: road.summary.addBad("\(path): otlp row \(piece.id): not exactly one record")
    case .failure(let error): road.summary.addBad("\(path): otlp row \(piece.id): \(error.message)")
    }
  }

  // MARK: rows

  private func rows(_ cursor: DatabaseImport.RowsCursor, _ store: String?, _ road: inout ImportRoad) async throws {
    var rows: [EventRow] = []
    var identities: [ImportIdentity] = []
    while let foreign = try cursor.next() {
      var row = EventRow(foreign.columns)
      if let store {
        identities.append(ImportIdentity(store: store, id: foreign.id))
      } else {
        row.uid = "row:" + foreign.fingerprint
      }
      rows.append(row)
      if rows.count >= Self.batchRecords {
        try await road.add(Self.batch(rows, isEscaped: store != nil, decoding), identities)
        rows = []
        identities = []
      }
    }
    try await road.add(Self.batch(rows, isEscaped: store != nil, decoding), identities)
  }
}

extension EventRow {
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
    time = text(0).flatMap { EventTime.nanoseconds($0) }
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
