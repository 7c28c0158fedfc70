import Forward
import Store
import Synchronization

/// Where destinations keep what they know: positions in a database, folds in files beside it.
final class PositionStorage: ForwardStorage {
  private struct State {
    /// Nil: not needed yet. Where nothing is forwarded, no file says so.
    var book: PositionBook?
    var saves = 0
    var memory = ForwardMemory.whole
  }

  private let directory: DataDirectory
  private let folder: String
  private let report: @Sendable (String) -> Void
  // covers: the book, which is one thread's at a time.
  private let state = Mutex(State())

  /// Saves between two that reach the disk itself: some seconds of a busy destination.
  private static let savesPerCheckpoint = 40

  private let isInPlace: @Sendable () -> Bool

  /// `isInPlace`: whether the directory is still the one that was opened; nothing is written into another one. `report`: a
  /// sentence for the operator, when what was there could not be read.
  init(
    _ directory: DataDirectory, isInPlace: @escaping @Sendable () -> Bool = { true },
    report: @escaping @Sendable (String) -> Void
  ) {
    self.isInPlace = isInPlace
    self.directory = directory
    self.report = report
    folder = directory.forward
  }

  private func book(_ state: inout State) throws -> PositionBook {
    if let book = state.book { return book }
    let book = try PositionBook(directory)
    state.book = book
    if let damaged = book.damaged {
      state.memory = book.isRestored ? .aged : .lost
      report(
        "the positions of destinations could not be read and were set aside as \(damaged): "
          + (book.isRestored
            ? "a copy that is some seconds old takes their place, and what was sent since goes once more"
            : "every destination is paused until `garner forward resume` or `skip`"))
    }
    return book
  }

  var memory: ForwardMemory { state.withLock { $0.memory } }

  func states() throws -> [String: [UInt8]] {
    try state.withLock { state in
      // Nothing was ever sent anywhere.
      if state.book == nil && !FileSystem.exists(directory.forwardPositions) { return [:] }
      return try book(&state).all()
    }
  }

  func save(_ states: [String: [UInt8]?]) throws {
    try state.withLock { state in
      try book(&state).save(states)
      if state.saves % Self.savesPerCheckpoint == 0 { try state.book?.checkpoint() }
      state.saves += 1
    }
  }

  func close() {
    // SQLite would remove a log by its name.
    if !isInPlace() { return }
    state.withLock { state in
      try? state.book?.checkpoint()
      state.book?.close()
      state.book = nil
    }
  }

  // MARK: folds

  /// `<name>-<position>.state`, where the slash of a name is a dot.
  private func prefix(_ name: String) -> String {
    String(name.map { $0 == "/" ? "." : $0 }) + "-"
  }

  private func positions(_ name: String) -> [Int64] {
    let prefix = prefix(name)
    return FileSystem.list(folder).compactMap { file in
      guard file.hasPrefix(prefix), file.hasSuffix(".state") else { return nil }
      return Int64(file.dropFirst(prefix.count).dropLast(6))
    }
  }

  private func path(_ name: String, _ position: Int64) -> String { "\(folder)/\(prefix(name))\(position).state" }

  func checkpoints(_ name: String) -> [Checkpoint] {
    positions(name).compactMap { position in
      guard let state = try? FileSystem.read(path(name, position), limit: 1 << 30) else { return nil }
      return Checkpoint(position: position, state: state)
    }
  }

  func save(_ checkpoint: Checkpoint, _ name: String, dropping: Int64?) throws {
    if !isInPlace() { return }
    try FileSystem.writeDurably(path(name, checkpoint.position), checkpoint.state)
    if let dropping, dropping != checkpoint.position { try FileSystem.remove(path(name, dropping)) }
  }

  func removeCheckpoints(_ name: String) throws {
    if !isInPlace() { return }
    for position in positions(name) { try FileSystem.remove(path(name, position)) }
  }
}
