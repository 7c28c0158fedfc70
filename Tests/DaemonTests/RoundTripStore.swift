import Daemon
import Glibc
import Store
import Telemetry
import Wire

/// A store in a folder of its own, gone with the object.
final class RoundTripStore {
  let folder: String
  let store: DataStore

  static let now: Int64 = 1_767_600_000_000_000_000

  init() throws {
    var template = Array("/tmp/garner-roundtrip-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError("create folder", "/tmp") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var options = StoreOptions()
    options.clock = { Self.now }
    store = try DataStore(DataDirectory(folder + "/data"), options)
  }

  deinit {
    store.close()
    Self.remove(folder)
  }

  private static func remove(_ path: String) {
    for name in FileSystem.list(path) {
      let child = path + "/" + name
      if FileSystem.isFolder(child) { remove(child) } else { unlink(child) }
    }
    rmdir(path)
  }

  static var decoding: DecodeOptions { DecodeOptions(now: now) }

  @discardableResult
  func append(_ batch: Batch) async throws -> Receipt {
    try await store.writer.append(batch, key: nil, door: "test")
  }

  @discardableResult
  func export(_ format: ExportFormat, _ name: String, _ filter: RowFilter = RowFilter()) throws -> ExportSummary {
    var request = ExportRequest(format, to: folder + "/" + name, now: Self.now)
    request.filter = filter
    request.filter.includeRestricted = true
    let directory = store.directory
    return try Export(request) { () throws(SQLiteError) in try FileList.read(directory) }.run()
  }

  func lines(_ name: String) throws -> [[UInt8]] {
    try FileSystem.read(folder + "/" + name, limit: 1 << 28).split(separator: 0x0a).map { Array($0) }
  }

  func importFile(_ path: String) async throws -> ImportSummary {
    try await Import(into: store.writer, decoding: Self.decoding).run(path)
  }

  func write(_ name: String, _ text: String) throws -> String {
    let path = folder + "/" + name
    try FileSystem.writeDurably(path, Array(text.utf8))
    return path
  }
}
