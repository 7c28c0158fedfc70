import Synchronization
import Telemetry

/// Turns retired landing files into shards by class and day, one at a time, on a thread of its own.
///
/// ```
/// landing/7.db ──▶ tmp/7-1.db … 7-k.db ──fsync, rename──▶ shards/<class>/<day>/7-1.db …
///                                       one transaction over catalog and state: files, receipts, books, settled(7)
///                                       unlink landing/7.db
/// ```
/// A crash before the transaction leaves parts that the next settling of 7 replaces; one after it leaves a landing file that
/// `settled(7)` says is done. Nothing is ever counted twice.
///
/// `@unchecked Sendable`: `waiting` and `phase` are covered by `bell`.
final class Settler: @unchecked Sendable {
  private let bell = Bell()
  private var waiting: [Int64] = []
  private var lastIDs: [Int64: Int64] = [:]
  private var stopping = false
  private var stopped = false
  private var busy = false
  private var paused = 0
  private var wanted = false
  /// How often `idle` has run.
  private var looks = 0
  /// Attempts that failed since one went well, with the last reason and when it was told.
  private var failures = 0
  private var lastFailure = ""
  private var lastTold: Int64?
  private static let failureLimit = 10
  private static let tellInterval: Int64 = 60_000_000_000

  private let directory: DataDirectory
  private let options: StoreOptions
  private let catalog: Catalog
  private let vitals: StoreVitals
  private let marks: MarkBook
  private let report: @Sendable (StoreEvent) -> Void
  /// Called on the settler's thread between files: pruning, compaction.
  private let idle: @Sendable () -> Void

  init(
    directory: DataDirectory, options: StoreOptions, catalog: Catalog, vitals: StoreVitals, marks: MarkBook,
    report: @escaping @Sendable (StoreEvent) -> Void, idle: @escaping @Sendable () -> Void
  ) {
    self.directory = directory
    self.options = options
    self.catalog = catalog
    self.vitals = vitals
    self.marks = marks
    self.report = report
    self.idle = idle
  }

  func start() { Thread.start("garner-settler") { self.run() } }

  /// `lastID`: of the last row that was committed to the file or before, when this process wrote it.
  func add(_ number: Int64, lastID: Int64? = nil) {
    bell.locked {
      if let lastID { lastIDs[number] = lastID }
      waiting.append(number)
      bell.ring()
    }
  }

  /// Runs `idle` soon, e.g. because the disk got full.
  func wake() {
    bell.locked {
      wanted = true
      bell.ring()
    }
  }

  /// Returns when nothing waits and nothing is being settled; blocks. For commands and tests. The reason when it fails again
  /// and again: nobody knows how long that takes.
  @discardableResult func drain() -> String? {
    bell.locked {
      let start = failures
      while (!waiting.isEmpty || busy || wanted) && !stopped {
        // Counted from 0 again after one that went well.
        if failures >= Self.failureLimit && failures >= start + Self.failureLimit { return lastFailure }
        bell.wait(nanoseconds: 50_000_000)
      }
      return nil
    }
  }

  /// Runs `idle` and returns when it has run, or after `nanoseconds`; blocks.
  func look(within nanoseconds: Int64) {
    let end = Monotonic.now() + nanoseconds
    bell.locked {
      // The one that is under way began before.
      let goal = looks + (busy ? 2 : 1)
      wanted = true
      bell.ring()
      while looks < goal && !stopping && Monotonic.now() < end { bell.wait(nanoseconds: 50_000_000) }
    }
  }

  /// Returns once the thread rests; until `resume` it does nothing.
  func pause() {
    bell.locked {
      paused += 1
      while busy && !stopped { bell.wait(nanoseconds: 50_000_000) }
    }
  }

  func resume() {
    bell.locked {
      paused -= 1
      bell.ring()
    }
  }

  /// Finishes the file at hand and ends; what waits is settled after the next start.
  func stop() {
    bell.locked {
      stopping = true
      bell.ring()
      while !stopped { bell.wait(nanoseconds: 1_000_000_000) }
    }
  }

  private func run() {
    while true {
      var number: Int64?
      var end = false
      bell.locked {
        if (waiting.isEmpty || paused > 0) && !stopping && !wanted {
          bell.wait(nanoseconds: min(options.pruneInterval, 5_000_000_000))
        }
        while paused > 0 && !stopping { bell.wait(nanoseconds: 50_000_000) }
        if stopping {
          end = true
        } else {
          if !waiting.isEmpty { number = waiting.removeFirst() }
          wanted = false
          busy = true
        }
      }
      if end {
        bell.locked {
          stopped = true
          bell.ring()
        }
        return
      }
      if let number { settle(number) }
      idle()
      bell.locked {
        looks += 1
        busy = false
        bell.ring()
      }
    }
  }

  /// About as many bytes are in settled files now; the next look knows better.
  private func leaveBacklog(_ bytes: Int64) {
    vitals.settledBytes.wrappingAdd(bytes, ordering: .relaxed)
    let left = vitals.backlog.wrappingSubtract(1, ordering: .relaxed).newValue
    if left <= 0 {
      vitals.backlogBytes.store(0, ordering: .relaxed)
    } else {
      vitals.backlogBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }
  }

  /// Counts a failure. Whether the operator should hear of it: five a second say no more than one a minute.
  private func isNews(_ reason: String) -> Bool {
    bell.locked {
      failures += 1
      defer { lastFailure = reason }
      let now = Monotonic.now()
      if reason == lastFailure, let lastTold, now - lastTold < Self.tellInterval { return false }
      lastTold = now
      return true
    }
  }

  /// One landing file, with its failures: a full disk waits and tries again, a corrupt file is set aside.
  private func settle(_ number: Int64) {
    let start = Monotonic.now()
    let lastID = bell.locked { lastIDs[number] }
    let landed = SettleJob.bytes(directory, number)
    do throws(StoreFailure) {
      if !catalog.isInPlace() { throw StoreFailure(Catalog.goneError(directory)) }
      let rows = try SettleJob(directory, options, catalog, number).run(lastID: lastID)
      marks.settled(number)
      bell.locked {
        lastIDs[number] = nil
        failures = 0
        lastTold = nil
      }
      leaveBacklog(landed)
      vitals.settledFiles.wrappingAdd(1, ordering: .relaxed)
      vitals.settledRows.wrappingAdd(rows, ordering: .relaxed)
      vitals.settleNanoseconds.wrappingAdd(Monotonic.now() - start, ordering: .relaxed)
    } catch {
      if error.isCorrupt {
        vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
        let path = directory.landingFile(number)
        let outcome = Quarantine.setAside(path, directory, options, catalog, reason: error.description)
        let reason = outcome.trouble.isEmpty ? error.description : "\(error.description); salvage: \(outcome.trouble)"
        report(.quarantined(path: path, reason: reason, salvaged: outcome.salvaged, lost: outcome.lost))
        if outcome.isRebuilt {
          add(number)
        } else {
          leaveBacklog(landed)
        }
      } else {
        if isNews(error.description) { report(.settlingFailed(number: number, reason: error.description)) }
        // Full or failing disk: later again, and let the pruner make room first.
        bell.locked {
          waiting.append(number)
          bell.wait(nanoseconds: 200_000_000)
        }
      }
    }
  }
}

/// What went wrong in Store, whichever call said so.
package struct StoreFailure: Error, Sendable, CustomStringConvertible {
  package var description: String
  package var isCorrupt = false
  package var isFull = false

  init(_ error: SQLiteError) {
    description = error.description
    isCorrupt = error.isCorrupt
    isFull = error.isFull
  }

  init(_ error: FileError) {
    description = error.description
    isFull = error.isFull
  }

  package init(_ description: String) { self.description = description }
}

/// What an operator should hear of; the daemon logs it.
package enum StoreEvent: Sendable {
  case quarantined(path: String, reason: String, salvaged: Int64, lost: Int64)
  case settlingFailed(number: Int64, reason: String)
  case pruned(path: String, className: String, rows: Int64, bytes: Int64, policy: String)
  case fileLost(path: String, rows: Int64)
  case diskFull(free: Int64, reserve: Int64)
  case capReached(used: Int64, cap: Int64, quarantine: Int64)
  /// A day of the reject log went.
  case rejectsPruned(path: String, bytes: Int64, policy: String)
  /// What lies in `quarantine/` takes a large part of the cap.
  case quarantineLarge(path: String, bytes: Int64, cap: Int64)
  case recovered(landingFiles: Int, settledFiles: Int, rows: Int64)
  case catalogRebuilt(files: Int)
  case stateRestored(from: String)
  /// Nothing is removed by age until the operator has accepted a `state.db` that is not the newest.
  case agePaused(since: String)
  case newer(path: String)
  /// `catalog.db` or `state.db` was deleted or exchanged while it was open.
  case putBack(path: String)
  /// Rows that were acknowledged and are in no file.
  case rowsMissing(first: Int64, last: Int64)
  /// Nothing is removed by age until the clock has gone on like that for a while.
  case clockJumped(from: Int64, to: Int64)
}
