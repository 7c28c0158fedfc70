import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// A client that sends what it is told, frame by frame, and shows what came back.
final class GRPCClient: Sendable {
  struct Answer: Sendable {
    var opening: HPACKHeaders?
    var message: [UInt8] = []
    var trailers: HPACKHeaders = [:]
    /// What ended the stream besides trailers.
    var reset: HTTP2ErrorCode?
    /// The connection was gone before the answer was whole.
    var isLost = false

    /// `grpc-status`; nil when there is none.
    var status: Int? { trailers.first(name: "grpc-status").flatMap { Int($0) } }
    var text: String { trailers.first(name: "grpc-message") ?? "" }
    var httpStatus: String? { (opening ?? trailers).first(name: ":status") }
    /// Nothing but trailers was sent.
    var isTrailersOnly: Bool { opening == nil && message.isEmpty }
  }

  static let traces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  static let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
  static let logs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
  static let health = "/grpc.health.v1.Health/Check"

  let channel: any Channel
  private let frames: NIOLoopBound<ClientFrames>

  private init(channel: any Channel, frames: NIOLoopBound<ClientFrames>) {
    self.channel = channel
    self.frames = frames
  }

  static func connect(_ port: Int) async throws -> GRPCClient {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
      host: "127.0.0.1", port: port
    ).get()
    return try await channel.eventLoop.submit {
      let frames = ClientFrames()
      let http2 = NIOHTTP2Handler(mode: .client)
      try channel.pipeline.syncOperations.addHandlers([http2, frames])
      return GRPCClient(channel: channel, frames: NIOLoopBound(frames, eventLoop: channel.eventLoop))
    }.get()
  }

  static func headers(_ path: String, _ more: [String: String?] = [:]) -> HPACKHeaders {
    // What HTTP/2 itself needs comes first.
    var fields: [(String, String?)] = [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
      ("content-type", "application/grpc"), ("te", "trailers"),
    ]
    for (name, value) in more {
      if let place = fields.firstIndex(where: { $0.0 == name }) {
        fields[place].1 = value
      } else {
        fields.append((name, value))
      }
    }
    return HPACKHeaders(fields.compactMap { name, value in value.map { (name, $0) } })
  }

  /// A message with its prefix. `length`: what the prefix says; nil: the truth.
  static func framed(_ message: [UInt8], flag: UInt8 = 0, length: Int? = nil) -> [UInt8] {
    let length = UInt32(length ?? message.count)
    return [flag] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + message
  }

  /// Opens a stream; its number.
  func open(_ headers: HPACKHeaders, end: Bool = false) async throws -> HTTP2StreamID {
    let frames = frames
    return try await channel.eventLoop.submit { frames.value.open(headers, end) }.get()
  }

  func send(_ id: HTTP2StreamID, _ bytes: [UInt8], end: Bool = true) async throws {
    let frames = frames
    try await channel.eventLoop.submit {
      frames.value.send(id, .data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: end)))
    }.get()
  }

  func reset(_ id: HTTP2StreamID) async throws {
    let frames = frames
    try await channel.eventLoop.submit { frames.value.send(id, .rstStream(.cancel)) }.get()
  }

  /// When the stream is over for both sides or for the server.
  func answer(_ id: HTTP2StreamID) async throws -> Answer {
    let frames = frames
    return try await channel.eventLoop.flatSubmit { frames.value.answer(id) }.get()
  }

  /// What came of a stream so far.
  func heard(_ id: HTTP2StreamID) async throws -> Answer {
    let frames = frames
    return try await channel.eventLoop.submit { frames.value.heard(id) }.get()
  }

  /// A whole call.
  func call(_ headers: HPACKHeaders, _ body: [UInt8]) async throws -> Answer {
    let id = try await open(headers)
    try await send(id, body)
    return try await answer(id)
  }

  func export(_ message: [UInt8], to path: String = GRPCClient.traces) async throws -> Answer {
    try await call(Self.headers(path), Self.framed(message))
  }

  /// Number of GOAWAY frames so far.
  func goodbyes() async throws -> Int {
    let frames = frames
    return try await channel.eventLoop.submit { frames.value.goodbyes }.get()
  }

  func close() async { try? await channel.close() }
}

private final class ClientFrames: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  private var context: ChannelHandlerContext?
  private var next: HTTP2StreamID = 1
  private var answers: [HTTP2StreamID: GRPCClient.Answer] = [:]
  private var done: Set<HTTP2StreamID> = []
  private var waiting: [HTTP2StreamID: EventLoopPromise<GRPCClient.Answer>] = [:]
  private var isGone = false
  private(set) var goodbyes = 0

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func open(_ headers: HPACKHeaders, _ end: Bool) -> HTTP2StreamID {
    let id = next
    next = id.advanced(by: 2)
    send(id, .headers(.init(headers: headers, endStream: end)))
    return id
  }

  func send(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
    context?.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
  }

  func answer(_ id: HTTP2StreamID) -> EventLoopFuture<GRPCClient.Answer> {
    guard let loop = context?.eventLoop ?? nil else {
      // Only before the handler is added, which `connect` waits for.
      return MultiThreadedEventLoopGroup.singleton.next().makeFailedFuture(ChannelError.ioOnClosedChannel)
    }
    let promise = loop.makePromise(of: GRPCClient.Answer.self)
    waiting[id] = promise
    if isGone { answers[id, default: .init()].isLost = !done.contains(id) }
    if done.contains(id) || isGone { finish(id) }
    return promise.futureResult
  }

  func heard(_ id: HTTP2StreamID) -> GRPCClient.Answer { answers[id] ?? .init() }

  private func finish(_ id: HTTP2StreamID) {
    done.insert(id)
    waiting.removeValue(forKey: id)?.succeed(answers[id] ?? .init())
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    let id = frame.streamID
    switch frame.payload {
    case .headers(let headers):
      if headers.endStream {
        answers[id, default: .init()].trailers = headers.headers
        finish(id)
      } else {
        answers[id, default: .init()].opening = headers.headers
      }
    case .data(let data):
      if case .byteBuffer(let piece) = data.data { answers[id, default: .init()].message += piece.readableBytesView }
    case .rstStream(let code):
      answers[id, default: .init()].reset = code
      finish(id)
    case .goAway: goodbyes += 1
    default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {}

  func channelInactive(context: ChannelHandlerContext) {
    isGone = true
    for id in Array(waiting.keys) {
      answers[id, default: .init()].isLost = true
      finish(id)
    }
    context.fireChannelInactive()
  }
}
