import Glibc

/// One keep-alive connection that sends a request and waits for its answer. Blocking calls on a thread of its own: less
/// than 40 µs of processor a request, so that nearly all of the machine is left to the collector.
struct LoadConnection: ~Copyable, LoadWire {
  enum Failure: Error {
    case system(Int32)
    case closed
    case notHTTP

    var text: String {
      switch self {
      case .system(let code): String(cString: strerror(code))
      case .closed: "the connection was closed before the answer"
      case .notHTTP: "the answer is not HTTP/1.1 with a Content-Length"
      }
    }
  }

  struct Answer {
    var status: Int
    /// Seconds, of the `Retry-After` header.
    var retryAfter: Int?
    var closes: Bool
    var body: ArraySlice<UInt8>
  }

  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(_ target: LoadTarget) throws(Failure) { descriptor = try target.connect().get() }

  deinit { close(descriptor) }

  mutating func exchange(_ plan: LoadPlan, _ signal: LoadShape.Signal, _ body: [UInt8]) throws(Failure) -> Answer {
    try send(plan.head(signal, bytes: body.count), more: true)
    try send(body, more: false)
    return try receive()
  }

  private func send(_ bytes: [UInt8], more: Bool) throws(Failure) {
    var sent = 0
    while sent < bytes.count {
      let flags = Int32(MSG_NOSIGNAL) | (more ? Int32(MSG_MORE) : 0)
      let count = bytes.withUnsafeBytes { raw -> Int in
        guard let base = raw.baseAddress else { return 0 }
        return Glibc.send(descriptor, base + sent, raw.count - sent, flags)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system(errno) }
      sent += count
    }
  }

  private mutating func receive() throws(Failure) -> Answer {
    var filled = 0
    var head: (answer: Answer, end: Int, length: Int)?
    while true {
      if filled == buffer.count { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
      let count = buffer.withUnsafeMutableBytes { raw -> Int in
        guard let base = raw.baseAddress else { return 0 }
        return recv(descriptor, base + filled, raw.count - filled, 0)
      }
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw .system(errno) }
      if count == 0 { throw .closed }
      filled += count
      if head == nil { head = try Self.head(buffer[..<filled]) }
      if var head, filled >= head.end + head.length {
        head.answer.body = buffer[head.end..<head.end + head.length]
        return head.answer
      }
    }
  }

  /// Nil while the head is not complete.
  private static func head(_ bytes: ArraySlice<UInt8>) throws(Failure) -> (Answer, Int, Int)? {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(whereSeparator: \.isNewline)
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .notHTTP }
    var answer = Answer(status: status, retryAfter: nil, closes: false, body: [])
    var length: Int?
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let value = parts[1].drop { $0 == " " }
      switch parts[0].lowercased() {
      case "content-length": length = Int(value)
      case "retry-after": answer.retryAfter = Int(value)
      case "connection": answer.closes = value.lowercased() == "close"
      default: break
      }
    }
    guard let length else { throw .notHTTP }
    return (answer, end, length)
  }
}
