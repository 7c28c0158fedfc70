import Console
import Intake

extension MetricsPage {
  /// What privacy has found, by rule; a rule that never applied is there with 0.
  mutating func add(_ vitals: PrivacyVitals) {
    let name = "garner_privacy_applied_total"
    family(name, .counter, "Values and keys that a privacy rule replaced or removed.")
    for rule in PrivacyRule.allCases { sample(name, [("rule", rule.rawValue)], Int64(vitals.applied(rule))) }
  }
}
