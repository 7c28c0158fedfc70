import Glibc

/// The other end of `control.sock`: one request, one answer, then closed. Blocks; for commands.
package struct ControlClient: Sendable {
  package struct Answer: Sendable {
    package var status: Int
    package var body: String
  }

  package enum Failure: Error, CustomStringConvertible {
    /// Nobody listens: no daemon.
    case absent
    case broken(String)

    package var description: String {
      switch self {
      case .absent: "no daemon answers at the control socket"
      case .broken(let text): text
      }
    }
  }

  private let path: String

  package init(path: String) { self.path = path }

  /// `timeout` nil: as long as it takes, for a clear may settle gigabytes first.
  package func request(_ method: String, _ target: String, timeout: Duration? = nil) throws(Failure) -> Answer {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .broken("no socket to be had") }
    defer { close(descriptor) }
    if let timeout {
      var limit = timeval()
      limit.tv_sec = Int(timeout.components.seconds)
      limit.tv_usec = Int(timeout.components.attoseconds / 1_000_000_000_000)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room -> Bool in
      guard bytes.count < room.count else { return false }
      room.copyBytes(from: bytes)
      return true
    }
    guard fits else { throw .broken("\(path) is too long for a socket address") }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw .absent }
    let head = Array(
      "\(method) \(target) HTTP/1.1\r\nHost: garner\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
    guard send(descriptor, head, head.count, Int32(MSG_NOSIGNAL)) == head.count else {
      throw .broken("the daemon closed the control socket")
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let got = recv(descriptor, &piece, piece.count, 0)
      if got <= 0 { break }
      answer.append(contentsOf: piece[..<got])
    }
    return try Self.parse(answer)
  }

  private static func parse(_ answer: [UInt8]) throws(Failure) -> Answer {
    let text = String(decoding: answer, as: UTF8.self)
    let lines = text.split(separator: "\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, let status = Int(words[1]), let end = text.firstRange(of: "\r\n\r\n") else {
      throw .broken("the daemon's answer on the control socket is not HTTP")
    }
    return Answer(status: status, body: String(text[end.upperBound...]))
  }

  /// Percent-encodes one value for a query string.
  package static func encoded(_ value: String) -> String {
    var out = ""
    for byte in value.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        out.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        out += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
      }
    }
    return out
  }
}
