package import Intake
import Store
import Telemetry
package import Wire

/// What a command says about the files that it imports.
package struct ImportOptions: Sendable {
  /// Of all records that do not say it themselves.
  package var sidecar = FileSidecar()
  /// Also what was stored before, unless its records have identities.
  package var again = false
  /// Nanoseconds from the import on in which age alone takes nothing of it; nil: as long as anything else.
  package var keep: Int64?
  /// Nil: what is imported stays as it is.
  package var protector: Protector?

  package init() {}

  /// What the store is told of a batch that is imported `now`.
  func terms(_ identity: ImportLoad.Identity, now: Int64) -> ImportTerms {
    var terms = ImportTerms()
    if case .known = identity { terms.isExport = true }
    terms.keepUntil = keep.map { now.addingReportingOverflow($0) }.map { $0.overflow ? .max : $0.partialValue }
    return terms
  }

  /// The same, between decoding and the store. An export has been protected where it comes from.
  func applied(to decoded: ImportDecoded) -> ImportDecoded {
    guard protector != nil || sidecar != FileSidecar() else { return decoded }
    var decoded = decoded
    for index in decoded.loads.indices {
      var isExport = false
      if case .known = decoded.loads[index].identity { isExport = true }
      let batch = decoded.loads[index].batch.with(sidecar)
      let protected = protector?.protect(batch, sender: PrivacySender(trusted: isExport)) ?? batch
      decoded.loads[index].batch = protected
      decoded.loads[index].identity.leaveOut(protected.filtered, of: batch.recordCount)
    }
    return decoded
  }
}

extension ImportLoad.Identity {
  /// Of `count` records some are gone.
  fileprivate mutating func leaveOut(_ filtered: Batch.Filtered, of count: Int) {
    guard !filtered.isEmpty else { return }
    switch self {
    case .none: break
    case .known(let identities): self = .known(filtered.rest(of: identities))
    case .place(let total, let accepted):
      self = .place(total: total, accepted: accepted.map { filtered.rest(of: $0) })
    }
  }
}
