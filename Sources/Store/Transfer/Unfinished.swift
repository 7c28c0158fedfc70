import Glibc

/// Names of files that are being written and are nothing yet, for a signal handler to remove. Used by one thread.
package enum Unfinished {
  private static let most = 4
  // A handler may only read plain memory: pointers that are there from the beginning, and names that are never freed.
  nonisolated(unsafe) private static let names = {
    let names = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: most)
    names.initialize(repeating: nil, count: most)
    return names
  }()

  package static func add(_ path: String) {
    if let free = (0..<most).first(where: { names[$0] == nil }) { names[free] = strdup(path) }
  }

  package static func remove(_ path: String) {
    for place in 0..<most {
      if let name = names[place], strcmp(name, path) == 0 { names[place] = nil }
    }
  }

  /// From here on SIGINT and SIGTERM leave none of them behind.
  package static func arm() {
    _ = names
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        for place in 0..<Unfinished.most {
          if let name = Unfinished.names[place] { unlink(name) }
        }
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }
}
