import Testing

@testable import Store

/// What operators ask, word for word, over several files with planted faults. Each answer is known, and each query is asked
/// of one plain table as well.
@Suite struct WorkflowTests {
  let season: Season
  let session: QuerySession
  let plain: QuerySession

  init() throws {
    season = try Season()
    session = try season.fixture.session()
    plain = try season.fixture.plainSession()
  }

  private func ask(_ sql: String, _ parameters: [String: SQLValue] = [:]) throws -> [[SQLValue]] {
    let rows = try QueryFixture.rows(session, sql, parameters)
    #expect(try rows == QueryFixture.rows(plain, sql, parameters), "\(sql)")
    #expect(session.warnings.isEmpty)
    return rows
  }

  static let verdict = """
    WITH g AS (SELECT correlation, MIN(timestamp) t0, MAX(timestamp) t1 FROM telemetry_events WHERE correlation=
       (SELECT correlation FROM telemetry_events WHERE event='relay.game.start' AND json_extract(data,'$.game_id')=:game)),
     tick AS (SELECT duration_us us, json_extract(data,'$.stall_detected') st FROM telemetry_events
              WHERE event='relay.tick.process' AND correlation=(SELECT correlation FROM g)),
     base AS (SELECT duration_us us FROM telemetry_events WHERE event='relay.tick.process'
       AND session_id=(SELECT session_id FROM telemetry_events WHERE correlation=(SELECT correlation FROM g) AND component='relay' LIMIT 1)
       AND correlation IN (SELECT correlation FROM telemetry_events WHERE event='relay.game.start' AND json_extract(data,'$.player_count')=
            (SELECT json_extract(data,'$.player_count') FROM telemetry_events WHERE event='relay.game.start' AND correlation=(SELECT correlation FROM g)))
       AND (timestamp < strftime('%Y-%m-%dT%H:%M:%fZ',(SELECT t0 FROM g),'-3 hours') OR timestamp > strftime('%Y-%m-%dT%H:%M:%fZ',(SELECT t1 FROM g),'+3 hours'))),
     drops AS (SELECT json_extract(data,'$.player') player, SUM(json_extract(data,'$.value')) n FROM telemetry_events
               WHERE event='relay.orders.dropped' AND correlation=(SELECT correlation FROM g) GROUP BY 1)
    SELECT (SELECT SUM(st)*1.0/COUNT(*) FROM tick) stalled_share,
     (SELECT us FROM tick ORDER BY us LIMIT 1 OFFSET (SELECT COUNT(*)/2 FROM tick))*1.0/(SELECT us FROM base ORDER BY us LIMIT 1 OFFSET (SELECT COUNT(*)/2 FROM base)) p50_ratio,
     (SELECT player FROM drops ORDER BY n DESC LIMIT 1) worst_player, (SELECT n FROM drops ORDER BY n DESC LIMIT 1) worst_drops;
    """

  @Test func tellsAStalledRelayFromALossyPlayer() throws {
    for game in Season.stalled {
      #expect(try ask(Self.verdict, ["game": .text(Season.id(game))]) == [[.real(0.36), .real(10.8), .null, .null]])
    }
    #expect(
      try ask(Self.verdict, ["game": .text(Season.id(Season.lossy))]) == [
        [.real(0), .real(1), .text("wifi"), .integer(34)]
      ])
    // A game of the third day, in the landing file.
    #expect(try ask(Self.verdict, ["game": .text(Season.id(40))]) == [[.real(0), .real(1), .null, .null]])
  }

  @Test func findsAllGamesThatStalled() throws {
    let rows = try ask(
      """
      SELECT correlation FROM telemetry_events WHERE event='relay.tick.process' GROUP BY 1
      HAVING AVG(json_extract(data,'$.stall_detected')) > 0.05 ORDER BY 1
      """)
    #expect(rows == Season.stalled.map { [.text(Season.trace($0))] })
  }

  @Test func ranksPlayersByDesyncs() throws {
    let rows = try ask(
      """
      WITH d AS (SELECT id,correlation,tick,data FROM telemetry_events WHERE event='relay.desync'),
       cand AS (SELECT d.id,d.correlation,d.tick,s.value slot,json_extract(j.data,'$.player') player FROM d, json_each(d.data,'$.diverged_players') s
         JOIN telemetry_events j ON j.correlation=d.correlation AND j.event='relay.player.join' AND json_extract(j.data,'$.slot')=s.value),
       played AS (SELECT json_extract(data,'$.player') player, COUNT(*) games FROM telemetry_events WHERE event='relay.player.join' GROUP BY 1)
      SELECT player, COUNT(DISTINCT cand.id) desyncs, games, ROUND(1.0*COUNT(DISTINCT cand.id)/games,3) rate FROM cand JOIN played USING(player)
      GROUP BY 1 HAVING desyncs>=3 ORDER BY rate DESC;
      """)
    #expect(
      rows == [
        [.text("cheat"), .integer(6), .integer(6), .real(1)],
        [.text("victim"), .integer(7), .integer(24), .real(0.292)],
      ])
  }

  @Test func findsTheLagSwitcherAndNotTheLossyPlayer() throws {
    let rows = try ask(
      """
      WITH ls AS (SELECT id,correlation,tick,json_extract(data,'$.player') player,json_extract(data,'$.game_id') game,json_extract(data,'$.burst_after') burst
                  FROM telemetry_events WHERE event='relay.lag_switch'),
       net AS (SELECT ls.id, MAX(json_extract(r.data,'$.loss_pct')>1 OR json_extract(r.data,'$.jitter_ms')>40) evidence FROM ls LEFT JOIN telemetry_events r
         ON r.correlation=ls.correlation AND r.event='relay.player.rtt_ms' AND json_extract(r.data,'$.player')=ls.player AND r.tick BETWEEN ls.tick-450 AND ls.tick+450 GROUP BY 1)
      SELECT player, COUNT(DISTINCT game) games, COUNT(*) gaps, SUM(COALESCE(evidence,0)=0) unexplained, ROUND(AVG(burst),1) avg_burst
      FROM ls JOIN net USING(id) GROUP BY 1 HAVING games>=3 AND unexplained*1.0/gaps>=0.8 AND avg_burst>=6 ORDER BY unexplained DESC;
      """)
    #expect(rows == [[.text("switcher"), .integer(6), .integer(30), .integer(30), .real(12)]])
  }

  @Test func measuresBalanceAgainstExpectation() throws {
    let rows = try ask(
      """
      WITH t AS (SELECT correlation c, mod_fingerprint fp, json_extract(data,'$.team') team, MAX(json_extract(data,'$.faction')) f, MAX(json_extract(data,'$.result')) res,
         AVG(json_extract(data,'$.rating')) rating FROM telemetry_events WHERE event='match.player_result' AND json_extract(data,'$.result')<>'void' GROUP BY 1,3),
       g AS (SELECT s.c, s.fp, s.res='win' w, 1/(1+pow(10,-(s.rating-o.rating)/400.0)) e FROM t s JOIN t o ON o.c=s.c AND o.team<>s.team WHERE s.f='soviet')
      SELECT fp, COUNT(*) n, ROUND(100.0*SUM(w)/COUNT(*),1) raw_pct, ROUND(100.0*SUM(w-e)/COUNT(*),1) adj_pp, ROUND(SUM(w-e)/sqrt(SUM(e*(1-e))),2) z FROM g GROUP BY fp ORDER BY adj_pp DESC;
      """)
    // 16 modded games, 12 won; 31 others (one is void), 16 won.
    #expect(
      rows == [
        [.text("modded"), .integer(16), .real(75), .real(25), .real(2)],
        [.text("base"), .integer(31), .real(51.6), .real(1.6), .real(0.18)],
      ])
  }

  @Test func listsTheGamesOfATournamentDay() throws {
    let rows = try ask(
      """
      SELECT json_extract(s.data,'$.game_id') game, json_extract(s.data,'$.relay') relay, json_extract(s.data,'$.map') map, json_extract(e.data,'$.outcome') outcome, ROUND(json_extract(e.data,'$.duration_s')/60.0,1) min,
       (SELECT COUNT(*) FROM telemetry_events x WHERE x.correlation=s.correlation AND x.event='relay.desync') desyncs,
       (SELECT COUNT(*) FROM telemetry_events x WHERE x.correlation=s.correlation AND x.event='relay.lag_switch') lag,
       (SELECT COUNT(*) FROM telemetry_events x WHERE x.correlation=s.correlation AND x.event='match.pause') pauses
      FROM telemetry_events s LEFT JOIN telemetry_events e ON e.correlation=s.correlation AND e.event='relay.game.end' WHERE s.event='relay.game.start' AND s.timestamp BETWEEN :from AND :to
      ORDER BY 1;
      """, ["from": .text("2027-03-07T00:00:00Z"), "to": .text("2027-03-08T13:00:00Z")])
    // The second day, and three games of the third.
    #expect(rows.map { $0[0] } == (16...18).map { .text(Season.id($0)) } + (19...34).map { .text(Season.id($0)) })
    #expect(rows.map { $0[5] } == (16...34).map { .integer($0 % 8 == 6 ? 1 : 0) })
    #expect(rows.map { $0[6] } == (16...34).map { .integer($0 % 8 == 4 ? 5 : $0 % 8 == 1 ? 1 : 0) })
    #expect(rows.allSatisfy { $0[3] == .text("Completed") && $0[4] == .real(15) && $0[7] == .integer(0) })
  }

  @Test func findsTheCommitThatGotSlower() throws {
    let rows = try ask(
      """
      WITH m AS (SELECT json_extract(data,'$.bench') bench, json_extract(data,'$.commit_index') n, json_extract(data,'$.commit') sha, json_extract(data,'$.runner') runner, MIN(json_extract(data,'$.p50_us')) v
                 FROM telemetry_events WHERE event='perf.bench' GROUP BY 1,2),
       r AS (SELECT *, AVG(v) OVER w roll, COUNT(*) OVER w k FROM m WINDOW w AS (PARTITION BY bench, runner ORDER BY n ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING))
      SELECT bench,n,sha,runner,ROUND(100*(v/roll-1),1) pct FROM r WHERE k>=5 AND v>roll*1.10 ORDER BY n;
      """)
    #expect(rows.first == [.text("sim_tick_1000"), .integer(12), .text("c12"), .text("r1"), .real(14)])
    #expect(rows.map { $0[1] } == [.integer(12), .integer(13), .integer(14)])
  }

  @Test func breaksSessionsDownAndFindsOrphans() throws {
    let ends = try ask(
      """
      SELECT json_extract(data,'$."session.end_type"') end_type, count(*) FROM telemetry_events
      WHERE event='session.lifecycle' GROUP BY 1 ORDER BY 2 DESC, 1
      """)
    #expect(
      ends == [
        [.text("graceful"), .integer(12)], [.text("connection_failure"), .integer(3)], [.text("crash"), .integer(3)],
      ])
    let orphans = try ask(
      """
      SELECT correlation FROM telemetry_events WHERE event LIKE 'session.%' GROUP BY 1
      HAVING SUM(event='session.lifecycle')=0 ORDER BY 1
      """)
    #expect(orphans == [[.text(Season.sessionTrace(18))], [.text(Season.sessionTrace(19))]])
  }

  @Test func findsSavesThatWereNeverWritten() throws {
    let rows = try ask(
      """
      SELECT correlation FROM telemetry_events WHERE event LIKE 'cloud_save.%' GROUP BY 1 HAVING SUM(event='cloud_save.save')=1 AND SUM(event='cloud_save.write')=0;
      """)
    #expect(rows == [7, 17, 27].map { [.text(Season.saveTrace($0))] })
  }

  @Test func showsAGameByItsTrace() throws {
    let rows = try ask(
      "SELECT event, count(*) FROM telemetry_events WHERE correlation = :trace GROUP BY event ORDER BY event",
      ["trace": .text(Season.trace(4))])
    #expect(
      rows == [
        [.text("match.player_result"), .integer(2)], [.text("relay.game.end"), .integer(1)],
        [.text("relay.game.start"), .integer(1)], [.text("relay.lag_switch"), .integer(5)],
        [.text("relay.player.join"), .integer(2)], [.text("relay.player.rtt_ms"), .integer(3)],
        [.text("relay.tick.process"), .integer(50)],
      ])
  }
}
