import Store
import Telemetry

/// What becomes of a running daemon when its configuration is read again.
package struct ConfigReload: Sendable {
  /// What the daemon goes on with: the new value of what can change while it runs, the old one of all else.
  package private(set) var config: GarnerConfig
  /// Keys whose new value holds from now on, in the order of the file.
  package private(set) var changed: [String] = []
  /// Keys whose new value waits for a restart.
  package private(set) var needsRestart: [String] = []

  package init(from old: GarnerConfig, to new: GarnerConfig) {
    config = old
    for key in ConfigKey.all where !key.isReserved && key.aliasOf == nil && key.show(old) != key.show(new) {
      if Self.take(key.path, from: new, into: &config) {
        changed.append(key.path)
      } else {
        needsRestart.append(key.path)
      }
    }
    // Headers are not shown, and may differ in what looks the same.
    config.destinations = new.destinations
  }

  /// False: this key is only looked at by a start.
  private static func take(_ path: String, from new: GarnerConfig, into config: inout GarnerConfig) -> Bool {
    switch path {
    case "retention.max_bytes": config.retention.maxBytes = new.retention.maxBytes
    case "retention.min_age": config.retention.minAge = new.retention.minAge
    case "retention.reserve_bytes": config.retention.reserveBytes = new.retention.reserveBytes
    case "retention.interval": config.retention.interval = new.retention.interval
    case "retention.classes":
      // Rows lie on disk by class: only ages may change under a running writer.
      guard config.retention.classes.differsOnlyInAges(from: new.retention.classes) else { return false }
      config.retention.classes = new.retention.classes
    case "limits.inflight_bytes": config.limits.inflightBytes = new.limits.inflightBytes
    case "udp.allow_unsigned": config.udp.allowUnsigned = new.udp.allowUnsigned
    case "udp.max_skew": config.udp.maxSkew = new.udp.maxSkew
    case "udp.silent_after": config.udp.silentAfter = new.udp.silentAfter
    case "privacy.policy": config.privacy.policy = new.privacy.policy
    case "privacy.pseudonymize": config.privacy.pseudonymize = new.privacy.pseudonymize
    case "privacy.drop": config.privacy.drop = new.privacy.drop
    case "privacy.scrub": config.privacy.scrub = new.privacy.scrub
    case "privacy.key_file": config.privacy.keyFile = new.privacy.keyFile
    case "destinations": config.destinations = new.destinations
    case "forward.hold_limit": config.forward.holdLimit = new.forward.holdLimit
    case "log.level": config.log.level = new.log.level
    // The daemon itself runs no queries; each command reads these for itself.
    case "query.timeout": config.query.timeout = new.query.timeout
    case "query.limit": config.query.limit = new.query.limit
    default: return false
    }
    return true
  }
}
