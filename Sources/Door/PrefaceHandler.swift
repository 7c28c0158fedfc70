import NIOCore

/// First in the pipeline: an HTTP/2 client (most often a gRPC exporter set to the wrong port) gets one clear line instead of
/// bytes it cannot read; everything else passes and this handler goes away.
///
/// Every HEADERS frame is answered with `:status 415` and `grpc-status: 12`: no OTLP/HTTP client over h2c may take that for
/// a success, and gRPC clients still read the trailer.
final class PrefaceHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// What nobody needs to send here: the default of HTTP/2 for one frame.
  private static let frameLimitBytes = 16 << 10

  private enum Frame {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let resetStream: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
    static let ack: UInt8 = 0x1
    static let endStream: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
  }

  private let message: String
  private let observe: @Sendable (Int) -> Void
  private var waiting = ByteBuffer()
  private var speaksHTTP2 = false

  init(message: String, observe: @escaping @Sendable (Int) -> Void) {
    self.message = message
    self.observe = observe
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var piece = unwrapInboundIn(data)
    waiting.writeBuffer(&piece)
    if !speaksHTTP2 {
      let seen = waiting.readableBytesView
      guard Self.preface.starts(with: seen.prefix(Self.preface.count)) else {
        pass(context)
        return
      }
      guard seen.count >= Self.preface.count else { return }
      speaksHTTP2 = true
      waiting.moveReaderIndex(forwardBy: Self.preface.count)
      context.writeAndFlush(wrapOutboundOut(frame(Frame.settings)), promise: nil)
    }
    while answerFrame(context) {}
    waiting.discardReadBytes()
  }

  private func pass(_ context: ChannelHandlerContext) {
    context.fireChannelRead(wrapInboundOut(waiting))
    waiting = ByteBuffer()
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  /// What was held back may be the half of a request whose sender stopped there.
  func channelInactive(context: ChannelHandlerContext) {
    if !speaksHTTP2 && waiting.readableBytes > 0 { pass(context) }
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      if speaksHTTP2 {
        context.close(promise: nil)
      } else if waiting.readableBytes > 0 {
        pass(context)
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  /// ```
  /// length (24) | type (8) | flags (8) | R, stream (32) | payload
  /// ```
  private func answerFrame(_ context: ChannelHandlerContext) -> Bool {
    let at = waiting.readerIndex
    guard let high = waiting.getInteger(at: at, as: UInt8.self),
      let low = waiting.getInteger(at: at + 1, as: UInt16.self),
      let type = waiting.getInteger(at: at + 3, as: UInt8.self),
      let flags = waiting.getInteger(at: at + 4, as: UInt8.self),
      let stream = waiting.getInteger(at: at + 5, as: UInt32.self)
    else { return false }
    let length = Int(high) << 16 | Int(low)
    guard length <= Self.frameLimitBytes else {
      context.close(promise: nil)
      return false
    }
    guard waiting.readableBytes >= 9 + length else { return false }
    waiting.moveReaderIndex(forwardBy: 9)
    let payload = waiting.readSlice(length: length) ?? ByteBuffer()
    switch type {
    case Frame.settings where flags & Frame.ack == 0:
      context.writeAndFlush(wrapOutboundOut(frame(Frame.settings, flags: Frame.ack)), promise: nil)
    case Frame.ping where flags & Frame.ack == 0:
      context.writeAndFlush(wrapOutboundOut(frame(Frame.ping, flags: Frame.ack, payload)), promise: nil)
    case Frame.headers where flags & Frame.endHeaders != 0, Frame.continuation where flags & Frame.endHeaders != 0:
      refuse(stream & 0x7fff_ffff, context)
    case Frame.data where length > 0:
      // The stream is reset, but its bytes count against the window of the connection.
      let update = frame(Frame.windowUpdate, ByteBuffer(integer: UInt32(length)))
      context.writeAndFlush(wrapOutboundOut(update), promise: nil)
    case Frame.goAway:
      context.close(promise: nil)
      return false
    default: break
    }
    return true
  }

  private func refuse(_ stream: UInt32, _ context: ChannelHandlerContext) {
    var fields = ByteBuffer()
    // HPACK: literal without indexing; 8 is the static table's `:status`.
    fields.writeInteger(UInt8(0x08))
    writeText("415", to: &fields)
    for (name, value) in [("content-type", "application/grpc"), ("grpc-status", "12"), ("grpc-message", message)] {
      fields.writeInteger(UInt8(0))
      writeText(name, to: &fields)
      writeText(value, to: &fields)
    }
    var answer = frame(Frame.headers, flags: Frame.endHeaders | Frame.endStream, stream: stream, fields)
    var reset = frame(Frame.resetStream, stream: stream, ByteBuffer(integer: UInt32(0)))
    answer.writeBuffer(&reset)
    context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    observe(415)
  }

  /// HPACK string, not Huffman-coded: a length with a 7-bit prefix, then the bytes.
  private func writeText(_ text: String, to buffer: inout ByteBuffer) {
    var length = text.utf8.count
    if length < 127 {
      buffer.writeInteger(UInt8(length))
    } else {
      buffer.writeInteger(UInt8(127))
      length -= 127
      while length >= 128 {
        buffer.writeInteger(UInt8(length & 127 | 128))
        length >>= 7
      }
      buffer.writeInteger(UInt8(length))
    }
    buffer.writeString(text)
  }

  private func frame(
    _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: ByteBuffer = ByteBuffer()
  ) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(UInt8(payload.readableBytes >> 16))
    buffer.writeInteger(UInt16(payload.readableBytes & 0xffff))
    buffer.writeInteger(type)
    buffer.writeInteger(flags)
    buffer.writeInteger(stream)
    buffer.writeImmutableBuffer(payload)
    return buffer
  }
}
