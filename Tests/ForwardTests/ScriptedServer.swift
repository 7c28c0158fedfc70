import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TestSupport
import Wire

/// A far end on this machine that answers as a test says, and remembers what it was sent.
final class ScriptedServer: Sendable {
  struct Request: Sendable {
    var method: String
    var path: String
    var headers: [(name: String, value: String)]
    /// Without its coding.
    var body: [UInt8]

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// Ids of a `LinesParcel`.
    var ids: [Int64] { text.split(separator: "\n").compactMap { Int64($0.prefix { $0 != " " }) } }
  }

  enum Reply: Sendable {
    case answer(Int, [(String, String)] = [], [UInt8] = [])
    /// The connection ends without an answer.
    case close
    /// A status, and a body that breaks off.
    case half(Int)
    /// A status, and a body of which nothing more comes.
    case stalled(Int)
    /// Nothing until `release`.
    case hang
    /// Something that is not HTTP.
    case garbage
    /// These bytes and no more, whatever they are; the connection stays.
    case raw(String)

    static let ok = answer(200)
  }

  /// The request and how many were there before it.
  typealias Script = @Sendable (Request, Int) -> Reply

  private struct State {
    var requests: [Request] = []
    var script: Script
    var port = 0
    var listener: (any Channel)?
    var connections: [ObjectIdentifier: any Channel] = [:]
    var hanging: [any Channel] = []
    var connectionCount = 0
  }

  private let state: Mutex<State>
  private let waiting = Waiting()
  private static let group = MultiThreadedEventLoopGroup.singleton

  init(_ script: @escaping Script = { _, _ in .ok }) { state = Mutex(State(script: script)) }

  static func started(_ script: @escaping Script = { _, _ in .ok }) async throws -> ScriptedServer {
    let server = ScriptedServer(script)
    try await server.start()
    return server
  }

  /// Listens, on the port of the time before if there was one.
  func start() async throws {
    let listener = try await ServerBootstrap(group: Self.group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler(self))
        }
      }
      .bind(host: "127.0.0.1", port: state.withLock { $0.port }).get()
    state.withLock {
      $0.listener = listener
      $0.port = listener.localAddress?.port ?? 0
    }
  }

  /// Refuses connections and ends those that are there.
  func stop() async {
    let (listener, connections) = state.withLock { state in
      defer {
        state.listener = nil
        state.connections = [:]
        state.hanging = []
      }
      return (state.listener, state.connections.values.map { $0 })
    }
    try? await listener?.close()
    for connection in connections { try? await connection.close() }
  }

  var url: String { "http://127.0.0.1:\(state.withLock { $0.port })" }
  var port: Int { state.withLock { $0.port } }
  var requests: [Request] { state.withLock { $0.requests } }
  var connectionCount: Int { state.withLock { $0.connectionCount } }
  /// Of all requests, in their order.
  var ids: [Int64] { requests.flatMap(\.ids) }

  func script(_ script: @escaping Script) { state.withLock { $0.script = script } }

  /// Answers what hangs.
  func release(_ reply: Reply = .ok) {
    let hanging = state.withLock { state in
      defer { state.hanging = [] }
      return state.hanging
    }
    for channel in hanging {
      channel.eventLoop.execute { Self.answer(channel, reply) }
    }
  }

  func until(_ isSo: @escaping @Sendable ([Request]) -> Bool) async {
    await waiting.until { isSo(self.requests) }
  }

  fileprivate func opened(_ channel: any Channel) {
    state.withLock {
      $0.connections[ObjectIdentifier(channel)] = channel
      $0.connectionCount += 1
    }
  }

  fileprivate func closed(_ channel: any Channel) {
    state.withLock { $0.connections[ObjectIdentifier(channel)] = nil }
  }

  fileprivate func take(_ request: Request, _ channel: any Channel) {
    let (script, count) = state.withLock { ($0.script, $0.requests.count) }
    let reply = script(request, count)
    state.withLock {
      $0.requests.append(request)
      if case .hang = reply { $0.hanging.append(channel) }
    }
    if case .hang = reply {} else { Self.answer(channel, reply) }
    waiting.changed()
  }

  private static func answer(_ channel: any Channel, _ reply: Reply) {
    switch reply {
    case .hang: break
    case .close: channel.close(promise: nil)
    case .answer(let status, let headers, let body):
      send(channel, status, headers + [("content-length", String(body.count))], body)
      channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    case .half(let status):
      send(channel, status, [("content-length", "1000")], Array("half".utf8))
      channel.flush()
      channel.close(promise: nil)
    case .stalled(let status):
      send(channel, status, [("content-length", "1000")], Array("stalled".utf8))
    case .garbage:
      write("\u{1}\u{2} what is this\r\n\r\n", to: channel)
      channel.close(promise: nil)
    case .raw(let text): write(text, to: channel)
    }
  }

  /// Around the encoder.
  private static func write(_ text: String, to channel: any Channel) {
    let context = try? channel.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
    context?.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
  }

  private static func send(_ channel: any Channel, _ status: Int, _ headers: [(String, String)], _ body: [UInt8]) {
    let head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: HTTPHeaders(headers))
    channel.write(HTTPServerResponsePart.head(head), promise: nil)
    guard !body.isEmpty else { return }
    channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    private let server: ScriptedServer
    private var request: Request?

    init(_ server: ScriptedServer) { self.server = server }

    func channelActive(context: ChannelHandlerContext) { server.opened(context.channel) }
    func channelInactive(context: ChannelHandlerContext) { server.closed(context.channel) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        request = Request(
          method: head.method.rawValue, path: head.uri, headers: head.headers.map { ($0.name, $0.value) }, body: [])
      case .body(let piece): request?.body += Array(piece.readableBytesView)
      case .end:
        guard var done = request else { return }
        request = nil
        done.body = Self.decoded(done)
        server.take(done, context.channel)
      }
    }

    private static func decoded(_ request: Request) -> [UInt8] {
      switch request.header("content-encoding") {
      case "gzip":
        (try? request.body.withUnsafeBytes {
          Array(try Inflater.inflate($0, .gzip, limitBytes: 1 << 28) { _ in true }.bytes)
        }) ?? []
      case "snappy": (try? Snappy.decompress(request.body, limit: 1 << 28)) ?? []
      default: request.body
      }
    }
  }
}
