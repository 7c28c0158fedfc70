/// The random name of a store, made with its directory: names it in exports and towards other stores.
package enum StoreIdentity {
  /// Known to `state.db`; when that was lost, every settled file knows it too. Otherwise a new one (UUID, version 4).
  static func find(_ catalog: Catalog) throws(SQLiteError) -> String {
    if let known = try catalog.setting("store_id") { return known }
    let name = read(try catalog.files()) ?? fresh()
    try catalog.setSetting("store_id", name)
    return name
  }

  /// Name of the store behind these files; nil when there is none that says. For who only reads.
  package static func read(_ files: [DataFile]) -> String? {
    for file in files {
      guard let connection = try? Connection(file.path, .readOnly) else { continue }
      garnerNoCheckpointOnClose(connection)
      let found = try? connection.text("SELECT value FROM main.meta WHERE key = 'store'")
      if let store = found.flatMap({ $0 }) { return store }
    }
    return nil
  }

  private static func fresh() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
  }
}
