import Glibc
package import Store
import Telemetry
package import Wire

/// Takes exports back: `.db`, OTLP/JSON lines and NDJSON, ours and others'. What is bad is counted and passed over;
/// what is here already is not stored again, so an import can be broken off and begun anew.
///
/// A record of ours is known by its store and id, a row of a foreign `telemetry.db` by a digest of its columns, any
/// other record by the digest of its file and its place in it.
package struct Import {
  private let sink: any ImportSink
  let decoding: DecodeOptions
  static let lineLimitBytes = 64 << 20
  static let batchRecords = 1_000

  /// Nesting that any configuration lets in must come back too.
  private static let depthLimit = 512

  /// `decoding.now` is the arrival of what has no time.
  package init(into sink: any ImportSink, decoding: DecodeOptions) {
    self.sink = sink
    var decoding = decoding
    decoding.depthLimit = max(decoding.depthLimit, Self.depthLimit)
    self.decoding = decoding
  }

  /// Throws `ImportError` or `FileError` when the file cannot be read at all or the store takes no more.
  package func run(_ path: String) async throws -> ImportSummary {
    var road = ImportRoad(sink, path)
    if try Self.isDatabase(path) {
      try await database(DatabaseImport(path), path, &road)
    } else {
      try await text(path, &road)
    }
    try await road.flush()
    return road.summary
  }

  private static func isDatabase(_ path: String) throws(FileError) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", path) }
    defer { close(descriptor) }
    var head = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &head, 16)
    if count < 0 { throw FileError("read", path) }
    return count == 16 && head.starts(with: Array("SQLite format 3".utf8))
  }

  /// One identity a stored record: refused ones of `all` have none, because they have no row.
  static func aligned(_ all: [Int64], _ store: String, _ batch: Batch) -> [ImportIdentity] {
    guard batch.rejections.count == batch.rejectedCount else { return [] }
    let refused = Set(batch.rejections.map(\.index))
    return all.enumerated().compactMap {
      refused.contains($0.offset) ? nil : ImportIdentity(store: store, id: $0.element)
    }
  }
}
