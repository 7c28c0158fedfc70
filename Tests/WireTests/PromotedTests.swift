import Telemetry
import Testing
import Wire

/// Which attribute becomes a column when several could (DESIGN §5). What is exported has every key once, with its last
/// value, and in any order: it must come to the same.
@Suite struct PromotedTests {
  @Test(
    arguments: [
      (["trace_id": "a", "correlation": "b"], "correlation b"),
      (["correlation": "b", "trace_id": "a"], "correlation b"),
      (["trace_id": "a", "trace_id": "b"], "correlation b"), (["trace_id": "a", "trace_id": nil], ""),
      (["correlation": "a", "trace_id": "b", "correlation": "c"], "correlation c"),
      (["game.id": "a", "game_id": "b", "game.id": "c"], "game b"), (["game.id": "a", "game.id": "b"], "game b"),
      (["game_module": "a", "game.module": "b"], "module a"), (["game.module": "b", "game_module": "a"], "module a"),
      (["mod_fingerprint": "a", "mod_profile_fingerprint": "b"], "mod a"),
      (["mod_profile_fingerprint": "b", "mod.fingerprint": "a", "mod_profile_fingerprint": "c"], "mod a"),
      (["mod.fingerprint": "b", "mod_fingerprint": "a", "mod.fingerprint": "c"], "mod a"),
      (["mod_profile_fingerprint": "a", "mod_profile_fingerprint": "b"], "mod b"),
      (["event.category": "a", "category": "b"], "category b"),
      (["category": "b", "event.category": "a"], "category b"),
      (["event.category": "a", "event.category": "b"], "category b"),
    ] as [(KeyValuePairs<String, String?>, String)])
  func takesItsOwnKeyAndOfOneKeyTheLast(attributes: KeyValuePairs<String, String?>, column: String) throws {
    let list = attributes.map { key, value in
      "{\"key\":\"\(key)\",\"value\":{\(value.map { "\"stringValue\":\"\($0)\"" } ?? "")}}"
    }
    let body =
      "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"attributes\":[\(list.joined(separator: ","))]}]}]}]}"
    let batch = try #require(JSONOutcome(.logs, body).batch)
    let row = try #require(batch.rows.first)
    let context = batch.contexts[Int(row.context)]
    let category = batch.text(batch.names[Int(row.name)].category)
    let columns = [
      ("correlation", batch.text(row.correlation)), ("game", batch.text(context.gameID)),
      ("module", batch.text(context.gameModule)), ("mod", batch.text(context.modFingerprint)),
      ("category", category == "log" ? "" : category),
    ]
    #expect(columns.filter { !$0.1.isEmpty }.map { "\($0) \($1)" }.joined(separator: " ") == column)
  }

  @Test(arguments: [
    ("game_id", true, false), ("game_id", false, true), ("game_module", true, false), ("hostname", true, false),
  ])
  func teachesWhatTheResourceSays(key: String, onResource: Bool, onRecord: Bool) throws {
    func list(_ isHere: Bool) -> String {
      isHere ? "\"attributes\":[{\"key\":\"\(key)\",\"value\":{\"stringValue\":\"a\"}}]" : ""
    }
    let record = onRecord ? "," + list(true) : ""
    let body =
      "{\"resourceLogs\":[{\"resource\":{\(list(onResource))},\"scopeLogs\":[{\"logRecords\":["
      + "{\"eventName\":\"relay.game.start\"\(record)},{\"eventName\":\"relay.tick\"\(record)}]}]}]}"
    let batch = try #require(JSONOutcome(.logs, body).batch)
    let teaching = batch.rows.map { $0.present.contains(.teachesContext) }
    #expect(teaching == [key != "hostname", false])
  }
}
