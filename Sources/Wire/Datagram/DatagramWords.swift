/// Names that senders need not spell: entry n is written as the one varint 2n+1. The order is on the wire: only add.
package enum DatagramWords {
  package static let all: [StaticString] = [
    "game_id", "player", "slot", "tick", "ticks", "map", "player_count", "duration_s",
    "outcome", "reason", "value", "rtt_ms", "jitter_ms", "loss_pct", "order_count", "process_us",
    "stall_detected", "order_type", "sub_tick_us", "size_bytes", "gap_ms", "orders_during_gap", "diverged_players",
    "hash_expected",
    "hash_actual", "settings_hash", "balance_preset", "game_module", "mod_profile_fingerprint", "match_time_s", "score",
    "counts",
    "relay.tick.process", "relay.order.forward", "relay.game.start", "relay.game.end", "relay.player.join",
    "relay.player.leave", "relay.player.rtt_ms", "relay.desync",
    "relay.lag_switch", "relay.suspicion", "relay.qos.adjust", "relay.orders.dropped", "match.pace", "match.end",
    "game.manifest", "session.start",
    "session.end", "perf.frame", "perf.sim", "p50_us", "p95_us", "p99_us", "max_us", "entity_count",
    "mode", "faction", "rating", "result", "old_deadline_us", "new_deadline_us", "error", "text",
  ]

  /// Entry numbers by name, for those who write.
  package static let numbers: [String: Int] = {
    var numbers: [String: Int] = [:]
    for (number, word) in all.enumerated() { numbers["\(word)"] = number }
    return numbers
  }()
}
