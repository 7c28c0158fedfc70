import Telemetry

/// Which columns may leave. Most of them repeat an attribute, and what may not leave as one may not leave as the other.
struct WebhookColumns {
  let session: Bool
  /// Where a resource has no `session.id`, its instance is taken for the session.
  let instance: Bool
  let component: Bool
  let gameModule: Bool
  let modFingerprint: Bool
  private let category: Bool
  let event: Bool
  private let duration: Bool
  let tick: Bool
  let correlation: Bool

  init(_ filter: AttributeFilter) {
    session = filter.allows(all: ["session.id"])
    instance = filter.allows(all: ["service.instance.id"])
    component = filter.allows(all: ["component", "service.name"])
    gameModule = filter.allows(all: ["game_module", "game.module"])
    modFingerprint = filter.allows(all: ["mod_fingerprint", "mod.fingerprint", "mod_profile_fingerprint"])
    category = filter.allows(all: ["category", "event.category"])
    event = filter.allows(all: ["event.name"])
    duration = filter.allows(all: ["duration_us", "duration_ms", "duration_s", "process_us"])
    tick = filter.allows(all: ["tick"])
    correlation = filter.allows(all: ["correlation", "trace_id"])
  }

  /// Of a log without a name of its own it is an attribute, or `log`.
  func event(_ record: OTLPRecord) -> Bool {
    event || record.kind != .log || record.bits & Bits.logHasEventName != 0
  }

  /// Without an attribute it is the beginning of the event.
  func category(_ record: OTLPRecord) -> Bool {
    if category { return true }
    let (category, event) = (record.category, record.event)
    guard !category.isEmpty, self.event(record), event.starts(with: category) else { return false }
    return event.count == category.count || event[category.count] == UInt8(ascii: ".")
  }

  /// Of a span it is the time between its ends.
  func duration(_ record: OTLPRecord) -> Bool { duration || record.kind == .span }
}
