import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import Wire

/// Posts bodies: one pool of kept connections for one run of a destination. HTTP/1.1 only, follows no redirect but one
/// to the same host, and takes silence for an answer.
package final class HTTPTransport: Sendable {
  private let clients: HTTPClients
  private let options: TransportOptions

  /// Longest answer that is read, and how much of it is looked at.
  static let answerLimit = 4 << 20
  static let bodyLimit = 64 << 10

  package init(_ options: TransportOptions) throws {
    self.options = options
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.httpVersion = .http1Only
    configuration.decompression = .enabled(limit: .size(Self.answerLimit))
    configuration.timeout = .init(connect: .nanoseconds(min(options.timeout, .seconds(10)).nanoseconds))
    configuration.connectionPool.idleTimeout = .seconds(30)
    // When to try again is the gate's to say, and what went wrong the operator's to see at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.tlsConfiguration = try TLSOptions.configuration(options.tls)
    clients = HTTPClients(configuration, serverName: options.tls.serverName)
  }

  package func close() async { await clients.close() }

  /// `headers` come in front of those of the options.
  package func post(_ url: String, _ body: [UInt8], headers: [(name: String, value: String)]) async -> Answer {
    await send(.POST, url, body, headers: headers)
  }

  func send(
    _ method: HTTPMethod, _ url: String, _ body: [UInt8], headers: [(name: String, value: String)]
  ) async -> Answer {
    var request = HTTPClientRequest(url: url)
    request.method = method
    for header in headers { request.headers.replaceOrAdd(name: header.name, value: header.value) }
    request.headers.replaceOrAdd(name: "user-agent", value: options.userAgent)
    if !options.storeID.isEmpty { request.headers.replaceOrAdd(name: "garner-via", value: options.storeID) }
    for header in options.headers() { request.headers.replaceOrAdd(name: header.name, value: header.value) }
    let buffer = ByteBuffer(bytes: body)
    if method != .GET { request.body = .bytes(buffer) }
    let opened = clients.openedCount
    let first = await execute(request)
    // A kept connection that its server had given up: the request was never looked at. A new one was given up over it.
    if case .silence(Self.lostConnection, _) = first.outcome, clients.openedCount == opened {
      return await execute(request)
    }
    if case .status(let status) = first.outcome, status == 307 || status == 308,
      let target = first.header("location").flatMap({ Redirect.target(of: $0, from: url) })
    {
      request.url = target
      return await execute(request)
    }
    return first
  }

  static let lostConnection = "the connection was closed before an answer came"
  private static let timedOut = Answer(.silence("no answer within the timeout", isTimeout: true))

  /// The whole exchange within the timeout: an answer whose body does not end in time is its status.
  private func execute(_ request: HTTPClientRequest) async -> Answer {
    let timeout = options.timeout
    let (client, request) = clients.client(for: request)
    return await withTaskGroup(of: Answer?.self) { group in
      group.addTask { await Self.exchange(client, request, timeout) }
      group.addTask {
        try? await Task.sleep(for: timeout)
        return nil
      }
      var answer = await group.next() ?? nil
      group.cancelAll()
      // Which ends at once, with what has come so far.
      if answer == nil { answer = await group.next() ?? nil }
      return answer ?? Self.timedOut
    }
  }

  private static func exchange(
    _ client: HTTPClient, _ request: HTTPClientRequest, _ timeout: Duration
  ) async -> Answer {
    do {
      let response = try await client.execute(request, timeout: .nanoseconds(timeout.nanoseconds))
      var answer = Answer(.status(Int(response.status.code)))
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      answer.receivedAt = Int64(now.tv_sec)
      answer.headers = response.headers.map { ($0.name.lowercased(), $0.value) }
      // The status is the answer: a body that breaks off changes nothing.
      do {
        var length = 0
        for try await piece in response.body {
          length += piece.readableBytes
          if answer.body.count < bodyLimit {
            answer.body.append(contentsOf: piece.readableBytesView.prefix(bodyLimit - answer.body.count))
          }
          if length > answerLimit { break }
        }
      } catch {}
      return answer
    } catch {
      return silence(error)
    }
  }

  static func silence(_ error: any Error) -> Answer {
    if Handshakes.isFault(error) {
      return Answer(.untrusted("\(error)"))
    }
    if error is CancellationError { return timedOut }
    guard let error = error as? HTTPClientError else {
      let text = "\(error)"
      return Answer(
        .silence(text.contains("ECONNRESET") || text.contains("errno: 104") ? lostConnection : text, isTimeout: false))
    }
    switch error {
    case .remoteConnectionClosed: return Answer(.silence(lostConnection, isTimeout: false))
    case .deadlineExceeded, .readTimeout, .writeTimeout, .cancelled: return timedOut
    case .connectTimeout: return Answer(.silence("no connection within the timeout", isTimeout: true))
    case .tlsHandshakeTimeout: return Answer(.silence("TLS took longer than the timeout", isTimeout: true))
    default: return Answer(.silence(error.shortDescription, isTimeout: false))
    }
  }

  /// The body as it is sent, and the header that says so: a body that does not shrink goes as it is.
  package static func compressed(
    _ body: [UInt8], _ compression: TransportOptions.Compression
  ) -> (body: [UInt8], header: (name: String, value: String)?) {
    switch compression {
    case .none: break
    case .gzip:
      if let packed = Deflater.gzip(body), packed.count < body.count {
        return (packed, ("content-encoding", "gzip"))
      }
    case .zstd:
      if let packed = ZstdFrame.compress(body), packed.count < body.count {
        return (packed, ("content-encoding", "zstd"))
      }
    }
    return (body, nil)
  }
}

extension Duration {
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
      ? .max : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
