/// As much of HTTP/2 as it takes to answer each call with an empty message and OK: windows as wide as they go, headers that
/// are not looked at.
enum GRPCStub {
  private static let prefaceBytes = 24
  private enum Kind {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
  }
  private static let endStream: UInt8 = 1
  private static let endHeaders: UInt8 = 4
  private static let acknowledgement: UInt8 = 1

  static func serve(_ descriptor: Int32, _ taken: (Int) -> Void) {
    var reader = SocketReader(descriptor)
    guard reader.skip(prefaceBytes) else { return }
    // SETTINGS_INITIAL_WINDOW_SIZE of 2^31 - 1, SETTINGS_MAX_FRAME_SIZE of 1 MiB.
    var out = frame(Kind.settings, 0, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 5, 0, 0x10, 0, 0])
    out += windowUpdate(0x7fff_ffff - 65_535)
    guard SocketWriter.write(out, to: descriptor) else { return }
    var lengths: [UInt32: Int] = [:]
    var received = 0
    while let head = reader.bytes(9) {
      let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      let (kind, flags) = (head[3], head[4])
      let stream = UInt32(head[5] & 0x7f) << 24 | UInt32(head[6]) << 16 | UInt32(head[7]) << 8 | UInt32(head[8])
      var answer: [UInt8] = []
      switch kind {
      case Kind.settings where flags & acknowledgement == 0: answer = frame(Kind.settings, acknowledgement, 0, [])
      case Kind.ping where flags & acknowledgement == 0:
        guard let payload = reader.bytes(length) else { return }
        guard SocketWriter.write(frame(Kind.ping, acknowledgement, 0, payload), to: descriptor) else { return }
        continue
      case Kind.goAway: return
      case Kind.data:
        lengths[stream, default: 0] += length
        received += length
        if received > 1 << 28 {
          answer += windowUpdate(UInt32(received))
          received = 0
        }
      default: break
      }
      guard reader.skip(length) else { return }
      if (kind == Kind.data || kind == Kind.headers) && flags & endStream != 0 {
        taken(lengths.removeValue(forKey: stream) ?? 0)
        answer += success(stream)
      }
      guard answer.isEmpty || SocketWriter.write(answer, to: descriptor) else { return }
    }
  }

  /// Head, an empty message, and the trailer that says OK; names and values as they are, without a table.
  private static func success(_ stream: UInt32) -> [UInt8] {
    frame(Kind.headers, endHeaders, stream, [0x88] + literal("content-type", "application/grpc"))
      + frame(Kind.data, 0, stream, [0, 0, 0, 0, 0])
      + frame(Kind.headers, endHeaders | endStream, stream, literal("grpc-status", "0"))
  }

  private static func literal(_ name: String, _ value: String) -> [UInt8] {
    [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
  }

  private static func windowUpdate(_ increment: UInt32) -> [UInt8] {
    frame(Kind.windowUpdate, 0, 0, (0..<4).map { UInt8(truncatingIfNeeded: increment >> UInt32(24 - 8 * $0)) })
  }

  private static func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
    let length = payload.count
    return [UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), kind, flags]
      + (0..<4).map { UInt8(truncatingIfNeeded: stream >> UInt32(24 - 8 * $0)) } + payload
  }
}
