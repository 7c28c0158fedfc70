import Glibc

/// How requests and answers of a load travel.
protocol LoadWire: ~Copyable {
  mutating func exchange(
    _ plan: LoadPlan, _ signal: LoadShape.Signal, _ body: [UInt8]
  ) throws(LoadConnection.Failure) -> LoadConnection.Answer
}

/// One gRPC connection that makes a call and waits for its answer: just enough HTTP/2 for a client that is never interrupted.
/// Blocking calls on a thread of its own, as `LoadConnection`.
struct LoadCalls: ~Copyable, LoadWire {
  private enum Frame {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let ack: UInt8 = 1
    static let endStream: UInt8 = 1
    static let endHeaders: UInt8 = 4
  }

  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private var read = 0
  private var filled = 0
  private var stream: UInt32 = 1
  // Bytes that may be sent: on the connection, on this stream, on a new one, in one frame.
  private var connectionWindow = 65_535
  private var streamWindow = 65_535
  private var firstWindow = 65_535
  private var largestFrame = 16_384
  /// Bytes received and not yet given back.
  private var owed = 0
  private var isLeaving = false
  // Of the call that runs.
  private var message: [UInt8] = []
  private var status: Int?
  private var isOver = false

  init(_ target: LoadTarget) throws(LoadConnection.Failure) {
    descriptor = try target.connect().get()
  }

  deinit { close(descriptor) }

  mutating func exchange(
    _ plan: LoadPlan, _ signal: LoadShape.Signal, _ body: [UInt8]
  ) throws(LoadConnection.Failure) -> LoadConnection.Answer {
    message = []
    status = nil
    isOver = false
    if stream == 1 {
      try send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), more: true)
      // HEADER_TABLE_SIZE 0: answers can be read without a memory of earlier ones.
      try send(Self.head(6, Frame.settings, 0, 0) + [0, 1, 0, 0, 0, 0], more: true)
    }
    streamWindow = firstWindow
    let fields = plan.callFields(signal)
    try send(Self.head(fields.count, Frame.headers, Frame.endHeaders, stream) + fields, more: true)
    let prefix: [UInt8] = [plan.gzip ? 1 : 0] + Self.big(UInt32(body.count))
    var sent = 0
    let total = prefix.count + body.count
    while sent < total, !isOver {
      let room = min(connectionWindow, streamWindow, largestFrame, total - sent)
      guard room > prefix.count || room == total - sent else {
        try receiveFrame()
        continue
      }
      let isLast = sent + room == total
      try send(Self.head(room, Frame.data, isLast ? Frame.endStream : 0, stream), more: true)
      if sent == 0 { try send(prefix, more: true) }
      let from = max(sent - prefix.count, 0)
      try send(body, from: from, to: sent + room - prefix.count, more: false)
      sent += room
      connectionWindow -= room
      streamWindow -= room
    }
    while !isOver { try receiveFrame() }
    stream += 2
    let answered = status ?? (message.isEmpty ? 2 : 0)
    return LoadConnection.Answer(
      status: answered == 0 ? 200 : answered, retryAfter: answered == 14 ? 1 : nil, closes: isLeaving,
      body: message.dropFirst(5))
  }

  // MARK: Sending

  private static func head(_ length: Int, _ type: UInt8, _ flags: UInt8, _ stream: UInt32) -> [UInt8] {
    Array(big(UInt32(length)).dropFirst()) + [type, flags] + big(stream)
  }

  private static func big(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }

  private func send(_ bytes: [UInt8], more: Bool) throws(LoadConnection.Failure) {
    try send(bytes, from: 0, to: bytes.count, more: more)
  }

  private func send(_ bytes: [UInt8], from: Int, to end: Int, more: Bool) throws(LoadConnection.Failure) {
    var sent = from
    while sent < end {
      let flags = Int32(MSG_NOSIGNAL) | (more ? Int32(MSG_MORE) : 0)
      let count = bytes.withUnsafeBytes { raw -> Int in
        guard let base = raw.baseAddress else { return 0 }
        return Glibc.send(descriptor, base + sent, end - sent, flags)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system(errno) }
      sent += count
    }
  }

  // MARK: Receiving

  private mutating func take(_ count: Int) throws(LoadConnection.Failure) -> ArraySlice<UInt8> {
    while filled - read < count {
      if read > 0 {
        buffer.replaceSubrange(0..<(filled - read), with: Array(buffer[read..<filled]))
        filled -= read
        read = 0
      }
      if buffer.count < count { buffer.append(contentsOf: repeatElement(0, count: count)) }
      let received = buffer.withUnsafeMutableBytes { raw -> Int in
        guard let base = raw.baseAddress else { return 0 }
        return recv(descriptor, base + filled, raw.count - filled, 0)
      }
      if received < 0, errno == EINTR { continue }
      if received < 0 { throw .system(errno) }
      if received == 0 { throw .closed }
      filled += received
    }
    defer { read += count }
    return buffer[read..<read + count]
  }

  private mutating func receiveFrame() throws(LoadConnection.Failure) {
    let head = Array(try take(9))
    let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
    let (type, flags, id) = (head[3], head[4], Self.number(head[5...]) & 0x7fff_ffff)
    let payload = Array(try take(length))
    switch type {
    case Frame.data:
      if id == stream { message += payload }
      owed += length
      if owed > 16_384 {
        try send(Self.head(4, Frame.windowUpdate, 0, 0) + Self.big(UInt32(owed)), more: false)
        owed = 0
      }
    case Frame.headers:
      if let found = LoadStatus.find(payload) { status = found }
    case Frame.reset:
      if id == stream { throw .closed }
    case Frame.settings where flags & Frame.ack == 0:
      obey(payload)
      try send(Self.head(0, Frame.settings, Frame.ack, 0), more: false)
    case Frame.ping where flags & Frame.ack == 0:
      try send(Self.head(8, Frame.ping, Frame.ack, 0) + payload, more: false)
    case Frame.goAway: isLeaving = true
    case Frame.windowUpdate:
      if id == 0 { connectionWindow += Self.number(payload[...]) }
      if id == stream { streamWindow += Self.number(payload[...]) }
    default: break
    }
    if type == Frame.data || type == Frame.headers, id == stream, flags & Frame.endStream != 0 { isOver = true }
  }

  private mutating func obey(_ settings: [UInt8]) {
    for at in stride(from: 0, to: settings.count - 5, by: 6) {
      let value = Self.number(settings[(at + 2)..<(at + 6)])
      switch settings[at + 1] {
      case 4:
        streamWindow += value - firstWindow
        firstWindow = value
      case 5: largestFrame = value
      default: break
      }
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } }
}

/// `grpc-status` in a block of header fields that refers to nothing outside of it.
enum LoadStatus {
  /// The name as HPACK's Huffman code writes it.
  private static let name: [UInt8] = [0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f]

  static func find(_ block: [UInt8]) -> Int? {
    if let place = block.firstRange(of: name) { return number(block[place.upperBound...]) }
    guard let place = block.firstRange(of: Array("grpc-status".utf8)) else { return nil }
    return number(block[place.upperBound...])
  }

  /// A length with the mark of the Huffman code, then digits.
  private static func number(_ rest: ArraySlice<UInt8>) -> Int? {
    guard let length = rest.first, rest.count > Int(length & 0x7f) else { return nil }
    let bytes = rest.dropFirst().prefix(Int(length & 0x7f))
    guard length & 0x80 != 0 else { return Int(String(decoding: bytes, as: UTF8.self)) }
    var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }[...]
    var number: Int?
    // 0, 1 and 2 have five bits, 3 to 9 six, beginning with 011001.
    while bits.count >= 5 {
      let five = bits.prefix(5).reduce(0) { $0 << 1 | Int($1) }
      if five < 3 {
        number = (number ?? 0) * 10 + five
        bits = bits.dropFirst(5)
      } else {
        let six = bits.prefix(6).reduce(0) { $0 << 1 | Int($1) }
        guard bits.count >= 6, (0x19...0x1f).contains(six) else { return number }
        number = (number ?? 0) * 10 + six - 0x16
        bits = bits.dropFirst(6)
      }
    }
    return number
  }
}

extension LoadPlan {
  /// The header fields of a call, in HPACK without tables and without Huffman code.
  func callFields(_ signal: LoadShape.Signal) -> [UInt8] {
    func text(_ text: String) -> [UInt8] { [UInt8(min(text.utf8.count, 126))] + text.utf8.prefix(126) }
    let service =
      switch signal {
      case .traces: "trace.v1.TraceService"
      case .logs: "logs.v1.LogsService"
      case .metrics: "metrics.v1.MetricsService"
      }
    // Of the static table: 3 is `:method: POST`, 6 `:scheme: http`, 4 `:path`, 1 `:authority`, 31 `content-type`.
    var fields: [UInt8] = [0x83, 0x86, 0x04] + text("/opentelemetry.proto.collector.\(service)/Export")
    fields += [0x01] + text(target.authority)
    fields += [0x0f, 0x10] + text("application/grpc")
    fields += [0x00] + text("te") + text("trailers")
    if gzip { fields += [0x00] + text("grpc-encoding") + text("gzip") }
    return fields
  }
}
