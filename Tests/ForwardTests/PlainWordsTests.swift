import Testing

@testable import Forward

/// What people are shown of what a far end says.
@Suite struct PlainWordsTests {
  private static func words(_ type: String, _ body: [UInt8]) -> String {
    Answer(.status(400), headers: type.isEmpty ? [] : [("content-type", type)], body: body).words
  }

  @Test(arguments: [
    ("application/json", "{\"code\":3,\"message\":\"json words\"}", "json words"),
    ("application/json; charset=utf-8", " {\"message\":\"a\\u001b[31mb\",\"details\":[{}]}", "a [31mb"),
    ("", "{\"message\":\"untold\"}", "untold"), ("application/json", "{\"error\":\"other\"}", "{\"error\":\"other\"}"),
    ("application/json", "{\"message\":\"cut", "{\"message\":\"cut"), ("application/json", "[1]", "[1]"),
    ("application/json", "{\"message\":\"\"}", "{\"message\":\"\"}"), ("text/plain", "plain\r\n", "plain"),
    ("text/plain", "a\u{1b}[2Jb\u{7f}\u{9b}c\u{0}", "a [2Jb  c"), ("text/plain", "", ""), ("", " ", ""),
    ("application/x-protobuf", "no protobuf", "no protobuf"),
  ])
  func areTheMessageAlone(_ type: String, _ body: String, _ words: String) {
    #expect(Self.words(type, Array(body.utf8)) == words)
  }

  @Test func areTheMessageOfAProtobufStatus() {
    let text = Array("proto \u{1b}words".utf8)
    let status: [UInt8] = [0x08, 3, 0x12, UInt8(text.count)] + text + [0x1a, 0]
    #expect(Self.words("application/x-protobuf", status) == "proto  words")
    #expect(Self.words("Application/Protobuf", status) == "proto  words")
  }

  @Test func endWithinAKiBAndNotWithinACharacter() {
    let words = Self.words("", Array(String(repeating: "aé", count: 2_000).utf8))
    #expect((1_021...1_024).contains(words.utf8.count))
    #expect(words.allSatisfy { "aé".contains($0) })
  }

  @Test func areFreeOfCommandsToATerminalWhereverTheyComeFrom() {
    let text = "a\u{1b}]0;b\u{7}"
    #expect(Answer(.grpc(3), body: Array(text.utf8)).words == "a ]0;b")
    #expect(Answer(.unfit(text)).words == "a ]0;b")
    #expect(Answer(.silence(text, isTimeout: false)).words == "a ]0;b")
    let body = "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"a\\u001b]0;b\\u0007\"}}"
    #expect(PartialSuccess.read(Array(body.utf8), isJSON: true) == PartialSuccess(rejected: 1, message: "a ]0;b"))
  }
}
