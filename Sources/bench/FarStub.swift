import Glibc
import Synchronization

/// A far end on loopback that takes everything at once, a thread a connection: so little work that the sender is what is
/// measured.
final class FarStub: Sendable {
  enum Form: Sendable {
    /// HTTP/1.1; answers with this status and no body.
    case http(status: Int)
    /// gRPC, every call a success.
    case grpc
  }

  private struct Seen {
    var requests = 0
    var bytes = 0
    /// Of `Clock.now`, when the first request had come.
    var firstAt = 0.0
  }

  let port: UInt16
  private let listener: Int32
  private let form: Form
  private let seen = Mutex(Seen())

  init(_ form: Form) throws(BenchFailure) {
    self.form = form
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0 ? getsockname(listener, $0, &length) : -1
      }
    }
    guard code == 0 else { throw BenchFailure("no port for a far end") }
    port = UInt16(bigEndian: address.sin_port)
    thread { $0.accept() }
  }

  var requests: Int { seen.withLock { $0.requests } }
  var bytes: Int { seen.withLock { $0.bytes } }
  /// When the first request had come; 0: none has.
  var firstAt: Double { seen.withLock { $0.firstAt } }

  /// Takes no more connections.
  func close() { shutdown(listener, Int32(SHUT_RDWR)) }

  private func thread(_ work: @escaping @Sendable (FarStub) -> Void) {
    let box = Unmanaged.passRetained(Work(stub: self, run: work))
    var id = pthread_t()
    let code = pthread_create(
      &id, nil,
      { pointer in
        guard let pointer else { return nil }
        let work = Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
        work.run(work.stub)
        return nil
      }, box.toOpaque())
    if code == 0 { pthread_detach(id) } else { box.release() }
  }

  private final class Work {
    let stub: FarStub
    let run: @Sendable (FarStub) -> Void

    init(stub: FarStub, run: @escaping @Sendable (FarStub) -> Void) {
      self.stub = stub
      self.run = run
    }
  }

  private func accept() {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 {
        if errno == EINTR { continue }
        break
      }
      var on: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
      thread { stub in
        switch stub.form {
        case .http(let status): HTTPStub.serve(descriptor, status) { stub.count($0) }
        case .grpc: GRPCStub.serve(descriptor) { stub.count($0) }
        }
        Glibc.close(descriptor)
      }
    }
    Glibc.close(listener)
  }

  private func count(_ bytes: Int) {
    seen.withLock {
      $0.requests += 1
      $0.bytes += bytes
      if $0.firstAt == 0 { $0.firstAt = Clock.now() }
    }
  }
}

/// Bytes of a connection, read in pieces.
struct SocketReader {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var begin = 0
  private var end = 0

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// False when the other side has closed.
  private mutating func more() -> Bool {
    if begin == end { (begin, end) = (0, 0) }
    if end == buffer.count {
      if begin == 0 { buffer += [UInt8](repeating: 0, count: buffer.count) }
      buffer.replaceSubrange(0..<end - begin, with: buffer[begin..<end])
      (begin, end) = (0, end - begin)
    }
    while true {
      let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress.map { $0 + end }, $0.count - end, 0) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      end += count
      return true
    }
  }

  /// The next `count` bytes; nil at the end.
  mutating func bytes(_ count: Int) -> [UInt8]? {
    while end - begin < count { if !more() { return nil } }
    defer { begin += count }
    return Array(buffer[begin..<begin + count])
  }

  mutating func skip(_ count: Int) -> Bool {
    var left = count
    while left > 0 {
      if begin == end, !more() { return false }
      let step = min(left, end - begin)
      begin += step
      left -= step
    }
    return true
  }

  /// Up to the empty line, without it.
  mutating func head() -> [UInt8]? {
    var at = begin
    while true {
      while at + 3 < end {
        if buffer[at] == 0x0d, buffer[at + 1] == 0x0a, buffer[at + 2] == 0x0d, buffer[at + 3] == 0x0a {
          defer { begin = at + 4 }
          return Array(buffer[begin..<at])
        }
        at += 1
      }
      let gone = begin
      if !more() { return nil }
      at -= gone - begin
    }
  }
}

enum SocketWriter {
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

private enum HTTPStub {
  static func serve(_ descriptor: Int32, _ status: Int, _ taken: (Int) -> Void) {
    var reader = SocketReader(descriptor)
    let answer = Array("HTTP/1.1 \(status) Taken\r\ncontent-length: 0\r\n\r\n".utf8)
    while let head = reader.head() {
      let length = contentLength(String(decoding: head, as: UTF8.self))
      guard reader.skip(length) else { return }
      taken(length)
      guard SocketWriter.write(answer, to: descriptor) else { return }
    }
  }

  private static func contentLength(_ head: String) -> Int {
    for line in head.split(separator: "\r\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
      return Int(parts[1].drop { $0 == " " }) ?? 0
    }
    return 0
  }
}
