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
  /// Nil: what is imported stays as it is.
  package var protector: Protector?

  package init() {}

  /// The same, between decoding and the store. An export has been protected where it comes from.
  func applied(to decoded: ImportDecoded) -> ImportDecoded {
    guard protector != nil || sidecar != FileSidecar() else { return decoded }
    var decoded = decoded
    for index in decoded.loads.indices {
      var isExport = false
      if case .known = decoded.loads[index].identity { isExport = true }
      let batch = decoded.loads[index].batch.with(sidecar)
      decoded.loads[index].batch = protector?.protect(batch, sender: PrivacySender(trusted: isExport)) ?? batch
    }
    return decoded
  }
}
