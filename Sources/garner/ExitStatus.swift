/// What the program says to the shell when it ends.
enum ExitStatus: Int32, Sendable {
  case done = 0
  /// The question was answered, and the answer is bad: books off, a gate failed, not ready.
  case badAnswer = 1
  case usage = 2
  case notEnoughData = 3
  /// A file or SQL that cannot be read as what it should be.
  case badInput = 65
  /// No daemon answers, or it refuses for the moment.
  case unavailable = 69
  case software = 70
  case inputOutput = 74
  case configuration = 78
  /// Ctrl-C: 128 and the number of the signal, as a shell says it.
  case interrupted = 130
}

/// Ends the command: `message` goes to the standard error, the status to the shell.
struct CommandFailure: Error, Sendable {
  var status: ExitStatus
  /// Nil: everything is said already.
  var message: String?

  init(_ status: ExitStatus, _ message: String? = nil) {
    self.status = status
    self.message = message
  }
}
