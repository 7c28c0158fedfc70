/// `http://HOST:PORT/path`, taken apart.
package struct EndpointAddress: Sendable, Equatable {
  package var isTLS: Bool
  /// Without brackets.
  package var host: String
  package var port: Int
  /// Begins with a slash, or empty.
  package var path: String
  /// Begins with a question mark, or empty.
  package var query: String

  /// Nil: neither http nor https, no host, no port of this world, or a fragment.
  package init?(_ text: String) {
    let rest: Substring
    if text.hasPrefix("http://") {
      isTLS = false
      rest = text.dropFirst(7)
    } else if text.hasPrefix("https://") {
      isTLS = true
      rest = text.dropFirst(8)
    } else {
      return nil
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    path = String(rest.dropFirst(authority.count).prefix { $0 != "?" })
    query = String(rest.dropFirst(authority.count + path.count))
    guard !authority.contains("@"), !authority.contains(" "), !rest.contains("#") else { return nil }
    var name = authority
    port = isTLS ? 443 : 80
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      name = authority[authority.index(after: authority.startIndex)..<end]
      let tail = authority[authority.index(after: end)...]
      if !tail.isEmpty {
        guard tail.hasPrefix(":"), let number = UInt16(tail.dropFirst()) else { return nil }
        port = Int(number)
      }
    } else if let colon = authority.lastIndex(of: ":") {
      guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
      port = Int(number)
      name = authority[..<colon]
    }
    guard !name.isEmpty else { return nil }
    host = String(name)
  }

  /// For people and logs: a query may hold a key.
  package static func shown(_ text: String) -> String {
    text.firstIndex(of: "?").map { text[..<$0] + "?…" } ?? text
  }

  package var isLoopback: Bool { HostName(host).isLoopback }

  /// Also by the numbers that stand for all addresses, which lead nowhere else.
  package var isThisMachine: Bool { isLoopback || HostName(host).isUnspecified }

  /// With the path of the protocol where the endpoint has none.
  package func url(defaultPath: String) -> String {
    let shown = host.contains(":") ? "[\(host)]" : host
    let base = "\(isTLS ? "https" : "http")://\(shown):\(port)"
    return base + (path.isEmpty || path == "/" ? defaultPath : path) + query
  }
}
