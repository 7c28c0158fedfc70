import Telemetry
import Testing
import Wire

/// Points and attributes that are nearly wrong.
@Suite struct ProtoPointTests {
  private typealias P = ProtoBytes

  /// Its numbers mean nothing, so that they cannot be wrong (CONFORMANCE MET-08).
  @Test(
    arguments: [
      (9, P.field(6, fixed: 1) + P.field(7, fixed: 0) + P.field(10, varint: 1), nil),
      (10, P.field(4, fixed: 2) + P.field(7, fixed: 1) + P.field(10, varint: 1), "{\"scale\":0,\"zero_count\":1}"),
      (11, P.field(6, P.field(1, fixed: 1.5.bitPattern)) + P.field(8, varint: 1), nil),
    ] as [(UInt64, [UInt8], String?)])
  func takesTheEndOfASeriesWhateverItsNumbersSay(kind: UInt64, change: [UInt8], ext: String?) throws {
    let batch = try Batch.decoded(.metrics, P.request(P.metric(kind, P.point(change))))
    #expect(batch.rejections.isEmpty && batch.rows.count == 1)
    #expect(batch.ext(0) == ext)
  }

  @Test func aTickIsAnIntegerAndNoText() throws {
    let batch = try Batch.decoded(
      .traces,
      P.request(
        P.span(P.field(9, P.keyValue("tick", text: "12"))),
        P.span(P.field(9, P.keyValue("tick", P.field(3, varint: 12))))))
    #expect(batch.rows.map { $0.present.contains(.tick) } == [false, true])
    #expect(batch.rows[1].tick == 12 && batch.data(0) == "{\"tick\":\"12\"}")
  }
}
