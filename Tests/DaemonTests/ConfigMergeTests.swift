import Telemetry
import Testing

@testable import Daemon

@Suite struct ConfigMergeTests {
  @Test func withNothingAtAllItListensOnLoopbackOnly() throws {
    let folder = try ConfigFolder()
    let found = try folder.request(purpose: .serving).resolve()
    #expect(found.file == nil)
    #expect(found.config.dataDirectory == "\(folder.path)/.local/share/garner")
    #expect(
      found.doors.map(\.address.text) == ["127.0.0.1:4318", "127.0.0.1:4317", "127.0.0.1:4319", "127.0.0.1:4320"])
    #expect(found.doors.allSatisfy { $0.address.isLoopback })
    #expect(found.config.retention.maxBytes == 500_000_000)
    #expect(found.config.retention.reserveBytes == nil)
  }

  @Test func readsEveryKindOfValue() throws {
    let config = try resolved(
      """
      data_dir: /data
      drain: 3s
      listen: {otlp_http: "[::1]:0", udp: none}
      retention:
        max_bytes: -1
        min_age: 0
        reserve_bytes: 1GB
      dedup: {window: 0}
      limits: {body_bytes: 1MiB, connections: 7}
      auth: {allow_anonymous: true}
      privacy: {policy: none}
      log: {level: debug, format: json}
      destinations: {}
      forward: {hold_limit: 5%}
      alerts:
      """
    ).config
    #expect(config.dataDirectory == "/data")
    #expect(config.drain == .seconds(3))
    #expect(config.listen.otlpHTTP == .open(host: "::1", port: 0))
    #expect(config.listen.udp == .closed)
    #expect(config.retention.maxBytes == nil)
    #expect(config.retention.minAge == .zero)
    #expect(config.reserveBytes == 1_000_000_000)
    #expect(config.dedup.window == .zero)
    #expect(config.limits.bodyBytes == 1 << 20)
    #expect(config.limits.connections == 7)
    #expect(config.auth.anonymous == .everywhere)
    #expect(config.privacy.policy == .none)
    #expect(config.log.level == .debug)
    #expect(config.log.format == .json)
  }

  @Test func flagsWinOverEnvironmentOverFile() throws {
    let yaml = "drain: 1s\nlog: {level: debug}\nlisten:\n  udp: 127.0.0.1:1\n"
    let found = try resolved(
      yaml, environment: ["GARNER_DRAIN": "2s", "GARNER_LISTEN_UDP": "127.0.0.1:2", "GARNER_LISTEN_CONSOLE": ""],
      flags: [ConfigRequest.Flag("listen.udp", "--udp", "[::1]:3")])
    #expect(found.config.drain == .seconds(2))
    #expect(found.config.listen.udp == .open(host: "::1", port: 3))
    #expect(found.config.listen.console == .open(host: "127.0.0.1", port: 4320))
    #expect(found.origin(of: "drain") == .environment(name: "GARNER_DRAIN"))
    #expect(found.origin(of: "listen.udp") == .flag(name: "--udp"))
    #expect(found.origin(of: "log.level").text.hasSuffix("/garner.yaml:2"))
    #expect(found.origin(of: "listen.console") == .standard)
  }

  @Test(arguments: ConfigKey.all.filter { !$0.isReserved }) func everyKeyCanComeFromTheEnvironment(
    key: ConfigKey
  ) throws {
    let value = key.defaultText.isEmpty ? "/somewhere" : key.defaultText
    let found = try resolved("", environment: [key.environmentName: value])
    #expect(found.origin(of: key.path) == .environment(name: key.environmentName))
    #expect(key.show(found.config) == value)
  }

  @Test func namesAllProblemsAtOnceInTheOrderOfTheFile() throws {
    let found = try problems(
      """
      listen:
        otlp_htpp: none
        udp: 4319
      max_bytes: 7
      drain: 5s
      drain: 6s
      limits: 7
      log: {level: loud}
      retention: {max_bytes: [1]}
      listen.udp: none
      data_dir: ${NOPE}
      dedup:
        window: ${NOPE}
      """)
    #expect(
      found == [
        "2:3 unknown key `listen.otlp_htpp`; did you mean `listen.otlp_http`?",
        "3:8 `listen.udp`: `4319` is no address; write HOST:PORT, for example 127.0.0.1:4318, or none",
        "4:1 unknown key `max_bytes`; did you mean `retention.max_bytes`?",
        "6:1 `drain` is given twice; first at line 5",
        "7:9 `limits` must be a map of keys, found a single value",
        "8:14 `log.level`: `loud` is none of `trace`, `debug`, `info`, `notice`, `warning`, `error`, `critical`",
        "9:24 `retention.max_bytes`: expected a size or -1, found a list",
        "10:1 unknown key `listen.udp`; write `udp` under `listen`",
        "11:11 the environment variable NOPE is not set; write ${NOPE:-default} to allow that",
        "13:11 the environment variable NOPE is not set; write ${NOPE:-default} to allow that",
      ])
  }

  @Test func aProblemShowsFileLineAndColumn() throws {
    let folder = try ConfigFolder()
    let request = try folder.request("\n\ndrain: soon\n", environment: ["GARNER_LISTEN_UDP": "x"])
    let error = #expect(throws: ConfigError.self) { try request.resolve() }
    let lines = try #require(error).description.split(separator: "\n")
    #expect(lines.first?.hasPrefix("\(folder.path)/garner.yaml:3:8: `drain`: `soon` is no duration; write") == true)
    #expect(lines.last?.hasPrefix("$GARNER_LISTEN_UDP: `listen.udp`: `x` is no address") == true)
  }

  @Test(arguments: [
    ("limits: {connections: \"5\"}", "1:23 `limits.connections`: expected a number, found the text \"5\""),
    ("limits: {connections: 0}", "1:23 `limits.connections`: 0 is out of range; 1 to 65536 will do"),
    ("limits: {body_bytes: 1}", "1:22 `limits.body_bytes`: 1 is too small; the least is 1KiB"),
    ("limits: {body_bytes: 5GiB}", "1:22 `limits.body_bytes`: 5GiB is too big; the most is 1GiB"),
    ("retention: {interval: 0}", "1:23 `retention.interval`: 0 is too short; the least is 10ms"),
    ("limits: {body_timeout: 2h}", "1:24 `limits.body_timeout`: 2h is too long; the most is 1h"),
    ("- a", "1:1 the file must be a map of keys, found a list"),
    ("alerts: [full]", "1:9 `alerts` is not built yet; leave it out or empty"),
    ("privacy: {drop: x}", "1:17 `privacy.drop`: expected a list of patterns, found a single value"),
    ("privacy: {scrub: [\"!a{b\"]}", "1:19 `privacy.scrub`: `!a{b`: a brace is not closed"),
    ("retentoin: {}", "1:1 unknown key `retentoin`; did you mean `retention`?"),
  ]) func saysWhatIsWrong(yaml: String, problem: String) throws {
    #expect(try problems(yaml) == [problem])
  }

  @Test func anUnknownVariableIsOnlyAWarning() throws {
    let found = try resolved(
      "",
      environment: ["GARNER_LISTEN_UPD": "none", "GARNER_SERVICE_HOST": "10.0.0.1", "GARNER_PORT": "tcp://10.0.0.1"])
    #expect(found.warnings == ["$GARNER_LISTEN_UPD is no key and was ignored; did you mean $GARNER_LISTEN_UDP?"])
  }

  @Test(arguments: ["0.0.0.0:4318", "[::]:4318", "relay.example.org:4318"])
  func refusesAnOpenDoorWithoutTokens(address: String) throws {
    let yaml = "listen:\n  otlp_http: \"\(address)\"\n"
    let found = try problems(yaml, purpose: .serving)
    #expect(found.count == 1)
    #expect(found.first?.contains("`listen.otlp_http`") == true)
    #expect(found.first?.contains("set auth.allow_anonymous: true") == true)
    #expect(try problems(yaml + "auth: {allow_anonymous: true}", purpose: .serving).isEmpty)
    #expect(try problems(yaml, purpose: .reading).isEmpty)
  }

  @Test(arguments: [
    ("tls: {cert_file: /x}", "`tls.cert_file` and `tls.key_file` go together"),
    ("tls: {client_ca_file: /x}", "`tls.client_ca_file` needs `tls.cert_file` and `tls.key_file`"),
    ("tls: {cert_file: /nowhere/c, key_file: /nowhere/k}", "`tls`: /nowhere/c: no certificate in PEM"),
  ]) func refusesHalfATLSConfiguration(yaml: String, problem: String) throws {
    let found = try problems(yaml, purpose: .serving)
    #expect(found.count == 1)
    #expect(found.first?.hasSuffix(problem) == true)
    #expect(try problems(yaml, purpose: .reading).isEmpty)
  }

  @Test func refusesTwoDoorsAtOneAddress() throws {
    let yaml = "listen: {otlp_http: 127.0.0.1:9, console: 127.0.0.1:9, udp: 127.0.0.1:9}"
    #expect(
      try problems(yaml, purpose: .serving) == [
        "`listen.console`: 127.0.0.1:9 is the address of `listen.otlp_http` too"
      ])
    #expect(try problems("listen: {otlp_http: 127.0.0.1:0, console: 127.0.0.1:0}", purpose: .serving).isEmpty)
  }

  @Test func searchesTheSystemThenTheUser() throws {
    let folder = try ConfigFolder()
    var request = try folder.request()
    #expect(try request.resolve().file == nil)
    request.systemFile = try folder.write("drain: 4s", as: "system.yaml")
    #expect(try request.resolve().config.drain == .seconds(4))
    request.file = "\(folder.path)/absent.yaml"
    let missing = request
    let error = #expect(throws: ConfigError.self) { try missing.resolve() }
    #expect(error?.description == "\(folder.path)/absent.yaml: there is no such file")
    request.file = folder.path
    let notAFile = request
    #expect(throws: ConfigError.self) { try notAFile.resolve() }
  }

  @Test(arguments: [
    (["HOME": "/h"], false, "/h/.local/share/garner"), (["HOME": "/h", "XDG_DATA_HOME": "/x"], false, "/x/garner"),
    (["HOME": "/h", "XDG_DATA_HOME": "relative"], false, "/h/.local/share/garner"),
    (["HOME": "/root"], true, "/var/lib/garner"), (["STATE_DIRECTORY": "/s"], true, "/s"),
    (["STATE_DIRECTORY": "/s:/t", "HOME": "/h"], false, "/s"),
    (["GARNER_DATA_DIR": "/e", "STATE_DIRECTORY": "/s"], true, "/e"),
  ]) func findsTheDataDirectory(environment: [String: String], isRoot: Bool, directory: String) throws {
    var request = ConfigRequest(environment: environment, isRoot: isRoot)
    request.systemFile = "/nonexistent/garner.yaml"
    #expect(try request.resolve().config.dataDirectory == directory)
    request.flags = [ConfigRequest.Flag("data_dir", "--data-dir", "/f")]
    #expect(try request.resolve().config.dataDirectory == "/f")
  }

  @Test func withoutAHomeItAsksForADataDirectory() {
    var request = ConfigRequest(environment: [:], isRoot: false)
    request.systemFile = "/nonexistent/garner.yaml"
    let asked = request
    let error = #expect(throws: ConfigError.self) { try asked.resolve() }
    #expect(error?.description.contains("--data-dir") == true)
  }

  @Test func anAliasSetsTheFieldBehindIt() throws {
    let found = try resolved("telemetry: {max_db_size_mb: 100, retention_days: 7}")
    #expect(found.config.retention.maxBytes == 100_000_000)
    #expect(found.config.retention.classes.classes.last?.ageNanoseconds == 7 * RetentionClasses.day)
    #expect(found.origin(of: "retention.max_bytes").text.hasSuffix("garner.yaml:1"))
    #expect(try resolved("telemetry: {max_db_size_mb: -1}").config.retention.maxBytes == nil)
    let endless = try resolved("telemetry: {retention_days: -1}").config.retention.classes.classes.last
    #expect(endless?.name == "standard" && endless?.ageNanoseconds == nil)
    #expect(try problems("telemetry: {retention_days: 0}").count == 1)
  }

  @Test func anAliasAndItsKeyMustAgreeInOnePlace() throws {
    let yaml = "retention: {max_bytes: 1GB}\ntelemetry: {max_db_size_mb: 5}"
    #expect(try problems(yaml).first?.contains("`telemetry.max_db_size_mb` is another name") == true)
    #expect(try problems("retention: {max_bytes: 5MB}\ntelemetry: {max_db_size_mb: 5}").isEmpty)
    let fromFile = try resolved("retention: {max_bytes: 1GB}", environment: ["GARNER_TELEMETRY_MAX_DB_SIZE_MB": "5"])
    #expect(fromFile.config.retention.maxBytes == 5_000_000)
    let fromEnvironment = try resolved(
      "telemetry: {max_db_size_mb: 5}", environment: ["GARNER_RETENTION_MAX_BYTES": "1GB"])
    #expect(fromEnvironment.config.retention.maxBytes == 1_000_000_000)
  }
}

extension ConfigKey: CustomTestStringConvertible {
  package var testDescription: String { path }
}
