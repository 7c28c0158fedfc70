import Glibc

/// One request, one answer as text, connection closed: enough to steer a daemon.
enum PlainHTTP {
  static func exchange(unix path: String, _ method: String, _ target: String) throws(BenchFailure) -> String {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return try exchange(descriptor, code, method, target)
  }

  /// `address`: 127.0.0.1:PORT.
  static func exchange(address text: String, _ method: String, _ target: String) throws(BenchFailure) -> String {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = (text.split(separator: ":").last.flatMap { UInt16($0) } ?? 0).bigEndian
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return try exchange(descriptor, code, method, target)
  }

  private static func exchange(
    _ descriptor: Int32, _ code: Int32, _ method: String, _ target: String
  )
    throws(BenchFailure) -> String
  {
    defer { close(descriptor) }
    guard code == 0 else { throw BenchFailure("\(method) \(target): no connection") }
    let request = "\(method) \(target) HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    let head = Array(request.utf8)
    guard send(descriptor, head, head.count, Int32(MSG_NOSIGNAL)) == head.count else {
      throw BenchFailure("\(method) \(target): closed")
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      answer.append(contentsOf: piece[..<count])
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
