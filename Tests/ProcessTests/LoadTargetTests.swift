import Telemetry
import Testing
import Wire

@testable import garner

@Suite struct LoadTargetTests {
  @Test(arguments: [
    ("http://127.0.0.1:4318", "127.0.0.1:4318", ""), ("http://127.9.9.9", "127.9.9.9", ""),
    ("http://[::1]:80/", "[::1]:80", ""), ("http://127.0.0.1:1/otlp/", "127.0.0.1:1", "/otlp"),
  ]) func readsHostPortAndPrefix(url: String, authority: String, prefix: String) throws {
    let target = try LoadTarget(url)
    #expect(target.authority == authority)
    #expect(target.prefix == prefix)
    #expect(target.isLoopback)
  }

  @Test(arguments: ["http://192.0.2.1:4318", "http://[2001:db8::1]:4318"]) func knowsAnotherMachine(url: String) throws
  {
    #expect(try !LoadTarget(url).isLoopback)
  }

  @Test(arguments: ["127.0.0.1:4318", "https://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:many"])
  func refusesWhatIsNoAddress(url: String) {
    #expect(throws: LoadTarget.Fault.self) { try LoadTarget(url) }
  }

  @Test func findsADoorInEndpoints() {
    let json = #"{"console":"127.0.0.1:2","otlp_http":"127.0.0.1:3","pid":4}"#
    #expect(LoadTarget.address(ofDoor: "otlp_http", in: json) == "127.0.0.1:3")
    #expect(LoadTarget.address(ofDoor: "udp", in: json) == nil)
  }

  @Test(arguments: Signal.allCases, [0, 1, 300]) func readsHowManyRecordsWereRefused(signal: Signal, count: Int) {
    let response = OTLPResponse(signal: signal, rejected: count, message: count > 0 ? "bad" : "")
    #expect(LoadAnswer.rejected(response.encoded(.protobuf)[...], isJSON: false) == count)
    #expect(LoadAnswer.rejected(response.encoded(.json)[...], isJSON: true) == count)
  }
}
