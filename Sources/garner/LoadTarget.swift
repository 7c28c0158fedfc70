import Glibc

/// Where load is sent, without TLS: one resolved address.
struct LoadTarget: Sendable {
  struct Fault: Error {
    var message: String
  }

  /// As the `Host` header has it.
  let authority: String
  /// In front of `/v1/traces`; without a slash at its end.
  let prefix: String
  let isLoopback: Bool
  /// A `sockaddr` of the family that `family` tells.
  private let address: [UInt8]
  private let family: Int32

  /// `http://HOST[:PORT][/PREFIX]`; `port` unless one is named.
  init(_ url: String, port: Int = 4318) throws(Fault) {
    guard url.hasPrefix("http://") else { throw Fault(message: "`\(url)` does not begin with http://") }
    let rest = url.dropFirst(7)
    let authority = rest.prefix { $0 != "/" }
    var prefix = rest.dropFirst(authority.count)
    while prefix.last == "/" { prefix.removeLast() }
    let (host, port) = try Self.split(authority, url, "\(port)")
    self.authority = String(authority)
    self.prefix = String(prefix)
    (address, family) = try Self.resolve(host, port)
    isLoopback =
      family == AF_INET ? address[4] == 127 : address[8..<23].allSatisfy { $0 == 0 } && address[23] == 1
  }

  private static func split(
    _ authority: Substring, _ url: String, _ port: String
  ) throws(Fault) -> (host: String, port: String) {
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { throw Fault(message: "`\(url)` lacks a ]") }
      let host = authority[authority.index(after: authority.startIndex)..<end]
      let tail = authority[authority.index(after: end)...]
      return (String(host), tail.first == ":" ? String(tail.dropFirst()) : port)
    }
    let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard let host = parts.first, !host.isEmpty, parts.count <= 2 else {
      throw Fault(message: "`\(url)` names no host")
    }
    return (String(host), parts.count == 2 ? String(parts[1]) : port)
  }

  private static func resolve(_ host: String, _ port: String) throws(Fault) -> ([UInt8], Int32) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, port, &hints, &found) == 0, let first = found else {
      throw Fault(message: "no address of \(host) port \(port) is known")
    }
    defer { freeaddrinfo(found) }
    let length = Int(first.pointee.ai_addrlen)
    return ([UInt8](UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: length)), first.pointee.ai_family)
  }

  /// A connected descriptor, or the error number.
  func connect() -> Result<Int32, LoadConnection.Failure> {
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return .failure(.system(errno)) }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    // Nothing answers later than this and is still of use; it also ends a run against a stopped process.
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let status = address.withUnsafeBytes { bytes -> Int32 in
      guard let base = bytes.baseAddress else { return -1 }
      return Glibc.connect(descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    if status == 0 { return .success(descriptor) }
    let code = errno
    close(descriptor)
    return .failure(.system(code))
  }
}

extension LoadTarget {
  /// The `HOST:PORT` of a door in the text of `endpoints.json`, which has no escapes.
  static func address(ofDoor door: String, in json: String) -> String? {
    guard let key = json.firstRange(of: "\"\(door)\":\"") else { return nil }
    return String(json[key.upperBound...].prefix { $0 != "\"" })
  }
}
