import Intake

/// The key that pseudonyms are made with now.
enum ActiveKey {
  /// Nil: there is none yet.
  static func id(_ config: GarnerConfig) throws -> String? {
    try PseudonymKeyFile.read(config.privacyKeyFile)?.active.id
  }
}
