import Telemetry

/// Under which name the record is known to a Garner that takes it: the store that saw it first, and its id there.
struct OTLPParcelOrigin {
  typealias Bytes = UnsafeRawBufferPointer

  /// Empty: this store.
  var store = Bytes(start: nil, count: 0)
  var id: Int64

  /// A row that came from another Garner has `<store uuid>:<id>` as uid, and keeps it on further hops.
  init(_ record: OTLPRecord) {
    id = record.id
    let uid = record.uid
    guard uid.count > Self.uuidLength + 1, uid.count <= Self.uuidLength + 20, uid[Self.uuidLength] == UInt8(ascii: ":"),
      uid[..<Self.uuidLength].allSatisfy({ $0 == UInt8(ascii: "-") || JSONHex.value($0) < 16 })
    else { return }
    var number: Int64 = 0
    for byte in uid[(Self.uuidLength + 1)...] {
      let (product, over) = number.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = product.addingReportingOverflow(Int64(byte &- 0x30))
      guard byte &- 0x30 < 10, !over, !overSum else { return }
      number = sum
    }
    store = Bytes(rebasing: uid[..<Self.uuidLength])
    id = number
  }

  private static let uuidLength = 36
}
