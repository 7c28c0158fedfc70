import Store

extension GarnerConfig {
  /// The file of pseudonym keys is not there although it was: a policy was in force, or there are rows, and no first start
  /// is without it. A store that never had pseudonyms and is to have none may make a new one.
  var hasLostPrivacyKeys: Bool {
    let directory = DataDirectory(dataDirectory)
    if dataDirectory.isEmpty || FileSystem.exists(privacyKeyFile) { return false }
    if PolicyAge.hadPseudonyms(directory) { return true }
    guard makesPseudonyms, FileSystem.exists(directory.shards) else { return false }
    var options = RowReader.Options()
    options.filter.includeRestricted = true
    do {
      let files = try FileList.read(directory)
      if files.contains(where: { $0.rows > 0 }) { return true }
      // A landing file does not say how many it has.
      let reader = RowReader(options) { () throws(SQLiteError) in files.filter(\.isLanding) }
      try reader.forEach { _ in throw FoundRow() }
      return false
    } catch {
      // What cannot be listed or read is somebody's rows all the same.
      return true
    }
  }

  private struct FoundRow: Error {}

  private var makesPseudonyms: Bool {
    privacy.policy != .none || privacy.pseudonymize.contains { !$0.hasPrefix("!") }
  }
}
