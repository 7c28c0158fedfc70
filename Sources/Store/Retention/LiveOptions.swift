import Synchronization
package import Telemetry

/// The options of an open store that may change while it runs: caps, ages and intervals of retention.
final class LiveOptions: Sendable {
  // covers: the options; nothing is taken inside.
  private let options: Mutex<StoreOptions>
  private let isNew = Atomic<Bool>(false)

  init(_ options: StoreOptions) { self.options = Mutex(options) }

  var current: StoreOptions { options.withLock { $0 } }

  /// Whether they changed, or somebody wanted a look, since this was asked last.
  func takeNews() -> Bool { isNew.exchange(false, ordering: .relaxed) }

  /// Retention looks when its turn comes, interval or not.
  func wantLook() { isNew.store(true, ordering: .relaxed) }

  /// Takes over what retention looks at. Classes must be the same but for their ages: rows lie on disk by class.
  func take(retentionOf new: StoreOptions) {
    options.withLock { options in
      options.maxBytes = new.maxBytes
      options.minAge = new.minAge
      options.reserveBytes = new.reserveBytes
      options.pruneInterval = new.pruneInterval
      if options.classes.differsOnlyInAges(from: new.classes) { options.classes = new.classes }
    }
    wantLook()
  }
}

extension RetentionClasses {
  /// Same classes with the same patterns in the same order: every row still belongs where it lies.
  package func differsOnlyInAges(from other: RetentionClasses) -> Bool {
    classes.elementsEqual(other.classes) {
      $0.name == $1.name && $0.patterns == $1.patterns && $0.restricted == $1.restricted
    }
  }
}

extension DataStore {
  /// Options as they are now.
  package var currentOptions: StoreOptions { live.current }

  /// Takes over the retention of `new` and looks at it at once.
  package func reconfigure(_ new: StoreOptions) {
    live.take(retentionOf: new)
    wake()
  }
}
