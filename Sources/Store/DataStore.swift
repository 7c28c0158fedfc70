import Synchronization
import Telemetry

/// A store that is open for writing: the lock, the catalog, the writer and the settler of one data directory.
///
/// Reading needs none of this: `FileList.read` and `QuerySession` work from any process.
package final class DataStore: Sendable {
  package let directory: DataDirectory
  package let options: StoreOptions
  package let catalog: Catalog
  package let vitals: StoreVitals
  package let writer: LandingWriter
  /// Random, made with the directory; names this store in exports and towards other stores.
  package let storeID: String
  let marks: MarkBook
  let live: LiveOptions
  let pruneWatchers: PruneWatchers
  private let settler: Settler
  private let lock: DirectoryLock
  /// The last row when it was opened.
  private let firstID: Int64
  private let report: @Sendable (StoreEvent) -> Void

  /// Opens or makes `directory`. Throws when another process holds it, or when the disk cannot be written at all.
  package init(
    _ directory: DataDirectory, _ options: StoreOptions, report: @escaping @Sendable (StoreEvent) -> Void = { _ in }
  ) throws(StoreFailure) {
    self.directory = directory
    self.options = options
    self.report = report
    let vitals = StoreVitals()
    self.vitals = vitals
    var recovery = Recovery(directory: directory, options: options, vitals: vitals, report: report)
    do throws(FileError) {
      try FileSystem.createFolders(directory.path)
      guard let held = try DirectoryLock(directory) else { throw FileError("lock", directory.lock, 11) }
      lock = held
      recovery.isInPlace = { [weak held] in held?.isInPlace ?? true }
      try recovery.makeFolders()
    } catch {
      if error.operation == "lock" {
        throw StoreFailure("\(directory.path) is in use by another garner process (\(directory.lock) is locked)")
      }
      throw StoreFailure(error)
    }
    vitals.reserveBytes.store(Pruner.reserve(options, directory), ordering: .relaxed)
    let found = try recovery.run()
    let catalog = found.catalog
    let toSettle = found.toSettle
    self.catalog = catalog
    storeID = found.storeID
    let live = LiveOptions(options)
    self.live = live
    let watchers = PruneWatchers()
    pruneWatchers = watchers
    let maintenance = Maintenance(
      directory: directory, options: live, catalog: catalog, vitals: vitals, watchers: watchers, report: report)
    let marks = found.recovered.marks
    self.marks = marks
    let settler = Settler(
      directory: directory, options: options, catalog: catalog, vitals: vitals, marks: marks, report: report,
      idle: { maintenance.run() })
    self.settler = settler
    vitals.backlog.store(Int64(toSettle.count), ordering: .relaxed)
    let waiting = toSettle.reduce(Int64(0)) { $0 + SettleJob.bytes(directory, $1) }
    vitals.backlogBytes.store(waiting, ordering: .relaxed)
    let used = FileSystem.allocatedBelow(
      directory.path, except: [directory.exports, directory.drop, directory.landing])
    vitals.settledBytes.store(used, ordering: .relaxed)
    writer = LandingWriter(
      directory: directory, options: options, catalog: catalog, vitals: vitals, storeID: storeID,
      live: live, recovered: found.recovered, retired: { settler.add($0, lastID: $1) },
      look: { settler.look(within: 2_000_000_000) })
    firstID = vitals.lastID.load(ordering: .relaxed)
    maintenance.lookAtClock()
    for number in toSettle { settler.add(number) }
    settler.start()
    writer.start()
  }

  /// False once the data directory was removed, moved away or exchanged under the open store: it takes nothing any more.
  package var isInPlace: Bool { lock.isInPlace }

  /// Where to bind `control.sock`: who closes it removes its name, which by then may be that of another daemon's.
  package var controlSocket: String { DataDirectory(lock.pathOfOurs).controlSocket }

  /// Takes no more batches, commits what waits, ends both threads, closes the databases. Blocks until done.
  package func close() {
    writer.stop()
    settler.stop()
    if vitals.lastID.load(ordering: .acquiring) != firstID {
      try? catalog.setCounter(Catalog.acknowledged, vitals.lastID.load(ordering: .acquiring))
    }
    catalog.close()
  }

  /// Retires the current landing file and returns when everything that was committed before lies in shards; blocks. Not nil:
  /// why it cannot be settled.
  @discardableResult package func settleAll() -> StoreFailure? {
    writer.retireCurrent()
    writer.settlePoint()
    return settler.drain().map { StoreFailure($0) }
  }

  /// `body` while the settler's thread neither settles nor prunes.
  func settlerPaused<Result>(_ body: () throws(StoreFailure) -> Result) throws(StoreFailure) -> Result {
    settler.pause()
    defer { settler.resume() }
    return try body()
  }

  /// Quarantines a settled file that turned out to be damaged. What took its place; nil: nothing could be saved.
  func setAside(_ file: DataFile, reason: String) -> DataFile? {
    vitals.quarantined.wrappingAdd(1, ordering: .relaxed)
    let outcome = Quarantine.setAside(file.path, directory, options, catalog, reason: reason)
    report(.quarantined(path: file.path, reason: reason, salvaged: outcome.salvaged, lost: outcome.lost))
    return outcome.file
  }

  /// Looks at a settled file that somebody could not read: it is set aside when it is damaged, and booked when it is gone.
  /// Blocks; false: no settled file has this path.
  @discardableResult package func check(_ path: String) throws(StoreFailure) -> Bool {
    try settlerPaused { () throws(StoreFailure) in
      do throws(SQLiteError) {
        guard let file = try catalog.files().first(where: { $0.path == path }) else { return false }
        if let reason = FileCheck.trouble(path) {
          _ = setAside(file, reason: reason)
        } else {
          try FileCheck.bookMissing([file], catalog, now: options.clock(), report)
        }
        return true
      } catch { throw StoreFailure(error) }
    }
  }

  /// Lets retention look soon; does not wait.
  func wake() { settler.wake() }

  /// Lets retention look at once instead of at its interval; blocks until it has.
  package func maintainNow() {
    live.wantLook()
    settler.wake()
    settler.drain()
  }
}
