import Telemetry

/// Which settled file retention takes next, when and why. The pruner acts on it and `garner retention plan` shows it.
package struct RetentionPlan: Sendable {
  package enum Reason: String, Sendable {
    /// Its class keeps rows no longer.
    case age
    /// The data directory is over its cap, or the file system under its reserve.
    case cap
    /// An import wants it kept for longer than its class does.
    case keep
    /// Nothing takes it while there is room.
    case nothing
  }

  package struct Entry: Sendable, Equatable {
    package var file: DataFile
    package var reason: Reason
    /// Nanoseconds since 1970, in the past when it is due; nil: never, as things are.
    package var at: Int64?
  }

  /// In the order in which files go.
  package let entries: [Entry]

  /// What the disk is short of (see `Pruner`); 0 or less: nothing.
  package static func make(files: [DataFile], options: StoreOptions, deficit: Int64, now: Int64) -> RetentionPlan {
    let due = expired(files, options, now)
    var seen = Set(due.map(\.file.path))
    var entries = due
    var freed = due.reduce(0) { $0 + $1.file.bytes }
    for entry in byCap(files, options, now) where freed < deficit && seen.insert(entry.file.path).inserted {
      entries.append(entry)
      freed += entry.file.bytes
    }
    let ages = options.ageByClass
    var rest: [Entry] = []
    for file in files where !file.isLanding && !seen.contains(file.path) {
      if let name = file.className, let age = ages[name] {
        let end = end(of: file, after: age)
        let until = file.keepUntil ?? .min
        rest.append(Entry(file: file, reason: until > end ? .keep : .age, at: max(end, until)))
      } else {
        rest.append(Entry(file: file, reason: .nothing, at: nil))
      }
    }
    entries += rest.sorted { a, b in
      let left = a.at ?? .max
      let right = b.at ?? .max
      return left != right ? left < right : a.file.maxReceived < b.file.maxReceived
    }
    return RetentionPlan(entries: entries)
  }

  private init(entries: [Entry]) { self.entries = entries }

  /// Name of the counter that says since when the clock is right.
  static let rightClock = "clock_right_since"

  /// What came while the clock stood before 2020 ages from when it was put right.
  static func withRightClock(_ files: [DataFile], since: Int64?) -> [DataFile] {
    guard let since else { return files }
    return files.map { file in
      var file = file
      if file.maxReceived < ClockWatch.earliest { file.maxReceived = since }
      return file
    }
  }

  /// Age counts from arrival, so that an import or a clock in 1970 is not eaten at once.
  static func expired(_ files: [DataFile], _ options: StoreOptions, _ now: Int64) -> [Entry] {
    let ages = options.ageByClass
    return files.compactMap { file in
      guard let name = file.className, let age = ages[name] else { return nil }
      let end = max(end(of: file, after: age), file.keepUntil ?? .min)
      return end < now ? Entry(file: file, reason: .age, at: end) : nil
    }
  }

  /// All settled files: the class with the shortest age goes first, in it what arrived first, and last of all what an import
  /// still wants kept. `at` is when a file is old enough to go for the cap.
  static func byCap(_ files: [DataFile], _ options: StoreOptions, _ now: Int64) -> [Entry] {
    var rank: [String: Int64] = [:]
    for entry in options.classes.classes { rank[entry.name] = entry.ageNanoseconds ?? .max }
    return
      files
      .filter { !$0.isLanding }
      .sorted { a, b in
        let isKept = ((a.keepUntil ?? .min) > now, (b.keepUntil ?? .min) > now)
        if isKept.0 != isKept.1 { return isKept.1 }
        let left = rank[a.className ?? ""] ?? 0
        let right = rank[b.className ?? ""] ?? 0
        return left != right ? left < right : a.maxReceived < b.maxReceived
      }
      .map { Entry(file: $0, reason: .cap, at: end(of: $0, after: options.minAge)) }
  }

  private static func end(of file: DataFile, after age: Int64) -> Int64 {
    let (end, overflow) = file.maxReceived.addingReportingOverflow(age)
    return overflow ? .max : end
  }

  /// Of a directory as it lies on disk, from any process.
  package static func read(_ directory: DataDirectory, _ options: StoreOptions) throws(SQLiteError) -> RetentionPlan {
    let used = FileSystem.allocatedBelow(directory.path, except: [directory.exports, directory.drop])
    // Days of the reject log go first.
    let rejected = RejectedDays(directory, now: options.clock())
    let due = rejected.due(options, mayAge: true)
    let gone = due.reduce(Int64(0)) { $0 + $1.bytes }
    let deficit =
      Pruner.deficit(
        options, reserve: Pruner.reserve(options, directory), used: used - gone,
        space: FileSystem.space(directory.path))
      - rejected.past.reduce(-gone) { $0 + $1.bytes }
    var rightClock: Int64?
    if FileSystem.exists(directory.state) {
      rightClock = try Connection(directory.state, .readOnly).integer(
        "SELECT value FROM counter WHERE name = ?", .text(Self.rightClock))
    }
    let files = withRightClock(try FileList.read(directory), since: rightClock)
    return make(files: files, options: options, deficit: deficit, now: options.clock())
  }
}

extension StoreOptions {
  /// Nanoseconds; classes without an end are left out.
  fileprivate var ageByClass: [String: Int64] {
    var ages: [String: Int64] = [:]
    for entry in classes.classes { ages[entry.name] = entry.ageNanoseconds }
    return ages
  }
}
