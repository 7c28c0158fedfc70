import Synchronization

/// Somebody who reads rows after they were committed and may not be through with a file that retention wants.
package protocol PruneWatch: Sendable {
  /// Which of these files should stay for now; they are in the order in which they would go.
  func holds(_ files: [DataFile]) -> [Bool]
  /// The file is removed right behind this call: what was not read of it is lost to the watcher.
  func willRemove(_ file: DataFile)
  /// A look at retention begins.
  func beginLook()
}

/// Where a watcher is entered once the store is open.
final class PruneWatchers: Sendable {
  private let watch = Mutex<(any PruneWatch)?>(nil)

  var current: (any PruneWatch)? { watch.withLock { $0 } }

  func set(_ watcher: any PruneWatch) { watch.withLock { $0 = watcher } }
}

extension DataStore {
  /// Asks `watcher` from now on before files go.
  package func watchPruning(_ watcher: any PruneWatch) { pruneWatchers.set(watcher) }
}
