import Glibc

/// Whole lines by `write(2)`: stdio's streams are mutable globals, and into a pipe they would keep lines back.
enum Output {
  static func line(_ text: String) { write(Array((text + "\n").utf8), to: STDOUT_FILENO) }

  static func error(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

  static func bytes(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// A reader that went away ends the program by SIGPIPE, a full disk or the like with a status: what is not written must
  /// not look like an empty answer.
  private static func write(_ bytes: [UInt8], to file: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        if file == STDERR_FILENO { return }
        error("garner: cannot write the standard output: \(String(cString: strerror(errno)))")
        exit(ExitStatus.inputOutput.rawValue)
      }
      rest = rest.dropFirst(count)
    }
  }
}
