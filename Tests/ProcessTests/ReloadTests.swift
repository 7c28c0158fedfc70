import Glibc
import TestSupport
import Testing

/// SIGHUP and `POST /-/reload`: the configuration is read again, checked as a whole, then swapped where that can be.
@Suite(.serialized) struct ReloadTests {
  private static let first = "retention:\n  max_bytes: 100MB\n"
  private static let second = "retention:\n  max_bytes: 200MB\nstore:\n  group_bytes: 8MiB\nlog:\n  level: debug\n"
  private static let faulty = "retention:\n  max_bytes: 300MB\n  max_bites: 1\n"

  private static func start(_ folder: ScratchFolder, environment: [String] = []) async throws -> GarnerDaemon {
    let file = folder.write("garner.yaml", first)
    return try await GarnerDaemon.start(folder, ["--config", file], environment: environment)
  }

  private static func cap(_ folder: ScratchFolder) async throws -> String {
    let status = try await GarnerProcess.run(["status", "--data-dir", folder.data, "--format", "json"], in: folder)
    return status.output.split(separator: ",").first { $0.contains("\"max_bytes\"") }.map(String.init) ?? status.errors
  }

  private static func reload(
    _ daemon: GarnerDaemon, _ headers: [String: String] = [:]
  ) async throws
    -> HTTPClient.Answer?
  {
    try await HTTPClient(port: daemon.console).request("POST", "/-/reload", headers: headers, body: [])
  }

  @Test func theConsoleSwapsWhatItCanAndNamesTheRest() async throws {
    let folder = ScratchFolder()
    let daemon = try await Self.start(folder)
    #expect(try await Self.cap(folder).contains("100000000"))
    _ = folder.write("garner.yaml", Self.second)
    let answer = try await Self.reload(daemon)
    #expect(answer?.status == 200)
    #expect(
      answer?.text == #"{"changed":["retention.max_bytes","log.level"],"needs_restart":["store.group_bytes"]}"# + "\n")
    #expect(try await Self.cap(folder).contains("200000000"))
    let again = try await Self.reload(daemon)
    #expect(again?.text == #"{"changed":[],"needs_restart":["store.group_bytes"]}"# + "\n")
    #expect(daemon.process.errors.contains("store.group_bytes"))
    #expect(await daemon.stop().status == 0)
  }

  @Test func aFaultyFileChangesNothingAndIsExplained() async throws {
    let folder = ScratchFolder()
    let daemon = try await Self.start(folder)
    _ = folder.write("garner.yaml", Self.faulty)
    let answer = try await Self.reload(daemon)
    #expect(answer?.status == 400)
    #expect(answer?.text.contains("garner.yaml:3:") == true && answer?.text.contains("max_bytes") == true)
    #expect(daemon.process.errors.contains("garner.yaml:3:"))
    #expect(try await Self.cap(folder).contains("100000000"))
    let ready = try await HTTPClient(port: daemon.console).request("GET", "/readyz")
    #expect(ready?.status == 200)
    #expect(await daemon.stop().status == 0)
  }

  @Test func theControlDoorReloadsToo() async throws {
    let folder = ScratchFolder()
    let daemon = try await Self.start(folder)
    _ = folder.write("garner.yaml", Self.second)
    let good = try await UnixSocket.request("POST /-/reload", at: folder.data + "/control.sock")
    #expect(good.hasPrefix("HTTP/1.1 200") && good.contains("retention.max_bytes"))
    _ = folder.write("garner.yaml", Self.faulty)
    let bad = try await UnixSocket.request("POST /-/reload", at: folder.data + "/control.sock")
    #expect(bad.hasPrefix("HTTP/1.1 400") && bad.contains("garner.yaml:3:"))
    #expect(await daemon.stop().status == 0)
  }

  @Test func aHangupReloadsAndTellsTheServiceManager() async throws {
    let folder = ScratchFolder()
    let socket = try UnixSocket.listening(at: folder.path + "/notify")
    let daemon = try await Self.start(folder, environment: ["NOTIFY_SOCKET=\(folder.path)/notify"])
    #expect(await socket.next() == "READY=1")
    _ = folder.write("garner.yaml", Self.second)
    daemon.process.signal(SIGHUP)
    let begun = await socket.next()
    #expect(begun?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
    #expect(await socket.next() == "READY=1")
    #expect(try await Self.cap(folder).contains("200000000"))
    _ = folder.write("garner.yaml", Self.faulty)
    daemon.process.signal(SIGHUP)
    _ = await socket.next()
    #expect(await socket.next() == "READY=1")
    #expect(daemon.process.errors.contains("garner.yaml:3:"))
    #expect(try await Self.cap(folder).contains("200000000"))
    #expect(await daemon.stop().status == 0)
  }

  @Test func aPageOfAnotherOriginMayNotReload() async throws {
    let folder = ScratchFolder()
    let daemon = try await Self.start(folder)
    for headers in [["Origin": "https://evil.example"], ["Sec-Fetch-Site": "cross-site"]] {
      #expect(try await Self.reload(daemon, headers)?.status == 403)
    }
    #expect(try await Self.reload(daemon, ["Origin": "http://127.0.0.1:\(daemon.console)"])?.status != 500)
    #expect(await daemon.stop().status == 0)
  }
}
