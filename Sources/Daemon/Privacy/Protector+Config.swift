package import Intake

extension Protector {
  /// Makes the key file when there is none. `now`: nanoseconds since 1970.
  package convenience init(_ config: GarnerConfig, now: Int64) throws(PseudonymKeyFile.Fault) {
    self.init(config.privacyPolicy, keys: try PseudonymKeyFile.open(config.privacyKeyFile, now: now))
  }
}
