import Store
import Telemetry
import Wire

/// Text files, line by line.
extension Import {
  /// What one line is.
  private enum Parsed {
    case batches([Batch], OTLPLine)
    case row(EventRow.Line)
  }

  /// Where in a file the import is, and rows that wait to become a batch.
  private struct Progress {
    /// Identity of what has none of its own: digest of the file, and how many such records came before.
    let file: String
    var ordinal: Int64 = 0
    var rows: [(row: EventRow, identity: ImportIdentity)] = []
    var areOurs = true
  }

  func text(_ path: String, _ road: inout ImportRoad) async throws {
    var progress = Progress(file: "file:" + (try FileDigest.sha256(path)))
    let reader = try LineReader(path, limit: Self.lineLimitBytes)
    while let line = try reader.next() {
      if line.bytes.allSatisfy({ $0 <= 0x20 }) && !line.isTooLong { continue }
      switch parse(line.bytes, isTooLong: line.isTooLong) {
      case .success(let parsed): try await take(parsed, &progress, &road)
      case .failure(let error):
        if line.number == 1, let parsed = whole(path) {
          return try await take(parsed, &progress, &road)
        }
        let why = line.isUnfinished ? "the last line is not finished; \(error.message)" : error.message
        road.summary.addBad("\(path):\(line.number) (byte \(line.offset + Int64(error.offset))): \(why)")
      }
    }
    try await sendRows(&progress, &road)
  }

  private func parse(_ line: [UInt8], isTooLong: Bool) -> Result<Parsed, DecodeError> {
    if isTooLong { return .failure(DecodeError(.outOfRange, "the line is longer than 64 MiB", at: 0)) }
    return line.withUnsafeBytes { bytes in
      do throws(DecodeError) {
        let head = try OTLPLine(bytes)
        if !head.signals.isEmpty { return .success(.batches(try decode(bytes, head), head)) }
        guard let row = try EventRow.read(bytes) else {
          throw DecodeError(.malformed, "this is neither an OTLP request nor a row", at: 0)
        }
        return .success(.row(row))
      } catch {
        return .failure(error)
      }
    }
  }

  /// One batch a signal of the line.
  func decode(_ line: UnsafeRawBufferPointer, _ head: OTLPLine) throws(DecodeError) -> [Batch] {
    var options = decoding
    if let arrival = head.arrival { options.now = arrival }
    var batches: [Batch] = []
    for signal in head.signals { batches.append(try OTLPDecoder.decodeJSON(signal, line, options: options)) }
    return batches
  }

  /// A file that is one request over many lines.
  private func whole(_ path: String) -> Parsed? {
    guard FileSystem.length(path) <= Self.lineLimitBytes,
      let bytes = try? FileSystem.read(path, limit: Self.lineLimitBytes),
      case .success(let parsed) = parse(bytes, isTooLong: false)
    else { return nil }
    return parsed
  }

  private func take(_ parsed: Parsed, _ progress: inout Progress, _ road: inout ImportRoad) async throws {
    switch parsed {
    case .batches(let batches, let head):
      for batch in batches {
        let count = batch.recordCount + batch.rejectedCount
        if batches.count == 1, let store = head.store, let ids = head.recordIDs(count: count) {
          try await road.add(batch, Self.aligned(ids, store, batch))
        } else {
          let first = progress.ordinal
          progress.ordinal += Int64(count)
          try await road.add(batch, Self.aligned(Array(first..<progress.ordinal), progress.file, batch))
        }
      }
    case .row(let line):
      let isOurs = line.store != nil && line.id != nil
      if isOurs != progress.areOurs || progress.rows.count >= Self.batchRecords {
        try await sendRows(&progress, &road)
      }
      progress.areOurs = isOurs
      if let store = line.store, let id = line.id {
        progress.rows.append((line.row, ImportIdentity(store: store, id: id)))
      } else {
        progress.rows.append((line.row, ImportIdentity(store: progress.file, id: progress.ordinal)))
        progress.ordinal += 1
      }
    }
  }

  private func sendRows(_ progress: inout Progress, _ road: inout ImportRoad) async throws {
    if progress.rows.isEmpty { return }
    let batch = Self.batch(progress.rows.map(\.row), isEscaped: progress.areOurs, decoding)
    try await road.add(batch, progress.rows.map(\.identity))
    progress.rows = []
  }

  static func batch(_ rows: [EventRow], isEscaped: Bool, _ options: DecodeOptions) -> Batch {
    var decoder = EventDecoder(options: options, isEscaped: isEscaped)
    for row in rows { decoder.append(row) }
    return decoder.finish()
  }
}
