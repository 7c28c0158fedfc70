package import Store
import Telemetry
package import Wire

/// Takes exports back: `.db`, OTLP/JSON lines, NDJSON and CSV, ours and others', plain or in gzip. What is bad is counted
/// and passed over; what is here already is not stored again, so an import can be broken off and begun anew.
///
/// A record of ours is known by its store and id, a row of a foreign `telemetry.db` by a digest of its columns, any
/// other record by the digest of its file and its place in it.
package struct Import {
  private let sink: any ImportSink
  private let decoding: DecodeOptions
  private let options: ImportOptions
  private let progress: @Sendable (ImportProgress) -> Void
  static let lineLimitBytes = 64 << 20

  /// Nesting that any configuration lets in must come back too.
  private static let depthLimit = 512

  /// `decoding.now` is the arrival of what has no time.
  package init(
    into sink: any ImportSink, decoding: DecodeOptions, options: ImportOptions = ImportOptions(),
    progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
  ) {
    self.sink = sink
    var decoding = decoding
    decoding.depthLimit = max(decoding.depthLimit, Self.depthLimit)
    if let source = options.sidecar.source { decoding.credential = Array(source.utf8) }
    self.decoding = decoding
    self.options = options
    self.progress = progress
  }

  /// Throws `ImportError` or `FileError` when the file cannot be read at all or the store takes no more.
  package func run(_ path: String) async throws -> ImportSummary {
    let file = try ImportFile(path)
    let head = try file.head(1 << 16)
    if head.starts(with: Array("SQLite format 3".utf8)) {
      let (source, warning) = try database(file)
      var summary = try await run(source, path, digest: "")
      if let warning { summary.note(warning) }
      return summary
    }
    // Another name for the same places: what has no identity of its own comes once more.
    let digest = (options.again ? "again:\(decoding.now):" : "file:") + (try file.digest())
    let isCSV = CSVPieces.begins(head)
    return try await run(isCSV ? CSVPieces(file) : LinePieces(file, decoding), path, digest: digest)
  }

  private func run(_ source: any ImportPieces, _ path: String, digest: String) async throws -> ImportSummary {
    let road = ImportRoad(sink, path, decoding, options, digest: digest, progress: progress)
    try await road.run(source)
    return road.summary
  }

  private func database(_ file: ImportFile) throws -> (any ImportPieces, warning: String?) {
    let database = try file.unpacked { path throws(ImportError) in try DatabaseImport(path, named: file.path) }
    let warning = database.mismatch()
    switch database.kind {
    case .records(let store): return (RecordPieces(try database.records(), store: store, path: file.path), warning)
    case .rows(let store): return (RowPieces(try database.rows(), store: store, path: file.path), warning)
    case .foreign: return (RowPieces(try database.rows(), store: nil, path: file.path), warning)
    }
  }
}
