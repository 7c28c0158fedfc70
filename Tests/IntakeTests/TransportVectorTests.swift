import Door
import TestSupport
import Testing

/// Codings and media types as real and hostile senders write them.
struct TransportVectorTests {
  struct Vector: CustomTestStringConvertible, Sendable {
    var name: String
    var file: String
    var type = "application/json"
    var coding: String?
    var status: Int
    var stored: Int { status == 200 ? 1 : 0 }
    var testDescription: String { name }
  }

  @Test(
    arguments: [
      Vector(name: "x00 plain", file: "x00-plain.json", status: 200),
      Vector(name: "x01 gzip", file: "x01-gzip-json.bin", coding: "gzip", status: 200),
      Vector(name: "x03 two gzip members", file: "x03-gzip-multimember.bin", coding: "gzip", status: 200),
      Vector(name: "x05 deflate with zlib wrapper", file: "x05-deflate-zlib.bin", coding: "deflate", status: 200),
      Vector(name: "x06 raw deflate", file: "x06-deflate-raw.bin", coding: "deflate", status: 200),
      Vector(name: "x07 plain body called gzip", file: "x00-plain.json", coding: "gzip", status: 400),
      Vector(name: "x10 unknown coding", file: "x00-plain.json", coding: "br", status: 415),
      Vector(name: "x11 identity", file: "x00-plain.json", coding: "identity", status: 200),
      Vector(name: "x12 upper-case coding", file: "x01-gzip-json.bin", coding: "GZIP", status: 200),
      Vector(name: "x13 bomb of 80 MiB", file: "x13-gzip-bomb-80MiB.bin", coding: "gzip", status: 413),
      Vector(name: "x15 parameter", file: "x00-plain.json", type: "application/json; charset=utf-8", status: 200),
      Vector(name: "x16 upper-case type", file: "x00-plain.json", type: "APPLICATION/JSON", status: 200),
      Vector(name: "x17 text", file: "x00-plain.json", type: "text/plain", status: 415),
      Vector(name: "x19 snappy", file: "x19-snappy-block.bin", coding: "snappy", status: 415),
    ])
  func answersAsTheRulesSay(_ vector: Vector) async throws {
    try await withDoor { door in
      var headers = ["Content-Type": vector.type]
      headers["Content-Encoding"] = vector.coding
      let answer = try await door.post("/v1/traces", headers, fixture(vector.file))
      #expect(answer.status == vector.status)
      #expect(answer.headers["content-type"] == "application/json")
      #expect(door.sink.recordCount == vector.stored)
      #expect(door.budget.usedBytes == 0)
      if vector.status == 200 { #expect(answer.text == "{}") } else { #expect(answer.text.hasPrefix("{\"code\":")) }
    }
  }

  @Test(arguments: [1, 9, 100, 200, 266])
  func refusesATruncatedGzipBodyEvenWhenThePrefixParses(_ kept: Int) async throws {
    try await withDoor { door in
      let body = try Array(fixture("x01-gzip-json.bin").prefix(kept))
      let answer = try await door.post(
        "/v1/traces", ["Content-Type": "application/json", "Content-Encoding": "gzip"], body)
      #expect(answer.status == 400)
      #expect(door.sink.batches.isEmpty)
    }
  }

  @Test func refusesABadChecksum() async throws {
    try await withDoor { door in
      var body = try fixture("x01-gzip-json.bin")
      body[body.count - 6] ^= 0xff
      let answer = try await door.post(
        "/v1/traces", ["Content-Type": "application/json", "Content-Encoding": "gzip"], body)
      #expect(answer.status == 400)
      #expect(answer.text.contains("incorrect data check"))
      #expect(door.sink.batches.isEmpty)
    }
  }
}
