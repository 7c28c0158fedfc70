/// Tables of games and sessions, made of the events that open, describe and end them: over one data file, or, in a query,
/// over all of them. A game is (source, game_id), a session (source, session_id): nothing crosses sources.
package enum GameViews {
  package static let all: [(name: String, sql: String)] = [("games", games), ("sessions", sessions)]

  private static let startNames = "'relay.game.start','match.start'"
  private static let endNames = "'relay.game.end','match.end'"

  /// The last value that an event of `events` gives to one of `members` of its data.
  private static func value(_ members: [String], of events: String) -> String {
    let values = members.map { "json_extract(data,'$.\($0)')" }
    let value = values.count == 1 ? values[0] : "coalesce(\(values.joined(separator: ",")))"
    return "max(CASE WHEN event IN (\(events)) THEN \(value) END)"
  }

  private static func time(_ function: String, of events: String) -> String {
    "\(function)(CASE WHEN event IN (\(events)) THEN timestamp END)"
  }

  private static func count(_ event: String) -> String { "sum(event = '\(event)')" }

  /// `manifest`: the counts of its events by name that its sender wrote down at the end.
  private static let games = """
    SELECT source, game_id, \(time("min", of: startNames)) AS started, \(time("max", of: endNames)) AS ended,
      min(session_id) AS session_id, min(component) AS component, max(game_module) AS game_module,
      max(mod_fingerprint) AS mod_fingerprint, \(value(["map"], of: startNames)) AS map,
      \(value(["mode"], of: startNames)) AS mode,
      coalesce(\(value(["player_count"], of: startNames)), \(value(["player_count"], of: endNames))) AS players,
      \(value(["balance_preset"], of: startNames)) AS balance_preset, \(value(["outcome"], of: endNames)) AS outcome,
      \(value(["duration_s"], of: endNames)) AS duration_s, \(value(["ticks"], of: endNames)) AS ticks,
      \(count("relay.player.join")) AS joins, \(count("relay.player.leave")) AS leaves,
      \(count("relay.desync")) AS desyncs, max(correlation) AS correlation,
      max(CASE WHEN event = 'game.manifest' THEN json_extract(data,'$.counts') END) AS manifest
    FROM \(Views.eventsName)
    WHERE game_id IS NOT NULL AND event IN (\(startNames),\(endNames),'game.manifest','relay.player.join',
      'relay.player.leave','relay.desync')
    GROUP BY source, game_id
    """

  private static let sessions = """
    SELECT source, session_id, \(time("min", of: "'session.start'")) AS started,
      \(time("max", of: "'session.end'")) AS ended, min(component) AS component,
      min(CASE WHEN event = 'session.start' THEN game_module END) AS game_module,
      min(CASE WHEN event = 'session.start' THEN mod_fingerprint END) AS mod_fingerprint,
      \(value(["engine_version"], of: "'session.start'")) AS engine_version,
      \(value(["os"], of: "'session.start'")) AS os,
      \(value(["session_number"], of: "'session.start'")) AS session_number,
      \(count("session.profile_switch")) AS profile_switches, \(value(["reason"], of: "'session.end'")) AS reason,
      \(value(["duration_s"], of: "'session.end'")) AS duration_s,
      \(value(["matches_played"], of: "'session.end'")) AS matches_played
    FROM \(Views.eventsName)
    WHERE event IN ('session.start','session.end','session.profile_switch','session.mod_manifest')
    GROUP BY source, session_id
    """
}
