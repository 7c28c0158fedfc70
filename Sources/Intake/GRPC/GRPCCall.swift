import Door
import NIOCore
import NIOHTTP2
import Synchronization
import Telemetry
import Wire

/// One call while its message comes in: five bytes of prefix, then as many as they say, in one piece of memory.
///
/// ```
/// compressed (8) | length (32) | message
/// ```
final class GRPCCall {
  let id: HTTP2StreamID
  let method: GRPCMethod
  let credential: Credential
  /// The call has come from our own store.
  let isLoop: Bool
  let started: NIODeadline
  /// By `grpc-timeout`: after it nothing is stored.
  let deadline: NIODeadline
  /// When the message must be there.
  var bodyDeadline: NIODeadline
  /// Nil: none was named.
  private let coding: ContentCoding?
  private let gauge: GRPCGauge

  private var prefix: UInt64 = 0
  private var prefixBytes = 0
  private var length = 0
  private var isCompressed = false
  private var content: OwnedBytes?
  private var permit: Permit?
  /// The message is whole and on its way.
  var isWorking = false
  let fate = GRPCFate()

  init(
    _ id: HTTP2StreamID, _ method: GRPCMethod, _ credential: Credential, isLoop: Bool, coding: ContentCoding?,
    started: NIODeadline, deadline: NIODeadline, bodyDeadline: NIODeadline, gauge: GRPCGauge
  ) {
    self.id = id
    self.method = method
    self.credential = credential
    self.isLoop = isLoop
    self.coding = coding
    self.started = started
    self.deadline = deadline
    self.bodyDeadline = bodyDeadline
    self.gauge = gauge
  }

  /// The next moment at which something has to be done about this call.
  var nextDeadline: NIODeadline { isWorking ? .distantFuture : min(deadline, bodyDeadline) }

  func take(_ piece: ByteBuffer) throws(DoorError) {
    var piece = piece
    if prefixBytes < 5 {
      while prefixBytes < 5, let byte = piece.readInteger(as: UInt8.self) {
        prefix = prefix << 8 | UInt64(byte)
        prefixBytes += 1
      }
      guard prefixBytes == 5 else { return }
      try begin()
    }
    guard piece.readableBytes > 0, let content else { return }
    let total = content.count + piece.readableBytes
    guard total <= length else { throw .severalMessages }
    if total > content.capacity, let permit {
      guard permit.grow(holding: total, of: length) else { throw BodyReader.noRoom }
      content.grow(to: permit.bytes)
    }
    piece.withUnsafeReadableBytes { content.append($0) }
  }

  /// What a message will need is known from its prefix, and asked for before a byte of it is kept.
  private func begin() throws(DoorError) {
    length = Int(prefix & 0xffff_ffff)
    switch prefix >> 32 {
    case 0: isCompressed = false
    case 1: isCompressed = true
    default: throw .badPrefix
    }
    if isCompressed && (coding == nil || coding == .identity) { throw .strayCompression }
    let limit = method == .health ? GRPCGauge.healthBytes : gauge.limitBytes
    guard length <= limit else { throw .tooLarge(limitBytes: limit) }
    if method != .health { try gauge.admit(length) }
    guard let permit = gauge.budget.reserve(beginningOf: length) else { throw BodyReader.noRoom }
    self.permit = permit
    content = OwnedBytes(capacity: permit.bytes)
  }

  /// At the end of the stream; the call keeps nothing of the message.
  func finish() throws(DoorError) -> GRPCMessage {
    guard let content, let permit, content.count == length else { throw .brokenOff }
    self.content = nil
    self.permit = nil
    return GRPCMessage(
      content: content, coding: isCompressed ? coding ?? .identity : .identity, permit: permit, deadline: deadline,
      fate: fate)
  }

  /// Gives back the memory of a message that nobody will read.
  func drop() {
    fate.cancel()
    permit?.release()
    permit = nil
    content = nil
  }
}

/// What a message may take, asked at its prefix.
struct GRPCGauge: Sendable {
  /// Nobody has a service name that long.
  static let healthBytes = 4096

  let limitBytes: Int
  let budget: Budget
  let admit: @Sendable (_ byteCount: Int) throws(DoorError) -> Void
}

/// A message as it was sent.
struct GRPCMessage: Sendable {
  var content: OwnedBytes
  var coding: ContentCoding
  var permit: Permit
  var deadline: NIODeadline
  var fate: GRPCFate
}

/// Whether somebody still waits for the answer.
final class GRPCFate: Sendable {
  private let cancelled = Atomic(false)

  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }
  func cancel() { cancelled.store(true, ordering: .relaxed) }
}
