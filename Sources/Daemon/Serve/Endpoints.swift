import Store
import Synchronization

/// The addresses that doors really got, for `endpoints.json` and the lines on standard output.
final class Endpoints: Sendable {
  private struct State {
    var open: [String: String] = [:]
    var expected: Int
  }

  // covers: addresses and how many are still expected; nothing is taken inside.
  private let state: Mutex<State>
  private let directory: DataDirectory
  private let allOpen: @Sendable () -> Void
  /// Records go to standard output: lines for people go elsewhere.
  private let isOutputTaken: Bool

  init(_ directory: DataDirectory, expected: Int, isOutputTaken: Bool, allOpen: @escaping @Sendable () -> Void) {
    self.directory = directory
    self.allOpen = allOpen
    self.isOutputTaken = isOutputTaken
    state = Mutex(State(expected: expected))
  }

  func opened(_ door: String, host: String, port: Int) {
    let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    let (open, done) = state.withLock { state in
      state.open[door] = address
      return (state.open, state.open.count == state.expected)
    }
    // The file first: a script that waits for the last line may read it at once.
    if done {
      let members = open.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
      let json = "{\(members.joined(separator: ",")),\"pid\":\(FileSystem.processID())}\n"
      try? FileSystem.writeDurably(directory.endpoints, Array(json.utf8), mode: 0o644)
    }
    let line = "listening \(door) \(address)"
    if isOutputTaken { StandardOutput.printError(line) } else { StandardOutput.print(line) }
    if done { allOpen() }
  }
}
