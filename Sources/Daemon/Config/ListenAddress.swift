import Glibc

/// Where a door listens: `HOST:PORT` (IPv6 in brackets, port 0 picks a free one) or `none`.
package enum ListenAddress: Sendable, Equatable {
  case closed
  /// `host` without brackets.
  case open(host: String, port: Int)

  package init(parsing text: String) throws(ValueFault) {
    if text == "none" {
      self = .closed
      return
    }
    guard let colon = text.lastIndex(of: ":") else {
      throw ValueFault("`\(text)` is no address; write HOST:PORT, for example 127.0.0.1:4318, or none")
    }
    var host = text[..<colon]
    guard let port = UInt16(text[text.index(after: colon)...]) else {
      throw ValueFault("`\(text)` has no port from 0 to 65535 after the last colon")
    }
    if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
      host = host.dropFirst().dropLast()
      guard ListenAddress.isIPv6(String(host)) else {
        throw ValueFault("`\(text)` has no IPv6 address between the brackets")
      }
    } else if host.contains(":") {
      throw ValueFault("`\(text)`: an IPv6 address stands in brackets, for example \"[::1]:4318\"")
    } else if host.isEmpty {
      throw ValueFault("`\(text)` has no host; write 127.0.0.1:\(port) for this machine, 0.0.0.0:\(port) for all")
    } else if !host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }) {
      throw ValueFault("`\(text)` has no host name or address before the colon")
    }
    self = .open(host: String(host), port: Int(port))
  }

  package var text: String {
    switch self {
    case .closed: "none"
    case .open(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }

  /// Only this machine reaches it. Names other than `localhost` count as reachable: what they resolve to may change.
  package var isLoopback: Bool {
    guard case .open(let host, _) = self else { return true }
    return HostName(host).isLoopback
  }

  private static func isIPv6(_ host: String) -> Bool {
    var address = in6_addr()
    // A zone (`fe80::1%eth0`) is the resolver's business.
    let bare = host.split(separator: "%", maxSplits: 1).first.map(String.init) ?? host
    return inet_pton(AF_INET6, bare, &address) == 1
  }
}
