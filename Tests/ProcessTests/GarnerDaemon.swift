import Glibc
import TestSupport

/// A daemon that listens, on ports of its own.
struct GarnerDaemon {
  let process: GarnerProcess
  let port: Int
  let console: Int

  static func start(
    _ folder: ScratchFolder, _ arguments: [String] = [], environment: [String] = []
  ) async throws -> GarnerDaemon {
    let process = try GarnerProcess(
      ["serve", "--data-dir", folder.data, "--otlp-http", "127.0.0.1:0", "--console", "127.0.0.1:0"] + arguments,
      errors: folder.fresh("daemon"), environment: environment)
    let doors = arguments.contains("--otlp-grpc") ? 3 : 2
    let lines = try await process.lines { lines in lines.filter { $0.hasPrefix("listening ") }.count == doors }
    return GarnerDaemon(process: process, port: port("otlp_http", lines), console: port("console", lines))
  }

  /// Of `listening otlp_http 127.0.0.1:40123`.
  private static func port(_ door: String, _ lines: [String]) -> Int {
    let line = lines.first { $0.hasPrefix("listening \(door) ") }
    return line?.split(separator: ":").last.flatMap { Int($0) } ?? 0
  }

  func post(_ path: String, _ body: LoadBody) async throws -> HTTPClient.Answer? {
    try await HTTPClient(port: port).request("POST", path, headers: ["Content-Type": body.type], body: body.bytes)
  }

  func kill() async -> GarnerProcess.Outcome {
    process.signal(SIGKILL)
    return await process.end()
  }

  func stop() async -> GarnerProcess.Outcome {
    process.signal(SIGTERM)
    return await process.end()
  }
}

/// Bodies of log records, each with a number that no other record has, over four retention classes and three days.
struct LoadBody: Sendable {
  var type = "application/json"
  var bytes: [UInt8]

  static let events = ["relay.game.start", "gui.click", "relay.tick.process", "chat.message"]
  static let recordsPerBody = 12

  /// Records `number × 12` and the eleven after it.
  static func logs(_ number: Int, source: String = "load") -> LoadBody {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let now = Int64(time.tv_sec) * 1_000_000_000
    let records = (0..<recordsPerBody).map { index in
      let when = now - Int64(index % 3) * 86_400_000_000_000
      return """
        {"timeUnixNano":"\(when)","eventName":"\(events[index % 4])","attributes":[{"key":"n","value":{"intValue":"\(number * recordsPerBody + index)"}}]}
        """
    }
    let resource = #"{"attributes":[{"key":"service.name","value":{"stringValue":"\#(source)"}}]}"#
    let text =
      #"{"resourceLogs":[{"resource":\#(resource),"scopeLogs":[{"logRecords":[\#(records.joined(separator: ","))]}]}]}"#
    return LoadBody(bytes: Array(text.utf8))
  }
}
