import Door
import Intake
import Telemetry
import Testing

/// Keys that are dropped or hashed.
@Suite struct PrivacyKeyTests {
  static let steam = "p_d8ce1d409ec40146e0ea"

  @Test(arguments: [
    ("76561198000000001", "p_2d7e9dae0ea469bf556e"), ("STEAM_0:0:12345", steam), ("STEAM_1:0:12345", steam),
    ("[U:1:24690]", steam), ("76561197960290418", steam), ("", ""), ("BOT", "BOT"),
  ])
  func hashesPlayers(id: String, expected: String) throws {
    let data = try PrivacySample.data("player.id", PrivacySample.string(id))
    #expect(data == "{\"player.id\":\"\(expected)\"}")
  }

  @Test func hashesDevicesUnderTheirOwnLetter() throws {
    let data = try PrivacySample.data("device.id", PrivacySample.string("76561198000000001"))
    #expect(data == "{\"device.id\":\"d_857267439aeeb1a46c03\"}")
  }

  @Test(arguments: [
    ("player.id", "{\"intValue\":\"76561198000000001\"}", "\"p_2d7e9dae0ea469bf556e\""),
    ("PLAYER.ID", "{\"stringValue\":\"76561198000000001\"}", "\"p_2d7e9dae0ea469bf556e\""),
    ("player", "{\"intValue\":\"0\"}", "0"), ("player", "{\"intValue\":\"255\"}", "255"),
    ("player", "{\"boolValue\":true}", "true"), ("player", "{}", "null"),
    (
      "diverged_players", "{\"arrayValue\":{\"values\":[{\"intValue\":3},{\"stringValue\":\"STEAM_0:0:12345\"}]}}",
      "[3,\"\(steam)\"]"
    ),
    (
      "user_id", "{\"arrayValue\":{\"values\":[{\"stringValue\":\"BOT\"},{\"stringValue\":\"76561198000000001\"}]}}",
      "[\"BOT\",\"p_2d7e9dae0ea469bf556e\"]"
    ),
    ("user_id", "{\"stringValue\":\"[\\\"76561198000000001\\\"]\"}", "\"[\\\"p_2d7e9dae0ea469bf556e\\\"]\""),
    ("player.steam_id", "{\"bytesValue\":\"NzY1NjExOTgwMDAwMDAwMDE=\"}", "\"p_2d7e9dae0ea469bf556e\""),
  ])
  func hashesEveryKindOfValue(key: String, value: String, expected: String) throws {
    #expect(try PrivacySample.data(key, value) == "{\"\(key)\":\(expected)}")
  }

  @Test func takesWholeNumbersForIntegers() throws {
    #expect(
      try PrivacySample.data("player.id", "{\"doubleValue\":42}")
        == PrivacySample.data("player.id", "{\"intValue\":42}"))
    #expect(try PrivacySample.data("player", "{\"intValue\":256}") != "{\"player\":256}")
  }

  @Test(arguments: [
    "player", "diverged_players", "player.id", "kicked.player.id", "player_id", "target_player_id", "player.team_id",
    "user.id", "user_id", "user.hash", "enduser.id", "enduser.pseudo.id", "account.id", "account_id", "steam.id",
    "steam_id", "x.sender_id", "requester_hash", "host_hash", "device.id", "save.device_id", "conflict.other_device",
    "app.installation.id", "machine.id", "User.Id",
  ])
  func hidesTheValue(key: String) throws {
    let data = try PrivacySample.data(key, PrivacySample.string("canary"))
    #expect(!data.contains("canary") && data.contains("_"), "\(data)")
  }

  @Test(arguments: [
    "client.address", "client.ip", "client_ip", "x.client_ip", "client.socket.port", "source.address",
    "destination.address", "network.peer.address", "network.local.address", "net.peer.ip", "net.host.ip",
    "net.sock.peer.addr", "ip_address", "my_ip_address", "host.id", "host.ip", "host.mac", "host.cpu.model.name",
    "process.command", "process.command_line", "process.command_args", "process.owner", "process.working_directory",
    "user.name", "user.full_name", "user.email", "email", "author.email", "player.name", "the_player_name", "nickname",
    "display_name", "chat.text", "chat.message", "http.request.header.cookie", "http.response.header.set-cookie",
    "authorization", "cookie", "password", "rcon_password", "oauth.secret", "my_api_key", "Player.Name",
  ])
  func dropsTheMember(key: String) throws {
    #expect(try PrivacySample.data(key, PrivacySample.string("canary")) == "{}")
    #expect(
      try PrivacySample.data("m", "{\"kvlistValue\":{\"values\":[{\"key\":\"\(key)\",\"value\":{\"intValue\":1}}]}}")
        == "{\"m\":{}}")
  }

  @Test(arguments: ["host.name", "process.pid", "service.name", "session.id", "game_id", "player_count", "players"])
  func keepsOtherKeys(key: String) throws {
    #expect(try PrivacySample.data(key, PrivacySample.string("x")) == "{\"\(key)\":\"x\"}")
  }

  @Test func dropsMoreOfPlayersMachines() throws {
    let player = PrivacySender(audience: .player)
    for key in ["host.name", "process.pid"] {
      #expect(try PrivacySample.data(key, PrivacySample.string("x"), sender: player) == "{}")
    }
  }

  @Test func keepsCommasRightWhereverMembersGo() throws {
    func kept(_ keys: [String]) throws -> String {
      let batch = try PrivacySample.log(
        attributes: keys.map { "{\"key\":\"\($0)\",\"value\":{\"intValue\":1}}" }.joined(separator: ","))
      let protected = PrivacySample.protector.protect(batch)
      return protected.text(protected.rows[0].data)
    }
    #expect(try kept(["email", "a", "b"]) == "{\"a\":1,\"b\":1}")
    #expect(try kept(["a", "email", "b"]) == "{\"a\":1,\"b\":1}")
    #expect(try kept(["a", "b", "email"]) == "{\"a\":1,\"b\":1}")
    #expect(try kept(["email", "cookie", "a", "nickname", "user.name", "b", "host.id"]) == "{\"a\":1,\"b\":1}")
    #expect(try kept(["email", "cookie"]) == "{}")
  }

  @Test func scrubsKeysAndKeepsThemApart() throws {
    let batch = try PrivacySample.log(
      attributes:
        "{\"key\":\"203.0.113.7\",\"value\":{\"intValue\":1}},{\"key\":\"203.0.113.8\",\"value\":{\"intValue\":2}}")
    let protected = PrivacySample.protector.protect(batch)
    #expect(protected.text(protected.rows[0].data) == "{\"[ip]\":1,\"[ip] (2)\":2}")
  }

  @Test func readsPathsOfMapsAsOneKey() throws {
    let value = "{\"kvlistValue\":{\"values\":[{\"key\":\"name\",\"value\":{\"stringValue\":\"Al\"}}]}}"
    #expect(try PrivacySample.data("user", value) == "{\"user\":{}}")
    #expect(try PrivacySample.data("item", value) == "{\"item\":{\"name\":\"Al\"}}")
  }

  /// As maps of an attribute and as its JSON text.
  @Test(arguments: [
    ("{\"rating\":1500,\"apm\":81.5,\"won\":true}", "{\"rating\":1500,\"apm\":81.5,\"won\":true}"),
    ("{\"pos\":[1.5,300],\"Ping\":31,\"wait_ms\":7}", "{\"pos\":[1.5,300],\"Ping\":31,\"wait_ms\":7}"),
    ("{\"stats\":{\"scores\":[900,1500]},\"team\":null}", "{\"stats\":{\"scores\":[900,1500]},\"team\":null}"),
  ])
  func figuresOfAPlayerStay(map: String, expected: String) throws {
    let stored = try PrivacySample.data("player", PrivacySample.string(map))
    #expect(stored == "{\"player\":\(PrivacySample.quoted(expected))}")
  }

  @Test(arguments: [
    "{\"x\":\"canary\"}", "{\"rating\":\"canary\"}", "{\"id\":4711}", "{\"steamID\":4711}", "{\"account\":4711}",
    "{\"user_number\":4711.0}", "{\"rating\":76561198000000001}", "{\"seen\":[4711000000]}", "{\"a\":{\"uid\":4711}}",
    "{\"rating\":[{\"id\":4711}]}", "{\"ids\":[4711]}", "[4711]", "{\"rating\":7.6561198e16}", "{\"player_id\":4711}",
    "{\"rating\":{\"phone\":4711}}", "{\"opponent\":4711}", "{\"killed_by\":4711}", "{\"team\":{\"members\":[4711]}}",
    "{\"value\":4711}", "{\"\":4711}", "{\"friends\":[4711,4711.5]}",
  ])
  func whoAPlayerIsDoesNotStay(map: String) throws {
    let stored = try PrivacySample.data("player", PrivacySample.string(map))
    #expect(stored.contains("p_") && !stored.contains("canary") && !stored.contains("4711") && !stored.contains("7656"))
  }

  @Test func exemptsWhatAPathNames() throws {
    let policy = PrivacyPolicy(drop: ["relay.peer.note"], scrub: ["!relay.peer", "!player.*"])
    let protector = Protector(policy, keys: PseudonymKeys(key: PrivacySample.key))
    for text in [
      #"{"relay":{"peer":"203.0.113.7"}}"#, #"{"a":{"relay":{"peer":["203.0.113.7"]}}}"#,
      #"{"relay.peer":"203.0.113.7"}"#,
    ] {
      #expect(try PrivacySample.data("j", PrivacySample.string(text), protector).contains("203.0.113.7"), "\(text)")
    }
    let map = #"{"kvlistValue":{"values":[{"key":"peer","value":{"stringValue":"203.0.113.7"}}]}}"#
    #expect(try PrivacySample.data("relay", map, protector) == #"{"relay":{"peer":"203.0.113.7"}}"#)
    // Where only some keys are scrubbed the path of one of them is no exception.
    let only = Protector(
      PrivacyPolicy(base: .none, scrub: ["relay", "peer"]), keys: PseudonymKeys(key: PrivacySample.key))
    #expect(try PrivacySample.data("relay", map, only) == #"{"relay":{"peer":"[ip]"}}"#)
    // What is not scrubbed is hashed and dropped all the same.
    for text in [
      #"{"other":{"peer":"203.0.113.7"}}"#, #"{"peer":"203.0.113.7"}"#, #"{"relay":{"peer":{"note":"203.0.113.7"}}}"#,
      #"{"player":{"team_id":"203.0.113.7"}}"#,
    ] {
      #expect(try !PrivacySample.data("j", PrivacySample.string(text), protector).contains("203.0.113.7"), "\(text)")
    }
  }

  @Test(arguments: [
    (["!foo.bar"], [], ["!foo.bar"]), (["!host.*", "!host.name", "!*"], [], []),
    (["x.*", "!x.y", "!y.*x"], [], ["!y.*x"]), ([], ["device:rig.serial", "!rig.*"], []),
    (["!player.name"], ["!user.hash", "!rig.serial", "!user.*"], ["!rig.serial"]),
  ])
  func knowsExceptionsFromNothing(drop: [String], pseudonymize: [String], idle: [String]) {
    let policy = PrivacyPolicy(pseudonymize: pseudonymize, drop: drop, scrub: ["!relay.peer"])
    #expect(policy.idleExceptions.map(\.entry) == idle)
    #expect(PrivacyPolicy(base: .none, drop: ["!player.name"]).idleExceptions.map(\.list) == ["drop"])
  }

  @Test func looksIntoBytesThatAreText() throws {
    // "a@b.org", then bytes that are no text.
    #expect(try PrivacySample.data("x", "{\"bytesValue\":\"YUBiLm9yZw==\"}") == "{\"x\":{\"$bytes\":\"W2VtYWlsXQ==\"}}")
    #expect(try PrivacySample.data("x", "{\"bytesValue\":\"/2FAYi5vcmc=\"}") == "{\"x\":{\"$bytes\":\"/2FAYi5vcmc=\"}}")
  }

  // MARK: senders

  @Test func stripsOurKeysOfStrangersOnly() throws {
    let value = PrivacySample.string("x")
    #expect(try PrivacySample.data("garner.audience", value) == "{}")
    #expect(try PrivacySample.data("Garner.Audience", value) == "{}")
    let trusted = PrivacySender(trusted: true)
    #expect(try PrivacySample.data("garner.audience", value, sender: trusted) == "{\"garner.audience\":\"x\"}")
    let none = Protector(.none, keys: PseudonymKeys(key: PrivacySample.key))
    #expect(try PrivacySample.data("garner.audience", value, none) == "{}")
  }

  @Test func hashesPseudonymsAgainUnlessTheSenderIsTrusted() throws {
    let value = PrivacySample.string("p_2d7e9dae0ea469bf556e")
    #expect(try PrivacySample.data("player.id", value) != "{\"player.id\":\"p_2d7e9dae0ea469bf556e\"}")
    let trusted = PrivacySender(trusted: true)
    #expect(
      try PrivacySample.data("player.id", value, sender: trusted) == "{\"player.id\":\"p_2d7e9dae0ea469bf556e\"}")
    #expect(
      try PrivacySample.data("player.id", PrivacySample.string("76561198000000001"), sender: trusted)
        == "{\"player.id\":\"p_2d7e9dae0ea469bf556e\"}")
  }

  @Test func takesTheKeyThatTheCredentialNames() throws {
    let keys = try #require(
      PseudonymKeys([
        .init(id: "event", key: PrivacySample.key, created: "", active: false),
        .init(id: "own", key: [UInt8](repeating: 9, count: 32), created: "", active: true),
      ]))
    let protector = Protector(PrivacyPolicy(), keys: keys)
    let value = PrivacySample.string("76561198000000001")
    let event = PrivacySender(pseudonymKey: "event")
    #expect(
      try PrivacySample.data("player.id", value, protector, sender: event)
        == "{\"player.id\":\"p_2d7e9dae0ea469bf556e\"}")
    #expect(
      try PrivacySample.data("player.id", value, protector) != "{\"player.id\":\"p_2d7e9dae0ea469bf556e\"}")
    let texts = Pseudonym.of(player: "76561198000000001", under: keys)
    #expect(texts.count == 2 && texts[0] == "p_2d7e9dae0ea469bf556e")
    #expect(Pseudonym.of(player: "[U:1:24690]", under: keys)[0] == Self.steam)
    #expect(Pseudonym.of(player: "p_2d7e9dae0ea469bf556e", under: keys) == ["p_2d7e9dae0ea469bf556e"])
  }

  // MARK: policies

  @Test func addsPatternsAndTakesThemAway() throws {
    let policy = PrivacyPolicy(
      pseudonymize: ["crew.*", "device:rig", "!user.id"], drop: ["*.color", "!player.name"], scrub: ["!relay.*"])
    let protector = Protector(policy, keys: PseudonymKeys(key: PrivacySample.key))
    func data(_ key: String, _ text: String) throws -> String {
      try PrivacySample.data(key, PrivacySample.string(text), protector)
    }
    #expect(try data("crew.captain", "76561198000000001") == "{\"crew.captain\":\"p_2d7e9dae0ea469bf556e\"}")
    #expect(try data("rig", "76561198000000001") == "{\"rig\":\"d_857267439aeeb1a46c03\"}")
    #expect(try data("user.id", "u") == "{\"user.id\":\"u\"}")
    #expect(try data("hair.color", "red") == "{}")
    #expect(try data("player.name", "Al") == "{\"player.name\":\"Al\"}")
    #expect(try data("relay.peer", "203.0.113.7") == "{\"relay.peer\":\"203.0.113.7\"}")
    #expect(try data("peer", "203.0.113.7") == "{\"peer\":\"[ip]\"}")
  }

  @Test func changesNothingUnderThePolicyNone() throws {
    let none = Protector(.none, keys: PseudonymKeys(key: PrivacySample.key))
    let batch = try PrivacySample.log(
      attributes: "{\"key\":\"player.id\",\"value\":{\"stringValue\":\"al@example.org\"}}",
      body: PrivacySample.string("{\"password\":\"hunter2\"} from 203.0.113.7"))
    #expect(none.protect(batch) === batch)
  }
}
