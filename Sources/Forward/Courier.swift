package import Wire

/// Speaks to one far end: makes the request of a part of a parcel, sends it, and knows what the answers mean. Remembers
/// no records.
package protocol Courier: Sendable {
  /// Silence is an answer too. Cancelled when the daemon stops.
  func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer
  func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict
  /// The form new requests take; a verdict `otherForm` asks for the next one.
  var form: Int { get }
  /// The far end wants another form from now on; false: there is none left to try.
  func changeForm(from form: Int) -> Bool
  /// Whether a refusal for this reason means that the far end has the record already, if it may have been sent before.
  func isRepeat(_ reason: String) -> Bool
  /// For the state on disk, taken when all that was sent is settled.
  func keptState() -> [String: Int64]
  /// Closes connections.
  func close() async
  /// Something for people: what the far end should have set.
  var advice: String { get }
}

extension Courier {
  package var form: Int { 0 }
  package func changeForm(from form: Int) -> Bool { false }
  package func isRepeat(_ reason: String) -> Bool { reason == "out_of_order" || reason == "duplicate" }
  package func keptState() -> [String: Int64] { [:] }
  package func close() async {}
  package var advice: String { "" }
}
