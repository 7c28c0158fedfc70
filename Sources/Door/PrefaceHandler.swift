import NIOCore

/// First in the pipeline: an HTTP/2 client (most often a gRPC exporter set to the wrong port) gets one clear line instead of
/// bytes it cannot read; everything else passes and this handler goes away.
///
/// Every HEADERS frame is answered with `:status 415` and `grpc-status: 12`: no OTLP/HTTP client over h2c may take that for
/// a success, and gRPC clients still read the trailer.
///
/// The answer ends its stream and nothing is reset: a client that is still sending its body may take a RST_STREAM for a
/// failure and never show the answer. For the same reason what it sends is read to its end before the connection closes,
/// for the kernel resets one with unread bytes.
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
  /// A HEADERS frame that goes on in CONTINUATION frames had END_STREAM.
  private var endsWithHeaders = false
  private var saidGoodbye = false
  /// Our side is closed; what still comes is read and forgotten.
  private var isDraining = false

  init(message: String, observe: @escaping @Sendable (Int) -> Void) {
    self.message = message
    self.observe = observe
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isDraining { return }
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
    while !isDraining && answerFrame(context) {}
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
      goAway(GoAway.frameSize, context)
      drain(context)
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
    case Frame.headers, Frame.continuation:
      if type == Frame.headers { endsWithHeaders = flags & Frame.endStream != 0 }
      if flags & Frame.endHeaders != 0 {
        refuse(stream & 0x7fff_ffff, context)
        if endsWithHeaders { goAway(GoAway.noError, context) }
      }
    case Frame.data:
      takeData(length, endsStream: flags & Frame.endStream != 0, stream & 0x7fff_ffff, context)
    case Frame.goAway: drain(context)
    default: break
    }
    return true
  }

  /// The body goes nowhere, but its sender has to get it off its hands.
  private func takeData(_ length: Int, endsStream: Bool, _ stream: UInt32, _ context: ChannelHandlerContext) {
    if length > 0 {
      let credit = ByteBuffer(integer: UInt32(length))
      if !endsStream {
        context.write(wrapOutboundOut(frame(Frame.windowUpdate, stream: stream, credit)), promise: nil)
      }
      context.writeAndFlush(wrapOutboundOut(frame(Frame.windowUpdate, credit)), promise: nil)
    }
    if endsStream { goAway(GoAway.noError, context) }
  }

  private enum GoAway {
    static let noError: UInt32 = 0
    static let frameSize: UInt32 = 6
  }

  /// Once: no new streams, please. The highest stream there is: those that are open already get their answers.
  private func goAway(_ code: UInt32, _ context: ChannelHandlerContext) {
    if saidGoodbye { return }
    saidGoodbye = true
    var payload = ByteBuffer(integer: UInt32(0x7fff_ffff))
    payload.writeInteger(code)
    context.writeAndFlush(wrapOutboundOut(frame(Frame.goAway, payload)), promise: nil)
  }

  private func drain(_ context: ChannelHandlerContext) {
    isDraining = true
    waiting.clear()
    context.close(mode: .output, promise: nil)
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
    let answer = frame(Frame.headers, flags: Frame.endHeaders | Frame.endStream, stream: stream, fields)
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
