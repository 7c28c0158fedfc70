/// How often each rule was applied since start; one for all doors.
package final class PrivacyVitals: Sendable {
  private let applied = PrivacyRule.allCases.map { _ in Counter() }

  package init() {}

  package func applied(_ rule: PrivacyRule) -> Int { applied[rule.index].value }

  func add(_ rule: PrivacyRule, _ count: Int) { if count > 0 { applied[rule.index].add(count) } }

  func add(_ counts: [Int]) {
    for (index, count) in counts.enumerated() where count > 0 { applied[index].add(count) }
  }
}
