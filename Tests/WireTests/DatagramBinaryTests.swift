import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct DatagramBinaryTests {
  /// The packet that `docs/udp.md` shows, tag included.
  static let example: [UInt8] = hex(
    """
    47554231 01 00 0003 00000007 9f3c2a0000000001 0000000000001267 0000000000001fbb 00064d146dfb2240 00000002
    01 1a 01 06 673030323934 02 10 4bf92f3577b34da6a3ce929d0e0e4736
    03 08 41 0a 1d75 1f75 2146
    40 d59108 a09902 03 ac06
    40 d69108 02 00 8005
    03 1f 10 64656d6f2e686974 03 08 756e6974 73 04 6279 73 06 646d67 69 08 68617368 68
    41 cf0f 1c 4d616d6d6f7468204d6b2e494949 01 4f fedcba9876543210
    84c74a88cf563803462d8b344e0ced90
    """)

  static func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).compactMap { at in
      let start = digits.index(digits.startIndex, offsetBy: at)
      return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
    }
  }

  @Test func readsTheExampleOfTheManual() throws {
    let batch = try #require(DatagramBatch.rows(Self.example))
    #expect(Self.example.count == 181)
    #expect(batch.rows.count == 3 && batch.recordCount == 3 && batch.rejectedCount == 0)
    #expect(
      batch.rows.map { batch.text($0.data) } == [
        #"{"game_id":"g00294","tick":18000,"order_count":3,"process_us":812,"stall_detected":false}"#,
        #"{"game_id":"g00294","tick":18001,"order_count":0,"process_us":640,"stall_detected":false}"#,
        #"{"game_id":"g00294","unit":"Mammoth Mk.III","by":"Mammoth Mk.III","dmg":-40,"hash":"0xfedcba9876543210"}"#,
      ])
    let times = [-66_667, 0, -1_000].map { (1_773_600_000_123_456 + Int64($0)) * 1_000 }
    #expect(batch.rows.map(\.time) == times)
    #expect(batch.rows.map { batch.text($0.uid) } == (8123...8125).map { "9f3c2a0000000001:\($0)" })
    #expect(batch.rows.map(\.severity) == [.info, .info, .warn])
    #expect(batch.rows[0].duration == 812_000)
    let context = batch.contexts[Int(batch.rows[0].context)]
    #expect(batch.text(context.gameID) == "g00294" && batch.text(context.session) == "9f3c2a0000000001")
    #expect(batch.text(context.component) == "udp" && batch.text(context.source) == DatagramSample.source)
  }

  @Test func writesTheExampleOfTheManual() throws {
    var header = DatagramHeader()
    header.keyID = 7
    header.boot = DatagramSample.boot
    header.sequence = 4711
    header.firstEvent = 8123
    header.sentMicroseconds = 1_773_600_000_123_456
    header.dropped = 2
    var encoder = DatagramEncoder(header)
    var context = DatagramContext()
    context.gameID = "g00294"
    context.trace = Self.hex("4bf92f3577b34da6a3ce929d0e0e4736")
    encoder.add(context)
    let sent = header.sentMicroseconds
    func tick(_ at: Int64, _ tick: Int64, _ orders: UInt64, _ micros: UInt64) -> DatagramEvent {
      DatagramEvent(
        "relay.tick.process", at: at, tick: tick,
        [("order_count", .unsigned(orders)), ("process_us", .unsigned(micros)), ("stall_detected", .bool(false))])
    }
    let hit = DatagramEvent(
      "demo.hit", at: sent - 1000, severity: 3,
      [
        ("unit", .text("Mammoth Mk.III")), ("by", .text("Mammoth Mk.III")), ("dmg", .integer(-40)),
        ("hash", .hash(0xfedc_ba98_7654_3210)),
      ])
    for event in [tick(sent - 66_667, 18_000, 3, 812), tick(sent, 18_001, 0, 640), hit] {
      let fits = encoder.add(event)
      #expect(fits)
    }
    #expect(encoder.encoded == Array(Self.example.dropLast(16)))
  }

  /// An event becomes the row of the OTLP log record that says the same.
  @Test func makesTheRowsThatOTLPMakes() throws {
    for seed in 0..<600 {
      let sample = DatagramSample(seed: UInt64(seed), binary: true)
      guard sample.binary.count <= DatagramHeader.sizes.upperBound else { continue }
      let ours = try #require(DatagramBatch.rows(sample.binary), "seed \(seed)")
      let theirs = try Batch.decoded(.logs, sample.logs) { $0.credential = Array(DatagramSample.source.utf8) }
      let (left, right) = (DatagramRows.lines(ours, withUID: false), DatagramRows.lines(theirs, withUID: false))
      #expect(left.count == right.count, "seed \(seed)")
      for (a, b) in zip(left, right) where a != b {
        Issue.record("seed \(seed)\nudp  \(a)\notlp \(b)")
        break
      }
    }
  }

  @Test func packs34EventsOfATickInto432Bytes() throws {
    var encoder = DatagramEncoder(DatagramSample(seed: 1, binary: true).header())
    var context = DatagramContext()
    context.gameID = "g00294"
    context.trace = (0..<16).map { UInt8($0 + 1) }
    encoder.add(context)
    var count = 0
    while encoder.add(
      DatagramEvent(
        "relay.tick.process", at: 1_773_600_000_123_456 + Int64(count) * 66_667, tick: 18_000 + Int64(count),
        [("order_count", .unsigned(3)), ("process_us", .unsigned(812)), ("stall_detected", .bool(false))]), limit: 432)
    { count += 1 }
    #expect(count >= 34)
    let batch = try #require(DatagramBatch.rows(encoder.encoded + [UInt8](repeating: 0, count: 16)))
    #expect(batch.recordCount == count)
  }

  @Test func refusesEveryCutPacketWhole() {
    for length in 64..<Self.example.count {
      #expect(DatagramBatch.rows(Array(Self.example[..<length])) == nil, "\(length) bytes")
    }
  }

  /// Flipped bits and random bodies: refused or taken, never a trap, and refused ones leave no row.
  @Test func survivesDamagedPackets() {
    var random = SampleRandom(seed: 7)
    for _ in 0..<20_000 {
      var packet = Self.example
      for _ in 0...random.upTo(3) {
        let at = 48 + random.upTo(packet.count - 65)
        packet[at] = random.one(in: 3) ? UInt8(random.upTo(255)) : packet[at] ^ 1 << UInt8(random.upTo(7))
      }
      if let batch = DatagramBatch.rows(packet) {
        #expect(batch.recordCount + batch.rejectedCount == 3)
        for row in batch.rows { _ = JSONTree(Array(batch.bytes(row.data))) }
      }
    }
  }

  @Test func keepsNothingOfAMalformedPacket() throws {
    var batch = DatagramBatch(options: DecodeOptions(now: 1))
    let sender = DatagramSender(source: Array("a".utf8))
    var cut = Self.example
    cut[7] = 4
    let first = batch.takes(Self.example, from: sender)
    let second = batch.takes(cut, from: sender)
    let third = batch.takes(Self.example, from: DatagramSender(source: Array("b".utf8)))
    #expect(first && !second && third)
    let whole = batch.finish()
    #expect(whole.recordCount == 6)
    #expect(Set(whole.rows.map { whole.text(whole.contexts[Int($0.context)].source) }) == ["a", "b"])
  }

  // MARK: by hand

  private func packet(_ body: [UInt8], count: UInt8) -> [UInt8] {
    Array(Self.example[..<6]) + [0, count] + Array(Self.example[8..<48]) + body + [UInt8](repeating: 0, count: 16)
  }

  @Test(arguments: [
    ("an item of kind 0", "00", 0), ("an event of no shape", "40 00", 1), ("an unknown type", "03 04 0202 61 02 7a", 0),
    ("a context that was not", "02 01 00", 0), ("more events than said", "03 03 0261 02 40 00 40 00", 1),
    ("fewer events than said", "03 03 0261 02 40 00", 2), ("a severity above error", "03 03 0261 05", 0),
    ("a string that was not", "03 06 0261 02 0278 73 40 00 01", 1), ("a trace of 15 bytes", "01 04 02 02 0101", 0),
    ("a varint of 11 bytes", "03 03 0261 02 40 8080808080808080808001", 1),
    ("a boolean of 2", "03 06 0261 02 0278 62 40 00 02", 1), ("a name of no table", "03 03 8101 02", 0),
    ("a time beyond all", "03 03 0261 02 40 feffffffffffffffff01 40 feffffffffffffffff01", 2),
  ])
  func refusesWhatBreaksTheFraming(what: String, body: String, count: UInt8) {
    #expect(DatagramBatch.rows(packet(Self.hex(body), count: count)) == nil, "\(what)")
  }

  @Test(arguments: [
    ("03 06 0261 02 0278 73 40 00 02 ff 40 00 02 41", Rejection.Reason.badUTF8, 1),
    ("03 06 0261 02 0278 73 40 00 02 ff 40 00 01", .badUTF8, 2),
    ("03 06 0261 02 0278 6a 40 00 01 7b 40 00 02 7b7d", .badJSON, 1), ("03 02 00 02 40 00 40 00", .badName, 2),
    ("03 06 0261 02 02ff 54 40 00 40 00", .badUTF8, 2),
  ])
  func refusesABadEventAlone(body: String, reason: Rejection.Reason, count: Int) throws {
    let batch = try #require(DatagramBatch.rows(packet(Self.hex(body), count: 2)))
    #expect(batch.rejectionCounts == [Rejection.Tally(source: DatagramSample.source, reason: reason): count])
    #expect(batch.recordCount == 2 - count)
  }

  @Test func skipsItemsAndTagsThatItDoesNotKnow() throws {
    let body = Self.hex("3f 02 abcd 01 03 09 01 00 03 03 0261 02 40 00 02 01 00 40 00")
    let batch = try #require(DatagramBatch.rows(packet(body, count: 2)))
    #expect(batch.recordCount == 2)
  }

  @Test func refusesWhatExpandsTooFar() {
    // One long text, and events that name it again and again.
    var body = Self.hex("03 06 0261 02 0278 73 40 00 d00f") + [UInt8](repeating: 0x61, count: 1000)
    body += (0..<99).flatMap { _ in Self.hex("40 00 01") }
    #expect(DatagramBatch.rows(packet(body, count: 100)) == nil)
    let short = Array(body.dropLast(3 * 50))
    #expect(DatagramBatch.rows(packet(short, count: 50))?.recordCount == 50)
  }

  @Test func takesHeartbeatsAndAnswersToProbes() throws {
    let batch = try #require(DatagramBatch.rows(packet([], count: 0)))
    #expect(batch.rows.isEmpty)
    var probe = DatagramProbe(keyID: 7, nonce: 0x0102_0304_0506_0708, asked: 1_773_600_000_123_456)
    let question = probe.encoded(as: .probe) + [UInt8](repeating: 0, count: 16)
    #expect(question.count == DatagramProbe.byteCount)
    #expect(Self.probe(question) == probe)
    probe.received = 5
    probe.answered = 6
    #expect(Self.probe(probe.encoded(as: .reply) + [UInt8](repeating: 0, count: 16)) == probe)
    #expect(Self.probe(probe.encoded(as: .probe) + [UInt8](repeating: 0, count: 16)) == nil)
  }

  private static func probe(_ packet: [UInt8]) -> DatagramProbe? {
    packet.withUnsafeBytes { bytes in (try? DatagramHeader(bytes)).flatMap { DatagramProbe($0, bytes) } }
  }

  @Test(arguments: [
    (0, UInt8(0x46), DatagramHeader.Fault.form), (4, 0, .form), (4, 4, .form), (5, 0x10, .flags), (5, 0x80, .flags),
  ])
  func refusesForeignHeaders(offset: Int, byte: UInt8, fault: DatagramHeader.Fault) {
    var packet = Self.example
    packet[offset] = byte
    let found: DatagramHeader.Fault? = packet.withUnsafeBytes { bytes in
      do throws(DatagramHeader.Fault) {
        _ = try DatagramHeader(bytes)
        return nil
      } catch {
        return error
      }
    }
    #expect(found == fault)
  }
}
