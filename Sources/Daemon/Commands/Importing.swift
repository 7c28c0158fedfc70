package import Store
import Wire

/// `garner import` inside the process that holds the lock.
package enum Importing {
  /// One file; the summary as JSON. Throws when the file cannot be read at all or the store takes no more.
  package static func run(_ path: String, _ store: DataStore) async throws -> String {
    var decoding = DecodeOptions(now: FileSystem.now())
    decoding.component = Array("import".utf8)
    let summary = try await Import(into: store.writer, decoding: decoding).run(path)
    let problems = summary.problems.map(JSONText.quoted).joined(separator: ",")
    return """
      {"received":\(summary.received),"stored":\(summary.stored),"rejected":\(summary.rejected),\
      "filtered":\(summary.filtered),"deduplicated":\(summary.deduplicated),"bad":\(summary.bad),\
      "problems":[\(problems)]}
      """
  }
}
