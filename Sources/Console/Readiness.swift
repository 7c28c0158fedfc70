import Synchronization

/// Whether the daemon should get traffic (R145), as its parts last said.
package final class Readiness: Sendable {
  package struct Check: Sendable, Equatable {
    package var ok: Bool
    package var detail: String

    package init(ok: Bool, detail: String) {
      self.ok = ok
      self.detail = detail
    }
  }

  private struct State {
    var checks: [String: Check] = [
      "store": Check(ok: false, detail: "opening"), "disk": Check(ok: false, detail: "not looked at"),
      "doors": Check(ok: false, detail: "opening"),
    ]
    var draining = false
  }

  // covers: checks and draining; nothing is taken inside.
  private let state = Mutex(State())

  package init() {}

  package func set(_ name: String, ok: Bool, _ detail: String) {
    state.withLock { $0.checks[name] = Check(ok: ok, detail: detail) }
  }

  package func drain() { state.withLock { $0.draining = true } }

  package var isReady: Bool { state.withLock { !$0.draining && $0.checks.values.allSatisfy(\.ok) } }

  /// `{"ready":…,"draining":…,"checks":{"store":{"ok":…,"detail":…},…}}`
  package func json() -> String {
    let (checks, draining) = state.withLock { ($0.checks, $0.draining) }
    let ready = !draining && checks.values.allSatisfy(\.ok)
    let parts = checks.sorted { $0.key < $1.key }.map { name, check in
      "\"\(name)\":{\"ok\":\(check.ok),\"detail\":\(JSONQuote.quoted(check.detail))}"
    }
    return "{\"ready\":\(ready),\"draining\":\(draining),\"checks\":{\(parts.joined(separator: ","))}}"
  }
}

enum JSONQuote {
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
