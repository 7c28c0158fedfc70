import Telemetry

/// The attributes of one level (record, scope, resource) that become columns. Values are slices of JSON text in the arena.
struct Promoted {
  var session: Slice?
  var component: Slice?
  var serviceName: Slice?
  var serviceInstance: Slice?
  var gameID: Slice?
  var gameModule: Slice?
  var modFingerprint: Slice?
  var category: Slice?
  var event: Slice?
  var correlation: Slice?
  var uid: Slice?
  var tick: Slice?
  /// duration_us, duration_ms, duration_s, process_us: the first that is there counts.
  var microseconds: Slice?
  var milliseconds: Slice?
  var seconds: Slice?
  var processMicroseconds: Slice?
  /// Set by any `note` that hit, so that rows without promoted attributes skip everything.
  var any = false
  /// One of session, component, game id, module, fingerprint is set.
  var context = false
  /// Columns whose own key was there: another spelling of it changes nothing any more, wherever it stands. Of one key the
  /// last value counts, as in the stored attributes, so that what is exported is read back as the same row.
  private var named: Named = []

  private struct Named: OptionSet {
    var rawValue: UInt8
    static let game = Named(rawValue: 1 << 0)
    static let module = Named(rawValue: 1 << 1)
    static let fingerprint = Named(rawValue: 1 << 2)
    /// The other spelling, which still goes before that of a profile.
    static let dotted = Named(rawValue: 1 << 3)
    static let category = Named(rawValue: 1 << 4)
    static let correlation = Named(rawValue: 1 << 5)
  }

  /// Sorted out by length first: most keys leave after one comparison.
  @inline(__always) mutating func note(_ key: UnsafeRawBufferPointer, _ value: Slice) {
    switch key.count {
    case 4, 7...12, 14, 15, 19, 23: noteKnownLength(key, value)
    default: return
    }
  }

  private mutating func noteKnownLength(_ key: UnsafeRawBufferPointer, _ value: Slice) {
    switch key.count {
    case 4: if key.spells("tick") { tick = value } else { return }
    case 7:
      if key.spells("game_id") {
        gameID = value
        named.insert(.game)
      } else if key.spells("game.id") {
        if !named.contains(.game) { gameID = value }
      } else {
        return
      }
      context = true
    case 8:
      if key.spells("category") {
        category = value
        named.insert(.category)
      } else if key.spells("trace_id") {
        if !named.contains(.correlation) { correlation = value }
      } else {
        return
      }
    case 9:
      guard key.spells("component") else { return }
      component = value
      context = true
    case 10:
      if key.spells("session.id") {
        session = value
        context = true
      } else if key.spells("event.name") {
        event = value
      } else if key.spells("duration_s") {
        seconds = value
      } else if key.spells("process_us") {
        processMicroseconds = value
      } else {
        return
      }
    case 11:
      if key.spells("game_module") {
        gameModule = value
        named.insert(.module)
        context = true
      } else if key.spells("game.module") {
        if !named.contains(.module) { gameModule = value }
        context = true
      } else if key.spells("correlation") {
        correlation = value
        named.insert(.correlation)
      } else if key.spells("duration_us") {
        microseconds = value
      } else if key.spells("duration_ms") {
        milliseconds = value
      } else {
        return
      }
    case 12: if key.spells("service.name") { serviceName = value } else { return }
    case 14:
      if key.spells("event.category") {
        if !named.contains(.category) { category = value }
      } else if key.spells("log.record.uid") {
        uid = value
      } else {
        return
      }
    case 15:
      if key.spells("mod_fingerprint") {
        modFingerprint = value
        named.insert(.fingerprint)
      } else if key.spells("mod.fingerprint") {
        if !named.contains(.fingerprint) {
          modFingerprint = value
          named.insert(.dotted)
        }
      } else {
        return
      }
      context = true
    case 19: if key.spells("service.instance.id") { serviceInstance = value } else { return }
    case 23:
      guard key.spells("mod_profile_fingerprint") else { return }
      if named.isDisjoint(with: [.fingerprint, .dotted]) { modFingerprint = value }
      context = true
    default: return
    }
    any = true
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always) func spells(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && spellsBytes(text)
  }

  @inline(__always) private func spellsBytes(_ text: StaticString) -> Bool {
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }
}

extension Promoted {
  /// What the events of a span take over from it: whose they are, not what they say.
  var inherited: Promoted {
    var inherited = Promoted()
    guard context else { return inherited }
    inherited.session = session
    inherited.component = component
    inherited.gameID = gameID
    inherited.gameModule = gameModule
    inherited.modFingerprint = modFingerprint
    inherited.any = true
    inherited.context = true
    return inherited
  }
}
