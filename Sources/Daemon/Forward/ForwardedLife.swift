import Forward
import Store
import Telemetry
import Wire

/// The step `forwarded` of `garner why`: what became of stored rows at each destination.
enum ForwardedLife {
  private struct Sum: Hashable {
    var run: String
    var words: String
  }

  /// `events`: what is known of the items; those that are stored name their rows.
  static func events(
    _ events: [LifeEvent], _ directory: DataDirectory, _ config: GarnerConfig
  ) throws -> [LifeEvent] {
    let runs = try KeptRuns(directory, config).runs
    if runs.isEmpty { return [] }
    var found: [LifeEvent] = []
    for event in events where event.step == .stored && !event.ids.isEmpty {
      found += try forwarded(event, runs.map(\.run), directory)
    }
    return found
  }

  private static func forwarded(
    _ event: LifeEvent, _ runs: [KeptRun], _ directory: DataDirectory
  ) throws -> [LifeEvent] {
    let wanted = Set(event.ids)
    guard let first = wanted.min(), let last = wanted.max() else { return [] }
    var counts: [Sum: Int64] = [:]
    var options = RowReader.Options()
    options.filter.includeRestricted = true
    let reader = RowReader(options) { () throws(SQLiteError) in try FileList.read(directory) }
    _ = try reader.read(after: first - 1) { row in
      guard row.id <= last else { return false }
      guard wanted.contains(row.id), var record = OTLPRecord(row, withOrigin: true) else { return true }
      record.receivedAt = row.receivedAt
      record.isImported = row.isImported
      for run in runs {
        guard let words = words(run.fate(of: record), run) else { continue }
        counts[Sum(run: run.key, words: words), default: 0] += 1
      }
      return true
    }
    return counts.sorted { ($0.key.run, $0.key.words) < ($1.key.run, $1.key.words) }.map { sum, count in
      LifeEvent(
        .forwarded, LifeItem(event.kind, event.id), source: event.source, count: count, place: sum.run,
        detail: sum.words)
    }
  }

  private static func words(_ fate: KeptRun.Fate?, _ run: KeptRun) -> String? {
    switch fate {
    case nil: nil
    case .sent where run.state.books.skipped > 0: "sent, or passed over by a skip"
    case .sent: "sent"
    case .unsent: run.isReplay && run.state.replay?.isCancelled == true ? nil : "still to be sent"
    case .before: run.isReplay ? nil : "not sent: it was there before the destination"
    case .refused(let reason, let words): "refused: \(reason)\(words.isEmpty ? "" : ": \(words.prefix(200))")"
    }
  }
}
