import Telemetry

/// Makes the next landing file while the writer still fills the current one: about ten fsyncs that no sender has to wait for.
///
/// `@unchecked Sendable`: everything mutable is covered by `bell`; a file is handed over once and then the writer's alone.
final class LandingPreparer: @unchecked Sendable {
  private let bell = Bell()
  private var wanted: Wanted?
  private var ready: LandingFile?
  private var busy = false
  private var stopping = false
  private var stopped = false

  struct Wanted {
    var number: Int64
    var nextID: Int64
  }

  private let make: @Sendable (Wanted) -> LandingFile?

  /// `make` runs on a thread of its own. Nil: trouble, which shows again, and is told, when the writer makes the file itself.
  init(_ make: @escaping @Sendable (Wanted) -> LandingFile?) { self.make = make }

  func start() { Thread.start("garner-landing") { self.run() } }

  /// Returns at once; wanting the same number again does nothing.
  func want(number: Int64, nextID: Int64) {
    bell.locked {
      guard ready == nil, wanted == nil, !busy else { return }
      wanted = Wanted(number: number, nextID: nextID)
      bell.ring()
    }
  }

  /// The file `number`, when it was made ahead, or is just being made; nil: the caller has to make it. Blocks while it is made.
  func take(number: Int64) -> LandingFile? {
    bell.locked {
      while busy { bell.wait(nanoseconds: 1_000_000_000) }
      wanted = nil
      guard let file = ready, file.number == number else { return nil }
      ready = nil
      return file
    }
  }

  /// Ends the thread; a file that nobody took is removed, where it is ours.
  func stop(isInPlace: () -> Bool) {
    bell.locked {
      stopping = true
      bell.ring()
      while !stopped { bell.wait(nanoseconds: 1_000_000_000) }
    }
    if let file = ready {
      file.connection.close()
      if isInPlace() { try? FileSystem.removeDatabase(file.path) }
      ready = nil
    }
  }

  private func run() {
    while true {
      var next: Wanted?
      var end = false
      bell.locked {
        while wanted == nil && !stopping { bell.wait() }
        end = stopping
        next = wanted
        wanted = nil
        busy = next != nil && !end
      }
      if end { break }
      guard let next else { continue }
      let file = make(next)
      bell.locked {
        ready = file
        busy = false
        bell.ring()
      }
    }
    bell.locked {
      stopped = true
      bell.ring()
    }
  }
}
