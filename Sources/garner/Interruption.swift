import Glibc
import Synchronization

/// Ctrl-C or SIGTERM, for work that must tidy up behind itself.
struct Interruption: Error {
  private let number: Int32

  /// A signal handler can reach nothing but globals.
  private static let raised = Atomic<Int32>(0)

  /// From here on the first signal is heard by `check`; a second one ends the program at once.
  static func arm() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interruption.raised.store(number, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }

  static func check() throws {
    let number = raised.load(ordering: .relaxed)
    if number != 0 { throw Interruption(number: number) }
  }

  /// Ends the program as the signal would have.
  func end() -> Never {
    signal(number, SIG_DFL)
    raise(number)
    exit(128 + number)
  }
}
