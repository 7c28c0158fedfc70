import Glibc
import Synchronization
import TestSupport

/// The real binary, as its users start it. One test uses one; what still runs at its end is killed.
///
/// `@unchecked Sendable`: all state is covered by `state`, or set once by `init`.
final class GarnerProcess: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// How a run ended and what it said.
  struct Outcome: Sendable {
    /// Exit code; 128 + the signal that ended it.
    var status: Int32
    var output: String
    var errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  private struct State {
    var status: Int32?
  }

  let pid: pid_t
  private let output: Int32
  private let errorsPath: String
  // covers: status; nothing is taken inside.
  private let state = Mutex(State())
  // covers: text of the standard output so far.
  private let text = Mutex<[UInt8]>([])

  /// Beside the test bundle, which on Linux is itself the running program; `GARNER_BINARY` names another one.
  static var binary: String {
    if let named = getenv("GARNER_BINARY") { return String(cString: named) }
    var path = [UInt8](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let bundle = String(decoding: path[..<max(length, 0)], as: UTF8.self)
    return (bundle.lastIndex(of: "/").map { String(bundle[...$0]) } ?? "") + "garner"
  }

  /// Nothing on the standard input; standard error goes to the file `errors`.
  init(_ arguments: [String], errors: String, environment: [String] = []) throws(Failure) {
    errorsPath = errors
    let (started, output) = try Self.spawning.withLock { _ throws(Failure) in
      try Self.spawn(arguments, errors: errors, environment: environment)
    }
    pid = started
    self.output = output
  }

  // covers: the moment in which a pipe would be inherited by a child that another test starts.
  private static let spawning = Mutex<Void>(())

  /// Process id and the reading end of its standard output.
  private static func spawn(
    _ arguments: [String], errors: String, environment: [String]
  ) throws(Failure) -> (pid_t, Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(description: "no pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let errorFile = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, nothing, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, errorFile, 2)
    var words = ([binary] + arguments).map { strdup($0) }
    words.append(nil)
    var variables = variables(environment).map { strdup($0) }
    variables.append(nil)
    // Threads of the pool block signals, and a child would go on blocking them.
    var attributes = posix_spawnattr_t()
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_init(&attributes)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var started = pid_t()
    let code = posix_spawn(&started, binary, &actions, &attributes, words, variables)
    posix_spawnattr_destroy(&attributes)
    for word in words + variables { free(word) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    close(errorFile)
    close(nothing)
    guard code == 0 else {
      close(ends[0])
      throw Failure(description: "cannot start \(binary): \(String(cString: strerror(code)))")
    }
    return (started, ends[0])
  }

  /// No configuration of this machine or of the shell that runs the tests, no doors at fixed ports, and rows as they came.
  private static func variables(_ own: [String]) -> [String] {
    let defaults = [
      "PATH=/usr/bin:/bin", "HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent", "GARNER_LISTEN_OTLP_GRPC=none",
      "GARNER_LISTEN_UDP=none", "GARNER_PRIVACY_POLICY=none",
    ]
    func name(_ variable: String) -> Substring { variable.prefix { $0 != "=" } }
    let named = Set(own.map(name))
    return defaults.filter { !named.contains(name($0)) } + own
  }

  deinit {
    if state.withLock({ $0.status }) == nil {
      kill(pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
    }
    close(output)
  }

  /// Runs a command to its end.
  static func run(_ arguments: [String], in folder: ScratchFolder, environment: [String] = []) async throws -> Outcome {
    let process = try GarnerProcess(arguments, errors: folder.fresh("stderr"), environment: environment)
    return await process.end()
  }

  var errors: String { ScratchFolder.read(errorsPath) }

  func signal(_ number: Int32) { kill(pid, number) }

  /// Reads the standard output until `enough` of it is there; throws when it ends before, or after a minute.
  func lines(until enough: @escaping @Sendable ([String]) -> Bool) async throws -> [String] {
    let lines: [String]? = await onThread { [self] in
      while true {
        let lines = text.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n").map(String.init)
        if enough(lines) { return lines }
        guard fill(waiting: 60_000) else { return nil }
      }
    }
    if let lines { return lines }
    throw Failure(description: "ended too early or said nothing: \(errors)")
  }

  /// False at the end of the output, or when nothing came in time.
  private func fill(waiting milliseconds: Int32) -> Bool {
    var asked = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    guard poll(&asked, 1, milliseconds) > 0 else { return false }
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = read(output, &piece, piece.count)
    guard count > 0 else { return false }
    text.withLock { $0 += piece[..<count] }
    return true
  }

  /// Waits for the end of the process.
  func end() async -> Outcome {
    await onThread { [self] in
      while fill(waiting: 120_000) {}
      var status: Int32 = 0
      if let known = state.withLock({ $0.status }) {
        status = known
      } else {
        waitpid(pid, &status, 0)
        let raw = status
        state.withLock { $0.status = raw }
      }
      let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
      return Outcome(status: code, output: text.withLock { String(decoding: $0, as: UTF8.self) }, errors: errors)
    }
  }
}

/// Blocking work on a thread of its own: the pool has as many threads as the machine has cores.
func onThread<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    ProcessThread.start { continuation.resume(returning: work()) }
  }
}

private final class ProcessThread {
  private let work: @Sendable () -> Void
  private init(_ work: @escaping @Sendable () -> Void) { self.work = work }

  static func start(_ work: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(ProcessThread(work)).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<ProcessThread>.fromOpaque(pointer).takeRetainedValue().work()
        return nil
      }, argument)
    precondition(code == 0, "no thread")
    pthread_detach(thread)
  }
}
