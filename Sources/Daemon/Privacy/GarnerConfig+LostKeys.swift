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
    } catch is FoundRow {
      return true
    } catch {
      // What cannot be listed or read is somebody's rows all the same. A first start that was broken off has no file.
      return Self.hasDataFile(below: directory.shards)
    }
  }

  private static func hasDataFile(below folder: String) -> Bool {
    FileSystem.list(folder).contains { name in
      let path = "\(folder)/\(name)"
      return FileSystem.isFolder(path) ? hasDataFile(below: path) : name.hasSuffix(".db")
    }
  }

  private struct FoundRow: Error {}

  private var makesPseudonyms: Bool {
    privacy.policy != .none || privacy.pseudonymize.contains { !$0.hasPrefix("!") }
  }
}
