import Telemetry

/// The data files of a directory, for any process: settled ones from the catalog, landing ones from the folder.
package enum FileList {
  /// Landing names are read first, then catalog and `settled` in one transaction: a file that is settled in between is in
  /// exactly one of the two. One that vanishes after that makes its opening fail with "no such file": read the list again.
  package static func read(_ directory: DataDirectory) throws(SQLiteError) -> [DataFile] {
    let landing = landingNumbers(directory)
    guard FileSystem.exists(directory.catalog) else {
      // Nobody would see what is settled, nor that it is not seen.
      if hasShards(directory) {
        throw SQLiteError(
          code: 14,
          message: "\(directory.catalog) is gone; the daemon makes it again from the data files when it starts, "
            + "or within its retention interval when it runs")
      }
      return landing.sorted().map { landingFile(directory, $0) }
    }
    do throws(SQLiteError) {
      return try read(directory, landing, .readOnly)
    } catch {
      // After a crash in the middle of a swap the journal must be rolled back first, which reading alone may not do.
      guard error.primary == 8 || error.primary == 14 else { throw error }
      return try read(directory, landing, .readWrite)
    }
  }

  /// The same in the process that has the catalog open, without a lock between them.
  static func read(_ catalog: Catalog) throws(SQLiteError) -> [DataFile] {
    let landing = landingNumbers(catalog.directory)
    return try catalog.use { connection throws(SQLiteError) in
      do throws(SQLiteError) { return try read(catalog.directory, landing, connection) } catch {
        if connection.isInTransaction { try? connection.execute("ROLLBACK") }
        throw error
      }
    }
  }

  private static func hasShards(_ directory: DataDirectory) -> Bool {
    FileSystem.list(directory.shards).contains { entry in
      entry != "landing" && !FileSystem.list("\(directory.shards)/\(entry)").isEmpty
    }
  }

  private static func landingNumbers(_ directory: DataDirectory) -> [Int64] {
    FileSystem.list(directory.landing).compactMap { name in
      name.hasSuffix(".db") ? Int64(name.dropLast(3)) : nil
    }
  }

  private static func read(
    _ directory: DataDirectory, _ landing: [Int64], _ mode: Connection.Mode
  ) throws(SQLiteError) -> [DataFile] {
    let connection = try Connection(directory.catalog, mode)
    guard FileSystem.exists(directory.state) else {
      return try settled(connection, directory) + landing.sorted().map { landingFile(directory, $0) }
    }
    // Opened like the main database: read-only.
    try connection.run("ATTACH ? AS state", .text(directory.state))
    return try read(directory, landing, connection)
  }

  private static func read(
    _ directory: DataDirectory, _ landing: [Int64], _ connection: Connection
  ) throws(SQLiteError) -> [DataFile] {
    try connection.execute("BEGIN")
    var files = try settled(connection, directory)
    let settled = try settledNumbers(connection)
    try connection.execute("COMMIT")
    let open = landing.sorted().filter { !settled.contains($0) }
    let bare = open.filter { isBare(directory.landingFile($0)) }
    // One that is being removed looks the same, and is settled by then.
    let gone = bare.isEmpty ? [] : try settledNumbers(connection)
    let empty = Set(bare).subtracting(gone)
    files += open.filter { !empty.contains($0) }.map { landingFile(directory, $0) }
    return files.sorted { $0.isLanding == $1.isLanding ? $0.firstID < $1.firstID : !$0.isLanding }
  }

  /// Filters over traces stay where they are: they are most of the catalog, and few questions need them.
  private static func settled(
    _ connection: Connection, _ directory: DataDirectory
  ) throws(SQLiteError) -> [DataFile] {
    var files = try Catalog.files(connection, directory, withTraces: false)
    for index in files.indices { files[index].catalog = directory.catalog }
    return files
  }

  private static func settledNumbers(_ connection: Connection) throws(SQLiteError) -> Set<Int64> {
    let statement = try connection.prepare("SELECT number FROM state.settled")
    var numbers: Set<Int64> = []
    while try statement.step() { numbers.insert(statement.integer(0)) }
    return numbers
  }

  /// No log and no more than a header: killed while it was made, before anything was committed.
  private static func isBare(_ path: String) -> Bool {
    FileSystem.length(path + "-wal") == 0 && FileSystem.length(path) <= 16_384
  }

  /// A landing file may grow at any moment: its ranges exclude nothing.
  static func landingFile(_ directory: DataDirectory, _ number: Int64) -> DataFile {
    let path = directory.landingFile(number)
    return DataFile(
      number: number, part: 0, path: path, className: nil, day: nil, restricted: false, rows: 0,
      bytes: FileSystem.length(path) + FileSystem.length(path + "-wal"), firstID: .min, lastID: .max, minTime: .min,
      maxTime: .max, minReceived: .min, maxReceived: .max, traces: nil)
  }
}
