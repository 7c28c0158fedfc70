import Telemetry

/// The days of the reject log, `rejected/<yyyy-mm-dd>.ndjson`. They help somebody to find out why, so they never cost data:
/// a day stays for 30 days, all of them together have a tenth of the cap, and where there is no room they go before any
/// class. Nothing else in that folder is touched.
struct RejectedDays {
  struct Day: Equatable {
    var path: String
    /// Since 1970.
    var number: Int64
    /// As `du` counts.
    var bytes: Int64
  }

  /// Days that are over, the one that goes first first.
  let past: [Day]
  private let today: Int64

  static let keptDays: Int64 = 30
  private static let suffix = ".ndjson"

  init(_ directory: DataDirectory, now: Int64) {
    let today = Timestamp.day(now)
    self.today = today
    past = FileSystem.list(directory.rejected)
      .compactMap { name in
        let path = directory.rejected + "/" + name
        return Self.number(name).map { Day(path: path, number: $0, bytes: FileSystem.allocated(path)) }
      }
      .filter { $0.number != today }
      // A clock that was wrong leaves days to come: they are as little worth as old ones.
      .sorted { abs($0.number - today) > abs($1.number - today) }
  }

  func isOld(_ day: Day) -> Bool { today - day.number > Self.keptDays }

  /// What goes without need of room. `mayAge` false: nothing by its age.
  func due(_ options: StoreOptions, mayAge: Bool) -> [Day] {
    var left = past.reduce(Int64(0)) { $0 + $1.bytes }
    let share = options.maxBytes.map { $0 / 20 } ?? .max
    return past.filter { day in
      guard mayAge && isOld(day) || left > share else { return false }
      left -= day.bytes
      return true
    }
  }

  /// Nil: no day of the log.
  static func number(_ name: String) -> Int64? {
    guard name.hasSuffix(suffix) else { return nil }
    let text = name.dropLast(suffix.utf8.count)
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
    guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
      (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let number = Timestamp.day(year: year, month: month, day: day)
    return Timestamp.text(day: number) == text ? number : nil
  }
}

extension StoreOptions {
  /// What one day of the reject log may have: the days before it may have as much again together.
  package var rejectedDayBytes: Int { Int(min(64 << 20, maxBytes.map { $0 / 20 } ?? .max)) }
}
