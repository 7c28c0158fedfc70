import Telemetry

@testable import Store

/// Three days of a small community with planted faults: what the operators' queries must find is known by construction.
///
/// 48 games on two relays, 16 a day from 12:00, one every half hour, in turn with 2 and 4 players and on `relay-eu-1` and
/// `relay-us-1` by pairs. The first two days are settled, the third is still landing.
struct Season {
  let fixture: QueryFixture
  /// Held open, as the writer holds it.
  let landing: Connection

  static let start: Int64 = 1_804_291_200_000_000_000  // 2027-03-06
  static let second: Int64 = 1_000_000_000
  static let day: Int64 = 86_400 * second
  static let games = 48

  /// Second day, 18:00 to 20:00: the games on relay-eu-1 stall.
  static let stalled = [28, 29]
  /// The Wi-Fi player loses 34 orders in this one.
  static let lossy = 9

  static func id(_ game: Int) -> String { "g00\(100 + game)" }
  static func trace(_ game: Int) -> String {
    let digits = String(game, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits + String(repeating: "c0ffee42", count: 3)
  }
  static func time(_ game: Int) -> Int64 {
    start + Int64(game / 16) * day + (12 * 3600 + Int64(game % 16) * 1800) * second
  }
  static func relay(_ game: Int) -> String { game / 2 % 2 == 0 ? "relay-eu-1" : "relay-us-1" }
  static func players(_ game: Int) -> Int { game % 2 == 0 ? 2 : 4 }

  init() throws {
    fixture = try QueryFixture()
    var days: [[QueryEvent]] = [[], [], []]
    for game in 0..<Self.games { days[game / 16] += Self.events(of: game) }
    for (index, extra) in [Self.sessions(), Self.saves(), Self.benchmarks()].enumerated() { days[index] += extra }
    // The same sessions of the second day go on into the third.
    days[2] += Self.lateRoots()
    var next: Int64 = 1
    for index in days.indices {
      for at in days[index].indices {
        days[index][at].id = next
        next += 1
      }
    }
    try fixture.settle(days[0])
    try fixture.settle(days[1])
    landing = try fixture.land(days[2])
  }

  private static func event(
    _ name: String, _ game: Int, after seconds: Double = 0, _ data: String, tick: Int64? = nil
  ) -> QueryEvent {
    var event = QueryEvent(name, at: time(game) + Int64(seconds * 1e9))
    event.session = "process of " + relay(game)
    event.trace = trace(game)
    event.data = "{\"game_id\":\"\(id(game))\",\(data)}"
    event.tick = tick
    return event
  }

  private static func events(of game: Int) -> [QueryEvent] {
    let count = players(game)
    var events = [
      event("relay.game.start", game, "\"map\":\"m\(game % 3)\",\"player_count\":\(count),\"relay\":\"\(relay(game))\"")
    ]
    for slot in 0..<count {
      events.append(event("relay.player.join", game, after: 1, "\"slot\":\(slot),\"player\":\"\(player(game, slot))\""))
    }
    for tick in 0..<50 {
      // In proportion to the players, so that only games of one size can be compared.
      let isStalled = stalled.contains(game)
      let microseconds = 500 * count * 10 / 10 * (isStalled ? 108 : 10) / 10
      var row = event(
        "relay.tick.process", game, after: 2 + Double(tick) * 0.067,
        "\"tick\":\(tick),\"process_us\":\(microseconds),\"stall_detected\":\(isStalled && tick < 18 ? 1 : 0)",
        tick: Int64(tick))
      row.duration = Int64(microseconds) * 1000
      if isStalled && tick < 18 { row.severity = .warn }
      events.append(row)
    }
    if game == lossy {
      for value in [20, 14] {
        events.append(event("relay.orders.dropped", game, after: 60, "\"player\":\"wifi\",\"value\":\(value)"))
      }
      events.append(event("relay.orders.dropped", game, after: 61, "\"player\":\"p1\",\"value\":3"))
    }
    events += lagSwitches(game) + desyncs(game) + results(game)
    events.append(event("relay.game.end", game, after: 900, "\"duration_s\":900.0,\"outcome\":\"Completed\""))
    return events
  }

  /// Slot 0: a lag switcher in every eighth game, a cheater in others, else one of many. Slot 1: the Wi-Fi player in odd games.
  private static func player(_ game: Int, _ slot: Int) -> String {
    switch slot {
    case 0: game % 8 == 4 ? "switcher" : game % 8 == 6 ? "cheat" : "p\(game)"
    case 1: game % 2 == 1 ? "wifi" : "victim"
    default: "guest\(slot)"
    }
  }

  // MARK: faults

  /// The switcher's gaps come without loss and with a burst; the Wi-Fi player's with loss and without.
  private static func lagSwitches(_ game: Int) -> [QueryEvent] {
    if game % 8 == 4 {
      return (0..<5).map { gap in
        event(
          "relay.lag_switch", game, after: 100 + Double(gap),
          "\"player\":\"switcher\",\"gap_ms\":1500,\"burst_after\":12",
          tick: Int64(1000 + gap * 1000))
      } + [
        event(
          "relay.player.rtt_ms", game, after: 99, "\"player\":\"switcher\",\"loss_pct\":0.1,\"jitter_ms\":3", tick: 1010
        ),
        // Loss, but of another player, and loss of his own far away.
        event(
          "relay.player.rtt_ms", game, after: 99, "\"player\":\"victim\",\"loss_pct\":9,\"jitter_ms\":3", tick: 2000),
        event(
          "relay.player.rtt_ms", game, after: 99, "\"player\":\"switcher\",\"loss_pct\":9,\"jitter_ms\":3", tick: 9000),
      ]
    }
    if game % 8 == 1 {
      return [
        event("relay.lag_switch", game, after: 100, "\"player\":\"wifi\",\"gap_ms\":900,\"burst_after\":2", tick: 700),
        event("relay.player.rtt_ms", game, after: 99, "\"player\":\"wifi\",\"loss_pct\":5,\"jitter_ms\":80", tick: 900),
      ]
    }
    return []
  }

  /// The cheater's games desync; so does one game of others.
  private static func desyncs(_ game: Int) -> [QueryEvent] {
    guard game % 8 == 6 || game == 2 else { return [] }
    return [
      event(
        "relay.desync", game, after: 500,
        "\"diverged_players\":[0,1],\"hash_expected\":\"ffffffffffffffff\",\"hash_actual\":\"8000000000000001\"",
        tick: 7_000)
    ]
  }

  /// Equal ratings; with the mod the first faction wins three games of four, without it every second one.
  private static func results(_ game: Int) -> [QueryEvent] {
    let isModded = game % 3 == 0
    let turn = game / 3
    let wins = isModded ? turn % 4 != 3 : game % 2 == 0
    return ["soviet", "allies"].enumerated().map { team, faction in
      var row = event(
        "match.player_result", game, after: 901,
        """
        "player":"t\(team)","team":\(team),"faction":"\(faction)","rating":1500,\
        "result":"\(game == 47 ? "void" : wins == (team == 0) ? "win" : "loss")"
        """)
      row.fingerprint = isModded ? "modded" : "base"
      return row
    }
  }

  // MARK: sessions, saves, benchmarks

  private static func span(_ name: String, _ trace: String, at time: Int64, _ data: String) -> QueryEvent {
    var row = QueryEvent(name, at: time)
    row.kind = .span
    row.trace = trace
    row.span = [1, 2, 3, 4, 5, 6, 7, 8]
    row.component = "session-service"
    row.data = data
    row.duration = second
    return row
  }

  static func sessionTrace(_ index: Int) -> String {
    "5e55" + String(repeating: "0", count: 26) + (index < 10 ? "0\(index)" : "\(index)")
  }

  /// 20 sessions; the roots of the last four come on the third day, that of the last two never.
  private static func sessions() -> [QueryEvent] {
    (0..<20).flatMap { index -> [QueryEvent] in
      let children = ["session.phase.login", "session.phase.in_game"].map {
        span($0, sessionTrace(index), at: start + Int64(index) * second, "{\"game.map\":\"m\"}")
      }
      return index < 16 ? children + [root(index)] : children
    }
  }

  private static func root(_ index: Int) -> QueryEvent {
    let ends = ["graceful", "graceful", "graceful", "connection_failure", "crash"]
    return span(
      "session.lifecycle", sessionTrace(index), at: start + Int64(index) * second,
      "{\"session.end_type\":\"\(ends[index % 5])\",\"session.matches_played\":\(index % 4)}")
  }

  private static func lateRoots() -> [QueryEvent] { [root(16), root(17)] }

  static func saveTrace(_ index: Int) -> String {
    "5a0e" + String(repeating: "0", count: 26) + (index < 10 ? "0\(index)" : "\(index)")
  }

  /// 30 saves; every tenth was never written.
  private static func saves() -> [QueryEvent] {
    (0..<30).flatMap { index -> [QueryEvent] in
      let at = start + day + Int64(index) * second
      var rows = [span("cloud_save.save", saveTrace(index), at: at, "{\"save.outcome\":\"ok\"}")]
      rows.append(span("cloud_save.load_current", saveTrace(index), at: at, "{}"))
      if index % 10 != 7 {
        rows.append(span("cloud_save.write", saveTrace(index), at: at, "{\"write.version\":\(index)}"))
      }
      return rows
    }
  }

  /// 20 commits of two benchmarks, three repeats; one gets 14 % slower with commit 12.
  private static func benchmarks() -> [QueryEvent] {
    (1...20).flatMap { commit in
      ["sim_tick_1000", "fog_update"].flatMap { bench in
        (0..<3).map { repetition in
          var row = QueryEvent("perf.bench", at: start + 2 * day + Int64(commit) * second)
          row.component = "ci"
          let microseconds = (bench == "fog_update" || commit < 12 ? 1000 : 1140) + repetition * 20
          row.data =
            "{\"bench\":\"\(bench)\",\"commit_index\":\(commit),\"commit\":\"c\(commit)\",\"runner\":\"r1\",\"p50_us\":\(microseconds)}"
          return row
        }
      }
    }
  }
}
