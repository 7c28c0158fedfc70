import Glibc

/// Sockets with a path, for what the daemon says to the service manager and hears on its control door.
final class UnixSocket: Sendable {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// A socket that takes datagrams, as `$NOTIFY_SOCKET` names one.
  static func listening(at path: String) throws -> UnixSocket {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let made = UnixSocket(descriptor)
    guard withAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
      throw GarnerProcess.Failure(description: "cannot bind \(path)")
    }
    return made
  }

  /// One request over HTTP/1.1; the whole answer, head and body.
  static func request(_ head: String, at path: String) async throws -> String {
    try await onThread { () -> Result<String, GarnerProcess.Failure> in
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      let opened = UnixSocket(descriptor)
      guard withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
        return .failure(.init(description: "cannot connect to \(path)"))
      }
      let bytes = Array("\(head) HTTP/1.1\r\nHost: garner\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
      _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      var text = ""
      while let piece = opened.receive(), !piece.isEmpty { text += piece }
      return .success(text)
    }.get()
  }

  /// The next datagram.
  func next() async -> String? {
    await onThread { [self] in receive() }
  }

  /// Nil after a minute.
  private func receive() -> String? {
    var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&asked, 1, 60_000) > 0 else { return nil }
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &piece, piece.count, 0)
    return count < 0 ? nil : String(decoding: piece[..<count], as: UTF8.self)
  }

  private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room -> Bool in
      guard bytes.count < room.count else { return false }
      room.copyBytes(from: bytes)
      return true
    }
    guard fits else { return -1 }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}
