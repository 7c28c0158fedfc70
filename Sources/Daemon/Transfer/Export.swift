import Glibc
package import Store
import Telemetry
import Wire

/// Reads the stored rows once and writes them in one form. Blocks; memory does not grow with the rows.
package struct Export {
  private let request: ExportRequest
  private let files: () throws(SQLiteError) -> [DataFile]
  /// Called every few thousand rows with their number so far.
  private let progress: (Int64) -> Void

  /// `files` is asked again when one of them was settled meanwhile.
  package init(
    _ request: ExportRequest, progress: @escaping (Int64) -> Void = { _ in },
    files: @escaping () throws(SQLiteError) -> [DataFile]
  ) {
    self.request = request
    self.files = files
    self.progress = progress
  }

  private static let warningLimit = 100

  package func run() throws -> ExportSummary {
    let store = StoreIdentity.read(try files()) ?? ""
    var options = RowReader.Options()
    options.filter = request.filter
    options.withEvents = request.format != .otlp
    let reader = RowReader(options, files: files)
    var summary = ExportSummary()
    switch request.format {
    case .sqlite: try sqlite(reader, store, &summary)
    case .otlp: try otlp(reader, store, &summary)
    case .ndjson: try rows(reader, RowLines(.ndjson), &summary)
    case .json: try rows(reader, RowLines(.json), &summary)
    case .csv: try rows(reader, RowLines(.csv), &summary)
    }
    summary.warnings = reader.warnings + summary.warnings
    return summary
  }

  private func count(_ row: StoredRow, _ summary: inout ExportSummary) {
    summary.rows += 1
    if row.kind?.isRecord ?? false { summary.records += 1 }
    if summary.rows % 4_096 == 0 { progress(summary.rows) }
  }

  private static func note(_ error: OTLPEncodingError, _ summary: inout ExportSummary) {
    if summary.warnings.count < warningLimit { summary.warnings.append("\(error); it was left out") }
  }

  // MARK: forms

  private func rows(_ reader: RowReader, _ lines: consuming RowLines, _ summary: inout ExportSummary) throws {
    var lines = lines
    let output = try OutputFile(request.output)
    try output.write(lines.head)
    try reader.forEach { row in
      try output.write(lines.line(row))
      count(row, &summary)
    }
    try output.write(lines.tail)
    try output.finish()
    summary.bytes = output.bytes
  }

  private func otlp(_ reader: RowReader, _ store: String, _ summary: inout ExportSummary) throws {
    let outputs = try OTLPOutputs(request.output)
    var encoders = OTLPEncoders()
    try reader.forEach { row in
      guard let record = OTLPRecord(row, withOrigin: true) else { return }
      count(row, &summary)
      if let line = encoders.full(record, store: store) { try outputs.write(line, record.kind.signal) }
      do throws(OTLPEncodingError) { try encoders.append(record) } catch { Self.note(error, &summary) }
    }
    for signal in Signal.allCases {
      if let line = encoders.finish(signal, store: store) { try outputs.write(line, signal) }
    }
    try outputs.finish()
    summary.bytes = outputs.bytes
  }

  private func sqlite(_ reader: RowReader, _ store: String, _ summary: inout ExportSummary) throws {
    let database = try DatabaseExport(request.output)
    var encoders = OTLPEncoders()
    // The record that waits for its span events.
    var open: (signal: Signal, id: Int64)?
    func close() throws {
      guard let record = open else { return }
      open = nil
      if let json = encoders.finish(record.signal, store: nil) {
        try json.withUnsafeBytes { try database.append(record: $0, id: record.id) }
      }
    }
    try reader.forEach { row in
      if row.kind != .spanEvent { try close() }
      try database.append(row)
      count(row, &summary)
      guard let record = OTLPRecord(row, withOrigin: false) else { return }
      do throws(OTLPEncodingError) {
        try encoders.append(record)
        if record.kind != .spanEvent { open = (record.kind.signal, record.id) }
      } catch {
        Self.note(error, &summary)
      }
    }
    try close()
    try database.finish(
      DatabaseExport.Manifest(
        storeID: store, created: request.now, from: request.filter.from, to: request.filter.to,
        filters: request.filter.json))
    summary.bytes = FileSystem.length(request.output)
  }
}

/// One encoder a signal.
private struct OTLPEncoders: ~Copyable {
  private var traces = OTLPJSONEncoder(.traces)
  private var metrics = OTLPJSONEncoder(.metrics)
  private var logs = OTLPJSONEncoder(.logs)

  /// The present line, if the record does not fit on it.
  mutating func full(_ record: OTLPRecord, store: String?) -> [UInt8]? {
    let fits =
      switch record.kind.signal {
      case .traces: traces.fits(record)
      case .metrics: metrics.fits(record)
      case .logs: logs.fits(record)
      }
    return fits ? nil : finish(record.kind.signal, store: store)
  }

  mutating func append(_ record: OTLPRecord) throws(OTLPEncodingError) {
    switch record.kind.signal {
    case .traces: try traces.append(record)
    case .metrics: try metrics.append(record)
    case .logs: try logs.append(record)
    }
  }

  mutating func finish(_ signal: Signal, store: String?) -> [UInt8]? {
    switch signal {
    case .traces: traces.finish(store: store)
    case .metrics: metrics.finish(store: store)
    case .logs: logs.finish(store: store)
    }
  }
}
