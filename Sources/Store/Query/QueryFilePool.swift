/// The data files of a session: the list, and connections to the few that are open.
final class QueryFilePool {
  /// Settled files that stay open; landing files come and go with each query.
  static let openLimit = 64

  let limits = QueryLimits()
  let filters = TraceFilters()
  private(set) var files: [DataFile] = []
  private var tablesLeftOut: Set<String>
  private let includeRestricted: Bool
  private var open: [String: QueryFile] = [:]
  /// Paths of open files, least recently used first.
  private var recent: [String] = []
  private(set) var warnings: [String] = []
  private(set) var unreadable: Set<String> = []
  /// How often a settled file was not there.
  private var missing: [String: Int] = [:]
  /// So often a list is asked for that does not name it any more; what is removed is off the list soon.
  static let missingLimit = 12
  /// Landing files found without rows and without a log. That is how one looks while it is removed; what still looks so when
  /// asked again never had any.
  private var withoutLog: Set<String> = []
  /// Of files that do not say.
  var rowsPerBlock: Int64 = 4096
  /// What is known of the blocks of landing files, whose connections do not last: only what came since is read.
  private var landed: [String: QueryBlocks] = [:]
  /// Set when a file was gone; the text of an error that SQLite carries is not enough to tell.
  private(set) var vanished: String?

  init(includeRestricted: Bool, restrictedClasses: [String]) {
    self.includeRestricted = includeRestricted
    tablesLeftOut = includeRestricted ? [] : Set(restrictedClasses.map(Tables.landingTable))
  }

  func use(_ list: [DataFile]) {
    files = list.filter { includeRestricted || !$0.restricted }
      .sorted {
        ($0.rows == 0 ? .max : $0.firstID, $0.number, $0.part) < ($1.rows == 0 ? .max : $1.firstID, $1.number, $1.part)
      }
    rowCount = files.reduce(0) { $0 + ($1.rows > 0 ? Double($1.rows) : Double($1.bytes) / 150) }
    let paths = Set(files.map(\.path))
    for path in recent where !paths.contains(path) { close(path) }
    landed = landed.filter { paths.contains($0.key) }
    filters.use(files)
    unreadable = []
    warnings = []
  }

  /// About 150 bytes a row, where nobody counted.
  private(set) var rowCount: Double = 0

  func beginQuery() { vanished = nil }

  func endQuery() {
    for file in open.values { file.endReading() }
    for path in recent {
      guard let file = open[path], file.file.isLanding else { continue }
      landed[path] = file.blocks.forLater
      close(path)
    }
  }

  /// `file` open and reading; nil when it cannot be read: passed over, with a warning.
  func opened(_ file: DataFile) throws(SQLiteError) -> QueryFile? {
    do throws(QueryFileFailure) {
      if unreadable.contains(file.path) { return nil }
      if let ready = open[file.path] {
        do throws(SQLiteError) { try ready.beginReading() } catch { throw QueryFileFailure(error, file.path) }
        touch(file.path)
        return ready
      }
      makeRoom()
      let fresh = try QueryFile(file, leavingOut: tablesLeftOut, filters: filters, limits: limits)
      fresh.blocks = landed[file.path] ?? QueryBlocks(rowsPerBlock: rowsPerBlock)
      open[file.path] = fresh
      recent.append(file.path)
      return fresh
    } catch {
      try passOver(error)
      return nil
    }
  }

  /// A file that failed while it was read: nothing more comes from it. Throws when the query has to end instead.
  func passOver(_ failure: QueryFileFailure) throws(SQLiteError) {
    switch failure {
    case .stopped(let error): throw error
    case .vanished(let path):
      if FileSystem.exists(path) && !withoutLog.insert(path).inserted { return }
      missing[path, default: 0] += 1
      if missing[path, default: 0] > Self.missingLimit {
        return try passOver(.unreadable(path, "it is gone, and nothing of Garner removed it"))
      }
      vanished = path
      throw SQLiteError(code: 1, message: "\(path) is gone")
    case .unreadable(let path, let reason):
      if unreadable.insert(path).inserted { warnings.append("\(path) cannot be read and was passed over: \(reason)") }
    }
  }

  private func touch(_ path: String) {
    if recent.last == path { return }
    if let index = recent.lastIndex(of: path) { recent.remove(at: index) }
    recent.append(path)
  }

  /// Closes what was used longest ago; files that are being read stay, whatever the limit says.
  private func makeRoom() {
    guard open.count >= Self.openLimit else { return }
    if let path = recent.first(where: { open[$0].map { $0.active == 0 && !$0.file.isLanding } ?? true }) { close(path) }
  }

  private func close(_ path: String) {
    open.removeValue(forKey: path)?.forgetStatements()
    recent.removeAll { $0 == path }
  }

  func closeAll() {
    for path in recent { close(path) }
  }
}
