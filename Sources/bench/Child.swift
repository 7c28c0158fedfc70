import Glibc

/// A started program whose standard output is read here.
final class Child {
  let id: pid_t
  private let output: Int32
  private var buffer: [UInt8] = []
  private var hasEnded = false

  init(_ arguments: [String], environment: [String: String] = [:]) throws(BenchFailure) {
    var pipes: [Int32] = [0, 0]
    guard pipe(&pipes) == 0 else { throw BenchFailure("no pipe") }
    _ = fcntl(pipes[0], F_SETFD, FD_CLOEXEC)
    _ = fcntl(pipes[1], F_SETFD, FD_CLOEXEC)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
    let variables = Self.inherited(except: environment) + environment.map { "\($0.key)=\($0.value)" }
    var child = pid_t()
    let code = Self.withPointers(arguments) { arguments in
      Self.withPointers(variables) { variables in
        arguments[0].map { posix_spawn(&child, $0, &actions, nil, arguments, variables) } ?? ENOENT
      }
    }
    close(pipes[1])
    output = pipes[0]
    guard code == 0 else { throw BenchFailure("\(arguments[0]): \(String(cString: strerror(code)))") }
    id = child
  }

  deinit {
    if !hasEnded {
      kill(id, SIGKILL)
      wait()
    }
    close(output)
  }

  private static func inherited(except: [String: String]) -> [String] {
    var variables: [String] = []
    var next = environ
    while let text = next.pointee {
      let variable = String(cString: text)
      let name = variable.prefix { $0 != "=" }
      if !name.hasPrefix("GARNER_"), except[String(name)] == nil { variables.append(variable) }
      next += 1
    }
    return variables
  }

  private static func withPointers<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has an address") }
      return body(base)
    }
  }

  /// The next line without its end; nil when the program closed its output.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        return line
      }
      if !more() { return nil }
    }
  }

  /// All that is left of the output, and the exit status (128 + signal when killed).
  func finish() -> (output: String, status: Int32) {
    while more() {}
    return (String(decoding: buffer, as: UTF8.self), wait())
  }

  private func more() -> Bool {
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = read(output, &piece, piece.count)
    if count < 0, errno == EINTR { return true }
    guard count > 0 else { return false }
    buffer.append(contentsOf: piece[..<count])
    return true
  }

  @discardableResult func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0, errno == EINTR {}
    hasEnded = true
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
  }
}
