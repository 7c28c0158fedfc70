import Forward
import Store

/// What `positions.db` says of the destinations that are configured; the daemon's memory is not asked.
struct KeptRuns {
  /// In the order of destinations and keys.
  let runs: [(destination: DestinationConfig, run: KeptRun)]

  init(_ directory: DataDirectory, _ config: GarnerConfig) throws(SQLiteError) {
    guard !config.destinations.isEmpty, FileSystem.exists(directory.forwardPositions) else {
      runs = []
      return
    }
    let states = try PositionBook.read(directory)
    runs = config.destinations.flatMap { entry in
      let options = entry.options(config.retention.classes, now: FileSystem.now())
      return states.sorted { $0.key < $1.key }.compactMap { key, bytes in
        KeptRun(key, bytes, options).map { (entry, $0) }
      }
    }
  }

  /// Sentences about runs whose books do not balance (FORWARD §3).
  var unexplained: [String] {
    runs.compactMap { entry, run in
      let difference = run.unexplained
      // A state of before that was written down: what was summed up goes out when its slot is over.
      let isUnknown = run.state.summed == nil && entry.type == .prometheus
      if difference == 0 || (difference > 0 && isUnknown) { return nil }
      return "\(run.key): \(run.state.books.matched) records matched, but \(run.explained) are accounted for"
    }
  }
}
