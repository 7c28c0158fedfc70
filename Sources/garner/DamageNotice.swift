import Daemon
import Store

/// Tells the daemon of data files that could not be read: it sets them aside, or books them as lost. Without one, the next
/// start does.
struct DamageNotice {
  private let directory: DataDirectory

  init(_ directory: DataDirectory) { self.directory = directory }

  func send(_ paths: [String]) {
    for path in paths where !path.hasPrefix(directory.landing + "/") {
      // Nobody there, or busy for longer: the answer of this command does not depend on it.
      _ = try? ControlClient(path: directory.controlSocket).request(
        "POST", "/check?path=\(ControlClient.encoded(path))", timeout: .seconds(10))
    }
  }
}
