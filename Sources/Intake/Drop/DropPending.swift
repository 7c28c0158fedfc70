/// Which files wait for what. Pure: time comes from outside, nanoseconds of a clock that only goes forward.
package struct DropPending: Sendable {
  package enum Event: Sendable, Equatable {
    /// Renamed into the folder: whole, whatever it is.
    case moved
    /// Made, written to or closed.
    case changed
    case gone
  }

  private struct Entry {
    var stamp: DropFolder.Stamp?
    var seen: Int64
    var changed: Int64
    var isMoved = false
    /// Not looked at again before.
    var notBefore: Int64 = 0
    /// As it is, it cannot be taken, or it was and cannot be moved away.
    var isLeft = false
  }

  private let settle: Int64
  private var entries: [String: Entry] = [:]
  /// How long an open writer is waited for.
  private static let patience: Int64 = 3_600_000_000_000

  package init(settle: Int64) { self.settle = settle }

  package var count: Int { entries.count { !$0.value.isLeft } }

  package mutating func note(_ event: Event, _ name: String, now: Int64) {
    if DropFolder.ignores(name) { return }
    switch event {
    case .gone: entries[name] = nil
    case .moved:
      var entry = Entry(seen: now, changed: now)
      entry.isMoved = true
      entries[name] = entry
    case .changed:
      var entry = entries[name] ?? Entry(seen: now, changed: now)
      entry.changed = now
      entry.isMoved = false
      entry.isLeft = false
      entries[name] = entry
    }
  }

  /// What a scan finds. `wall`: nanoseconds since 1970, to tell how long a file that nobody has told about is quiet.
  package mutating func scan(_ found: [DropFolder.Entry], now: Int64, wall: Int64) {
    let names = Set(found.map(\.name))
    entries = entries.filter { names.contains($0.key) }
    for file in found {
      guard var entry = entries[file.name] else {
        var entry = Entry(seen: now, changed: now - max(0, min(wall - file.stamp.modified, settle)))
        entry.stamp = file.stamp
        entries[file.name] = entry
        continue
      }
      if let stamp = entry.stamp, stamp != file.stamp {
        entry.changed = now
        entry.isLeft = false
      }
      entry.stamp = file.stamp
      entries[file.name] = entry
    }
  }

  /// Names that may be taken now, the longest waiting first.
  package func due(now: Int64) -> [String] {
    entries.filter { !$0.value.isLeft && ready($0.value) <= now }
      .sorted { ($0.value.changed, $0.key) < ($1.value.changed, $1.key) }.map(\.key)
  }

  /// When the next one may be due; nil: none waits.
  package var deadline: Int64? { entries.values.filter { !$0.isLeft }.map(ready).min() }

  private func ready(_ entry: Entry) -> Int64 {
    max(entry.isMoved ? entry.changed : entry.changed + settle, entry.notBefore)
  }

  /// Whether an open writer is a reason to wait still.
  package func waitsForWriter(_ name: String, now: Int64) -> Bool {
    guard let entry = entries[name] else { return false }
    return !entry.isMoved && now - entry.seen < Self.patience
  }

  package mutating func postpone(_ name: String, until: Int64) { entries[name]?.notBefore = until }

  package mutating func remove(_ name: String) { entries[name] = nil }

  /// Until it changes.
  package mutating func leave(_ name: String, _ stamp: DropFolder.Stamp) {
    entries[name]?.isLeft = true
    entries[name]?.stamp = stamp
  }
}
