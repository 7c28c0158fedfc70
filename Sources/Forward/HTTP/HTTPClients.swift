import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The client of a transport. Where TLS is to expect another name than the endpoint's host, there is one for each host:
/// a request then goes to that name, which is looked up as the host, and says in `Host` what it would have said.
final class HTTPClients: Sendable {
  private struct Renamed {
    var clients: [String: HTTPClient] = [:]
    var isClosed = false
  }

  private final class Count: Sendable {
    let value = Atomic(0)
  }

  private let usual: HTTPClient
  private let configuration: HTTPClient.Configuration
  private let serverName: String
  /// By host.
  private let renamed = Mutex(Renamed())
  private let opened = Count()

  /// `serverName`: empty: the host of each address.
  init(_ configuration: HTTPClient.Configuration, serverName: String) {
    var configuration = configuration
    let opened = opened
    configuration.http1_1ConnectionDebugInitializer = { channel in
      opened.value.add(1, ordering: .relaxed)
      return AnswerGuard.add(to: channel)
    }
    self.configuration = configuration
    self.serverName = serverName.lowercased()
    usual = Self.client(configuration)
  }

  /// Connections so far.
  var openedCount: Int { opened.value.load(ordering: .relaxed) }

  func close() async {
    let others = renamed.withLock { renamed in
      renamed.isClosed = true
      return Array(renamed.clients.values)
    }
    for client in others + [usual] { try? await client.shutdown() }
  }

  /// With the request as that client is to be given it.
  func client(for request: HTTPClientRequest) -> (client: HTTPClient, request: HTTPClientRequest) {
    guard !serverName.isEmpty, let parts = Self.parts(request.url) else { return (usual, request) }
    var renamed = request
    renamed.url = "https://\(serverName)\(parts.port)\(parts.rest)"
    if !request.headers.contains(name: "host") { renamed.headers.add(name: "host", value: parts.authority) }
    return (client(of: parts.host), renamed)
  }

  private func client(of host: String) -> HTTPClient {
    renamed.withLock { renamed in
      if let known = renamed.clients[host] { return known }
      // A client that is never shut down must not be made; that one says so.
      if renamed.isClosed { return usual }
      var configuration = configuration
      configuration.dnsOverride[serverName] = host
      let new = Self.client(configuration)
      renamed.clients[host] = new
      return new
    }
  }

  private static func client(_ configuration: HTTPClient.Configuration) -> HTTPClient {
    HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
  }

  /// Of `https://host:port/rest`: the host without brackets, the port with its colon or empty. Nil: it has no TLS.
  static func parts(_ url: String) -> (host: String, port: String, authority: String, rest: String)? {
    let scheme = "https://"
    guard url.lowercased().hasPrefix(scheme) else { return nil }
    let behind = url.dropFirst(scheme.count)
    let authority = behind.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let colon = authority.lastIndex { $0 == ":" || $0 == "]" }
    let port = colon.flatMap { authority[$0] == ":" ? authority[$0...] : nil } ?? ""
    let host = authority.dropLast(port.count).drop { $0 == "[" }.prefix { $0 != "]" }
    return (String(host), String(port), String(authority), String(behind.dropFirst(authority.count)))
  }
}
