import Glibc
package import Logging
import Telemetry

/// The drop folder: whatever is laid into `in` is stored once and lies in `done` then, or in `rejected` with the reason
/// (`docs/drop.md`).
package final class DropDoor<Store: DropStore, Rejects: RejectSink>: Sendable {
  package static var name: String { dropDoorName }

  package let vitals = DropVitals()
  package let folder: DropFolder
  private let options: DropOptions
  private let stopping = DropStop()
  private let watch: DropWatch
  private let taker: DropTaker<Store, Rejects>
  private let logger: Logger
  /// Between two looks at a file that somebody has open.
  private static var writerInterval: Int64 { 1_000_000_000 }

  /// Makes the folders. Throws when that fails.
  package init(
    folder path: String, store: Store, rejects: Rejects, options: DropOptions, logger: Logger
  ) throws {
    // A lease that is broken tells its holder by a signal that would end the process.
    signal(SIGIO, SIG_IGN)
    let folder = DropFolder(path)
    try folder.make()
    self.folder = folder
    self.options = options
    self.logger = logger
    watch = DropWatch(folder.incoming)
    taker = DropTaker(
      folder, store: store, rejects: rejects, options: options, vitals: vitals, stopping: stopping, logger: logger)
  }

  /// May be called from anywhere, also twice.
  package func stop() {
    stopping.set()
    watch.wake()
  }

  /// Returns after `stop`; a file that is being taken then goes on at the next start.
  package func run() async {
    var pending = DropPending(settle: options.settle)
    var scanAt = Self.now()
    while !stopping.isSet {
      let now = Self.now()
      if now >= scanAt {
        let folder = folder
        pending.scan(await DropThread.run { folder.list() }, now: now, wall: options.clock())
        await tidy()
        scanAt = now + options.scan
      }
      for name in pending.due(now: now) {
        if stopping.isSet { return }
        await take(name, &pending)
        // What came meanwhile may change what waits.
        note(watch.wait(milliseconds: 0), &pending, &scanAt)
      }
      let next = min(scanAt, pending.deadline ?? .max)
      // Rounded up: a file is not due a part of a millisecond early.
      let pause = Int32(clamping: max(0, next - Self.now() + 999_999) / 1_000_000)
      let watch = watch
      note(await DropThread.run { watch.wait(milliseconds: pause) }, &pending, &scanAt)
    }
  }

  private func take(_ name: String, _ pending: inout DropPending) async {
    let now = Self.now()
    if pending.waitsForWriter(name, now: now), DropWriter.isOpen("\(folder.incoming)/\(name)") {
      return pending.postpone(name, until: now + Self.writerInterval)
    }
    switch await taker.take(name) {
    case .finished: pending.remove(name)
    case .left(let stamp): pending.leave(name, stamp)
    case .again: pending.note(.changed, name, now: Self.now())
    case .stopped: pending.postpone(name, until: Self.now() + Self.writerInterval)
    }
  }

  private func note(_ report: DropWatch.Report, _ pending: inout DropPending, _ scanAt: inout Int64) {
    let now = Self.now()
    for (name, event) in report.events { pending.note(event, name, now: now) }
    if report.isIncomplete { scanAt = now }
  }

  private func tidy() async {
    let folder = folder
    let options = options
    await DropThread.run {
      folder.tidy(
        now: options.clock(), keepDone: options.keepDone, keepRejected: options.keepRejected, bytes: options.keepBytes)
    }
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
