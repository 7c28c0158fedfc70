import Glibc

/// HTTP/1.1 over a bare socket: says exactly what it is told, also what no proper client would say.
///
/// `@unchecked Sendable`: one test uses one client, a call at a time. Each call blocks a thread of its own, never the pool,
/// on which the server under test runs too.
package final class HTTPClient: @unchecked Sendable {
  package struct Failure: Error {
    package var call: String
    package var code: Int32
  }

  package struct Answer: Sendable {
    package var status: Int
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]
    package var text: String { String(decoding: body, as: UTF8.self) }
  }

  private var socket: Int32
  private var received: [UInt8] = []

  package init(port: Int) throws(Failure) {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw Failure(call: "socket", code: errno) }
    // A broken server fails the test instead of stopping it.
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure(call: "connect", code: errno) }
  }

  deinit { close() }

  package func close() {
    if socket >= 0 { _ = Glibc.close(socket) }
    socket = -1
  }

  /// Says that nothing more will be sent; answers can still be read.
  package func finishSending() { _ = shutdown(socket, Int32(SHUT_WR)) }

  /// Ends the connection with a reset instead of a farewell.
  package func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  /// False when the other side has hung up.
  @discardableResult
  package func send(_ bytes: [UInt8]) async -> Bool {
    await onThread { [self] in
      var at = 0
      while at < bytes.count {
        let sent = bytes[at...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if sent <= 0 { return false }
        at += sent
      }
      return true
    }
  }

  @discardableResult
  package func send(_ text: some StringProtocol & Sendable) async -> Bool { await send(Array(text.utf8)) }

  /// The next answer, 100 Continue included; nil when the connection ends before it is whole.
  package func receive() async -> Answer? { await onThread { [self] in readAnswer() } }

  /// Everything until the other side hangs up.
  package func receiveAll() async -> [UInt8] {
    await onThread { [self] in
      while fill() {}
      defer { received = [] }
      return received
    }
  }

  /// At least `count` bytes of whatever comes.
  package func receive(atLeast count: Int) async -> [UInt8] {
    await onThread { [self] in
      while received.count < count, fill() {}
      defer { received = [] }
      return received
    }
  }

  /// `chunks` instead of `body`: sent as `Transfer-Encoding: chunked`.
  package func request(
    _ method: String = "POST", _ path: String, headers: [String: String] = [:], body: [UInt8] = [],
    chunks: [[UInt8]]? = nil
  ) async -> Answer? {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
    var bytes: [UInt8]
    if let chunks {
      bytes = Array((head + "Transfer-Encoding: chunked\r\n\r\n").utf8)
      for chunk in chunks where !chunk.isEmpty {
        bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
      }
      bytes += Array("0\r\n\r\n".utf8)
    } else {
      let length = method == "POST" || !body.isEmpty ? "Content-Length: \(body.count)\r\n" : ""
      bytes = Array((head + length + "\r\n").utf8) + body
    }
    await send(bytes)
    return await receive()
  }

  private func fill() -> Bool {
    let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { room, count in
      count = max(recv(socket, room.baseAddress, room.count, 0), 0)
    }
    received += piece
    return !piece.isEmpty
  }

  private func readAnswer() -> Answer? {
    let blank = Array("\r\n\r\n".utf8)
    var end = 0
    while true {
      if let found = received.indices.first(where: { received[$0...].starts(with: blank) }) {
        end = found
        break
      }
      guard fill() else { return nil }
    }
    let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
    received.removeFirst(end + blank.count)
    guard let first = lines.first?.split(separator: " "), first.count >= 2, let status = Int(first[1]) else {
      return nil
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers[line[..<colon].lowercased()] = String(value)
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    while received.count < length { guard fill() else { return nil } }
    defer { received.removeFirst(length) }
    return Answer(status: status, headers: headers, body: Array(received[..<length]))
  }

  private func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      BlockingThread.run { continuation.resume(returning: work()) }
    }
  }
}

/// A thread for one blocking call: a test that blocks the pool would stop the server it waits for.
package enum BlockingThread {
  private final class Work {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  package static func run(_ work: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Work(work)).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().run()
        return nil
      }, argument)
    precondition(code == 0, "no thread")
    pthread_detach(thread)
  }
}
