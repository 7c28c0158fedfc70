import Intake
import Telemetry
import Testing

/// What is found in a text, and what only looks like it.
@Suite struct PrivacyTextTests {
  static let changes: [(String, String)] = [
    ("from 203.0.113.7:27005 lost", "from [ip] lost"),
    ("[2001:db8::7]:443", "[ip]"),
    ("::ffff:198.51.100.9", "[ip]"),
    ("::ffff:198.51.100.9:27015", "[ip]"),
    ("bob%40example.org", "[email]"),
    ("mail bob.smith+x@mail.example.org.", "mail [email]."),
    ("C:\\Users\\John Smith\\x", "C:\\Users\\[user]\\x"),
    ("C:\\\\Users\\\\John Smith\\\\x", "C:\\\\Users\\\\[user]\\\\x"),
    ("open C:/Users/John Smith/x", "open C:/Users/[user]/x"),
    ("/home/al/.config", "/home/[user]/.config"),
    ("/Users/Al B/Library", "/Users/[user]/Library"),
    ("/home/al", "/home/[user]"),
    ("/x?token=s3cr3t&map=ore", "/x?token=[secret]&map=ore"),
    ("rcon_password=hunter2 next", "rcon_password=[secret] next"),
    ("Password: hunter2", "Password: [secret]"),
    ("rcon_password \"hunter2\"", "rcon_password \"[secret]\""),
    ("got {\"api_key\" : \"a b\\\"c\"} end", "got {\"api_key\" : \"[secret]\"} end"),
    ("Authorization: Bearer abc.def", "Authorization: Bearer [token]"),
    ("Authorization: Basic abc", "Authorization: Basic [token]"),
    ("authorization=Digest a=1 b=2", "authorization=[secret]"),
    ("https://al:pw@example.org/x", "https://[secret]@example.org/x"),
    ("Bearer abcdef", "Bearer [token]"),
    ("Basic dXNlcjpwYXNz", "Basic [token]"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "jwt [token]!"),
    ("gt_1f2e3d4c_00ff00ff", "[token]"),
    ("ghp_0123456789abcdef", "[token]"),
    ("github_pat_11ABCDEF_x", "[token]"),
    ("glpat-aBcDeFgH", "[token]"),
    ("xoxb-123-456", "[token]"),
    ("AKIAIOSFODNN7EXAMPLE", "[token]"),
    ("sk_live_4eC39HqLyjW", "[token]"),
    ("00:1b:44:11:3A:b7 up", "[mac] up"),
    ("00-1b-44-11-3a-b7", "[mac]"),
    ("STEAM_1:0:12345", "p_d8ce1d409ec40146e0ea"),
    ("by [U:1:24690] at", "by p_d8ce1d409ec40146e0ea at"),
    ("id 76561197960290418,", "id p_d8ce1d409ec40146e0ea,"),
    (
      "Rcon: \"rcon 1163 \"hunter2\" status\" from \"203.0.113.7:27005\"",
      "Rcon: \"rcon 1163 \"[secret]\" status\" from \"[ip]\""
    ),
    (
      "\"Al<12><STEAM_1:0:12345><CT>\" say \"meet \"now\"\"",
      "\"Al<12><p_d8ce1d409ec40146e0ea><CT>\" say \"[chat]\""
    ),
    ("\"Al<1><BOT><CT>\" say_team \"gg\" (dead)", "\"Al<1><BOT><CT>\" say_team \"[chat]\" (dead)"),
    ("fe80::1%eth0 up", "[ip] up"),
    ("203.0.113.7, 203.0.113.8.", "[ip], [ip]."),
    ("http://203.0.113.7/x", "http://[ip]/x"),
    ("{\"password\":\"hunter2\"}", "{}"),
    ("{ \"ok\" : 1 , \"password\" : \"hunter2\" }", "{ \"ok\" : 1  }"),
    ("[{\"a\":\"203.0.113.7\"}]", "[{\"a\":\"[ip]\"}]"),
    ("{\"player\":{\"id\":7,\"name\":\"Al\"}}", "{\"player\":{\"id\":7}}"),
    ("{\"p\\u0061ssword\":1,\"x\":2}", "{\"x\":2}"),
    ("{\"token\":\"abc\",\"n\":1}", "{\"token\":\"[secret]\",\"n\":1}"),
    ("{\"passwd\":12, \"accessKey\":\"x\"}", "{\"passwd\":\"[secret]\", \"accessKey\":\"[secret]\"}"),
    ("[{\"rcon_t\\u006fken\":\"a\\\"b\"}]", "[{\"rcon_t\\u006fken\":\"[secret]\"}]"),
    (
      "{\"secret\":{\"a\":[1,\"x\",true]},\"b\":\"x\"}",
      "{\"secret\":{\"a\":[\"[secret]\",\"[secret]\",true]},\"b\":\"x\"}"
    ),
    ("{\"http\":{\"request\":{\"header\":{\"x\":\"y\"},\"n\":1}}}", "{\"http\":{\"request\":{\"header\":{},\"n\":1}}}"),
    ("bob@example.org.1", "[email]"),
    ("bob@example.org.k, al@example.org-1", "[email], [email]"),
    ("dead:beef::cafe up", "[ip] up"),
  ]

  static let unchanged: [String] = [
    "v1.2.3.4", "1.2.3.4.5", "0.5.1.2000", "12:34:56.789", "std::vector::push_back", "/usr/lib/x.so",
    "max_tokens=100", "token bucket", "5b8efff7-9803-8103-d269-b633813fc60c", "5b8efff798038103d269b633813fc60c",
    "127.0.0.1:4317", "0.0.0.0:80", "::1", "[::1]:4317", "2026-02-03T04:05:06.789012Z", "1.2.3", "256.1.2.3",
    "GET /v1/players", "a@b", "user@host", "a @ b.c", "00:11:22:33:44", "1:2:3:4:5:6:7:8", "face::add()",
    "Basic settings", "gt_laps", "20260203040506789", "10:20", "tokens: 5", "", " ", "BOT", "say \"hi\"",
    "{\"a\":1,\"b\":[true,null,1.5e3]}", "{\"max_tokens\":5,\"secretary\":\"x\",\"tokens\":[1]}",
    "lib@1.2.3", "engine@2024.1", "face::cafe::add()",
    "{\"broken\":", "relay.game.start", "/homework/x", "a/b/c:d", "=", ":", "%40",
    "@", "\"", "\\", "://", "://@", "secretary: x", "passworded", "[U:1:]", "STEAM_1:2:3", "7656119", "Grüße 🎮",
  ]

  @Test(arguments: changes)
  func replacesWhatIsFound(text: String, expected: String) throws {
    #expect(
      try PrivacySample.data("note", PrivacySample.string(text)) == "{\"note\":\(PrivacySample.quoted(expected))}")
  }

  @Test(arguments: changes)
  func replacesItInBodiesNamesAndUnits(text: String, expected: String) throws {
    let batch = try PrivacySample.log(body: PrivacySample.string(text))
    let protected = PrivacySample.protector.protect(batch)
    #expect(protected.text(protected.rows[0].data) == "{\"body\":\(PrivacySample.quoted(expected))}")
    #expect(PrivacySample.protector.scrubbed(text) == expected)
  }

  @Test(arguments: changes)
  func findsNothingInWhatItWrote(text: String, expected: String) {
    #expect(PrivacySample.protector.scrubbed(expected) == nil)
  }

  @Test(arguments: unchanged)
  func leavesTheRest(text: String) throws {
    let batch = try PrivacySample.log(attributes: "{\"key\":\"note\",\"value\":\(PrivacySample.string(text))}")
    let protected = PrivacySample.protector.protect(batch)
    #expect(protected === batch, "\(protected.text(protected.rows[0].data))")
  }

  @Test(arguments: ["service.version", "version", "app_version", "engine.Version.full_version"])
  func takesNoVersionForAnAddress(key: String) throws {
    #expect(try PrivacySample.data(key, PrivacySample.string("10.2.3.4")) == "{\"\(key)\":\"10.2.3.4\"}")
  }

  @Test func countsEachRule() throws {
    let vitals = PrivacyVitals()
    let protector = Protector(PrivacyPolicy(), keys: PseudonymKeys(key: PrivacySample.key), vitals: vitals)
    let list = [
      "{\"key\":\"garner.audience\",\"value\":{\"intValue\":1}}", "{\"key\":\"email\",\"value\":{\"intValue\":1}}",
      "{\"key\":\"user.id\",\"value\":{\"stringValue\":\"u\"}}",
      "{\"key\":\"x\",\"value\":{\"stringValue\":\"203.0.113.7 203.0.113.8 a@b.org /home/al STEAM_1:0:1\"}}",
    ]
    let batch = protector.protect(try PrivacySample.log(attributes: list.joined(separator: ",")))
    #expect(batch.rows.count == 1)
    let counts = PrivacyRule.allCases.filter { vitals.applied($0) > 0 }.map { "\($0.rawValue) \(vitals.applied($0))" }
    #expect(counts == ["strip 1", "drop 1", "pseudonym 1", "ip 2", "email 1", "user_path 1"])
  }
}
