package import Intake
import Store

extension GarnerConfig {
  package var privacyPolicy: PrivacyPolicy {
    PrivacyPolicy(
      base: privacy.policy == .none ? .none : .standard, pseudonymize: privacy.pseudonymize, drop: privacy.drop,
      scrub: privacy.scrub)
  }

  /// Whom an erasure has to be kept up for.
  package var tombstonesFile: String { DataDirectory(dataDirectory).keys + "/tombstones.jsonl" }

  package var privacyKeyFile: String {
    privacy.keyFile.isEmpty ? DataDirectory(dataDirectory).keys + "/privacy.jsonl" : privacy.keyFile
  }
}
