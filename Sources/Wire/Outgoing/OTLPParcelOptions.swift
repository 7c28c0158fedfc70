/// How records become OTLP requests for one destination.
package struct OTLPParcelOptions: Sendable {
  package enum Encoding: Sendable { case protobuf, json }

  /// Which records go one after the other: those of one source.
  package enum LaneBySource: Sendable { case none, metricsOnly, all }

  /// Where records are from, for a Garner that takes them on: each resource carries `garner.store`, `garner.ids`,
  /// `garner.source` and `garner.protected`.
  package struct Provenance: Sendable {
    /// Identity of the store that the ids belong to.
    package var storeID: String
    /// Id of the key that the rows were pseudonymized with; nil: they were not.
    package var protectedKeyID: String?

    package init(storeID: String, protectedKeyID: String? = nil) {
      self.storeID = storeID
      self.protectedKeyID = protectedKeyID
    }
  }

  package var encoding = Encoding.protobuf
  package var attributes = AttributeFilter()
  /// A `service.name` that is absent, empty or no text becomes `unknown_service`, as Jaeger wants it.
  package var serviceNameRequired = false
  package var laneBySource = LaneBySource.metricsOnly
  package var provenance: Provenance?
  /// A request has records of one resource only: Loki makes one stream of it, and of several streams in a request only the
  /// last one's fate is answered.
  package var onePerResource = false

  package init() {}
}
