import Testing

@testable import Daemon

/// Which machine an address means, and what is asked there.
@Suite struct EndpointAddressTests {
  private static let loopback = [
    "127.0.0.1", "127.255.1.2", "127.1", "127.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST",
    "LocalHost.", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::FFFF:7f00:1", "::1%lo",
  ]
  private static let others = [
    "127.0.0.1.nip.io", "127.evil.example.org", "127.0.0.1.", "127.0.0.256", "127.0.0.1 .example.org",
    "127.0.0.1\u{0}.example.org", "127.0.0.1/8", "localhost.example.org", "a.localhost", "localhost..", "128.0.0.1",
    "10.127.0.1", "::2", "::127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "1.127", "0.0.0.0", "::", "192.0.2.1", "relay",
  ]

  @Test(arguments: loopback) func knowsThisMachine(_ host: String) {
    #expect(HostName(host).isLoopback)
  }

  @Test(arguments: others) func takesNothingElseForThisMachine(_ host: String) {
    #expect(!HostName(host).isLoopback)
  }

  @Test(arguments: ["0.0.0.0", "0", "0.0", "::", "0:0::0", "::ffff:0.0.0.0"]) func knowsAllAddresses(_ host: String) {
    #expect(HostName(host).isUnspecified)
  }

  @Test(arguments: ["0.0.0.0.example.org", "0.0.0.1", "::1", "localhost", ""]) func someAddressIsNotAll(_ host: String)
  {
    #expect(!HostName(host).isUnspecified)
  }

  private static let urls: [(String, String)] = [
    ("http://h:9411", "http://h:9411/api"), ("http://h:9411/", "http://h:9411/api"),
    ("http://h:9411?key=a/b", "http://h:9411/api?key=a/b"), ("http://h:9411/?key=1", "http://h:9411/api?key=1"),
    ("http://h/own?x=y", "http://h:80/own?x=y"), ("https://[::1]/own/", "https://[::1]:443/own/"),
  ]

  @Test(arguments: urls) func putsThePathBeforeTheQuery(_ endpoint: String, _ url: String) throws {
    #expect(try #require(EndpointAddress(endpoint)).url(defaultPath: "/api") == url)
  }

  private static let doors = ["127.0.0.1", "LOCALHOST", "localhost.", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "127.1"]

  @Test(arguments: doors) func ourOwnDoorIsNoDestination(_ host: String) throws {
    let yaml = "destinations: {one: {type: otlp, endpoint: \"http://\(host):4318\", allow_unprotected: true}}"
    let found = try problems(yaml, purpose: .serving).filter { $0.contains("our own") }
    #expect(found.count == 1 && found.first?.contains("`listen.otlp_http`") == true, "\(found)")
  }

  @Test(arguments: ["127.0.0.1.nip.io", "127.evil.example.org", "0.0.0.0.example.org"])
  func aNameThatBeginsLikeAnAddressIsAnotherMachine(_ host: String) throws {
    let yaml = "destinations: {one: {type: otlp, endpoint: \"http://\(host):4318\"}}"
    let found = try problems(yaml, environment: ["GARNER_PRIVACY_POLICY": "none"], purpose: .serving)
      .filter { $0.contains("destinations.one") }
    #expect(found.count == 1 && found.first?.contains("privacy.policy is none") == true, "\(found)")
  }
}
