import Door
import Telemetry
import TestSupport
import Testing
import Wire

@testable import Intake

@Suite struct UDPAdmissionTests {
  @Test func takesBothFormsOfOneSender() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    var sender = UDPPackets(boot: 0x9f3c_2a00_0000_0001)
    #expect(desk.take(sender.next()) == .accepted)
    #expect(desk.take(sender.nextText()) == .accepted)
    let parcel = try #require(desk.seal())
    #expect(parcel.batch.recordCount == 6)
    #expect(
      parcel.batch.rows.map { parcel.batch.text($0.uid) } == (0..<6).map { "9f3c2a0000000001:\($0)" })
    #expect(desk.figures[0].received == 6 && desk.figures[0].sent == 6 && desk.figures[0].packets == 2)
    #expect(desk.seal() == nil)
  }

  @Test func neverTakesAPacketWithAFlippedBit() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    var sender = UDPPackets(boot: 1)
    let packet = sender.next()
    for bit in 0..<packet.count * 8 {
      var flipped = packet
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let result = desk.take(flipped)
      #expect(
        [.badMAC, .unknownFormat, .badFlags, .unknownKey, .malformed, .throttled].contains(result), "bit \(bit)")
    }
    let text = sender.nextText()
    for at in text.indices {
      var flipped = text
      flipped[at] ^= 1
      #expect(desk.take(flipped, from: UDPDesk.stranger) != .accepted, "byte \(at)")
    }
    #expect(desk.seal()?.batch.recordCount ?? 0 == 0)
    #expect(desk.figures.allSatisfy { $0.sent == 0 })
    #expect(desk.figures[0].authFailed > 0)
  }

  @Test func refusesEveryReplay() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    var sender = UDPPackets(boot: 1)
    let packets = (0..<20).map { _ in sender.next() }
    for packet in packets { #expect(desk.take(packet) == .accepted) }
    for packet in packets { #expect(desk.take(packet) == .duplicate) }
    #expect(desk.figures[0].received == 60 && desk.figures[0].duplicatePackets == 20)
    // The state comes back with the rows; without it the clock refuses what is old.
    let marks = try #require(desk.seal()).marks
    let later = UDPDesk(try UDPPackets.credentials(), marks: marks)
    for packet in packets { #expect(later.take(packet) == .duplicate) }
    let fresh = UDPDesk(try UDPPackets.credentials())
    fresh.now += 601_000_000_000
    #expect(fresh.take(packets[0]) == .clock)
    #expect(fresh.notices == [.clock(source: "relay-eu-1", microseconds: 601_000_000)])
  }

  @Test func usesUpTheNumbersOfWhatItRefuses() throws {
    let desk = UDPDesk(try UDPPackets.credentials(records: 5))
    var sender = UDPPackets(boot: 1)
    #expect(desk.take(sender.next(events: 10)) == .accepted)
    #expect(desk.take(sender.next(events: 3)) == .rateLimited)
    #expect(desk.take(sender.next(events: 0)) == .accepted)
    let free = UDPDesk(try UDPPackets.credentials())
    var other = UDPPackets(boot: 2)
    #expect(free.take(other.next(events: 4), hasRoom: false) == .overflow)
    #expect(free.take(other.next(events: 0), hasRoom: false) == .accepted)
    var broken = other.next(events: 2)
    broken[7] = 3
    #expect(free.take(UDPPackets.signed(Array(broken.dropLast(16)))) == .malformed)
    let figures = free.figures[0]
    #expect(figures.refused == 7 && figures.received == 0 && figures.sent == 7 && figures.lost + figures.pending == 0)
    #expect(desk.figures[0].refused == 3)
  }

  @Test(arguments: [
    ([UInt8](), UDPResult.badLength), (Array("GUB1".utf8), .badLength), (Array("hello".utf8), .unknownFormat),
    (Array("GUB1".utf8) + [UInt8](repeating: 0, count: 2_045), .badLength),
    (Array("{".utf8), .badLength), ([UInt8](repeating: 0x7b, count: 8_193), .badLength),
    ([UInt8](repeating: 0x7b, count: 8_192), .malformed), (Array("{\"e\":\"x\"}\nsig 7 zz".utf8), .unknownFormat),
    (Array("{\"e\":\"x\"}\nsig 9 a181b6754730af7126bf07baac95d2f1".utf8), .unknownKey),
    (Array("{\"e\":\"x\"}\nsig 7 a181b6754730af7126bf07baac95d2f1".utf8), .badMAC),
  ])
  func namesWhatIsWrong(packet: [UInt8], result: UDPResult) throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    #expect(desk.take(packet) == result)
    #expect(desk.figures.allSatisfy { $0.sent == 0 })
  }

  // MARK: unsigned

  @Test func takesUnsignedTextOnlyFromNearbyAndWhereItIsAllowed() throws {
    let hello = Array("{\"e\":\"test.hello\"}\n".utf8)
    let desk = UDPDesk(try UDPPackets.credentials())
    #expect(desk.take(hello) == .accepted)
    #expect(desk.take(hello, from: UDPDesk.stranger) == .unsigned)
    #expect(desk.take(hello, from: UDPAddress(high: 0, low: 1)) == .accepted)
    var options = UDPOptions()
    options.allowUnsigned = try [#require(UDPNetwork("203.0.113.0/24"))]
    options.takesUnsignedFromLoopback = false
    let open = UDPDesk(try UDPPackets.credentials(), options: options)
    #expect(open.take(hello, from: UDPDesk.stranger) == .accepted)
    #expect(open.take(hello) == .unsigned)
    #expect(desk.figures.map(\.source) == ["local"] && desk.figures[0].sent == 2)
    let batch = try #require(open.seal()).batch
    let source = batch.text(batch.contexts[Int(batch.rows[0].context)].source)
    #expect(source.hasPrefix("peer-") && source.utf8.count == 13)
  }

  @Test func letsNobodySayTheNameOfAKey() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    var sender = UDPPackets(boot: 1)
    #expect(desk.take(sender.nextText(source: "relay-eu-1", isSigned: false)) == .wrongSource)
    #expect(desk.take(sender.nextText(source: "peer-1234", isSigned: false)) == .wrongSource)
    #expect(desk.take(sender.nextText(source: "other")) == .wrongSource)
    #expect(desk.take(sender.nextText(source: "relay-eu-1")) == .accepted)
    #expect(desk.take(sender.nextText(source: "mine", isSigned: false)) == .accepted)
    #expect(desk.figures.filter { !$0.isSigned }.map(\.source) == ["mine"])
  }

  @Test func wantsNumbersInWhatIsSigned() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    let text = Array("{\"v\":1,\"ev\":[{\"e\":\"x\"}]}\n".utf8)
    let signature = DatagramSignature(keyID: 7, tag: text.withUnsafeBytes { UDPPackets.signer.tag($0) })
    #expect(desk.take(text + signature.line) == .unnumbered)
  }

  @Test func givesStrangersNoMemory() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    var random = SampleRandom(seed: 3)
    for index in 0..<5_000 {
      var sender = UDPPackets(boot: random.next())
      var packet = index % 2 == 0 ? sender.next() : sender.nextText(isSigned: false)
      if index % 2 == 0 { packet[packet.count - 1] ^= 1 }
      let address = UDPAddress(ipv4: 0x0a00_0000 | UInt32(index))
      #expect(desk.take(packet, from: address) == (index % 2 == 0 ? .badMAC : .unsigned))
    }
    #expect(desk.sourceCount == 1 && desk.figures[0].authFailed == 2_500 && desk.seal() == nil)
  }

  @Test func dropsAFloodUnreadButNotWhoHasAKey() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    var sender = UDPPackets(boot: 1)
    #expect(desk.take(sender.next(), from: UDPDesk.stranger) == .accepted)
    var forged = sender.next()
    forged[60] ^= 1
    let flood = UDPAddress(ipv4: 0xcb00_7108)
    for _ in 0...1_000 { #expect(desk.take(forged, from: flood) == .badMAC) }
    #expect(desk.take(forged, from: flood) == .throttled)
    #expect(desk.take(sender.next(), from: flood) == .throttled)
    // An address that has proved a key is heard, however much is forged in its name.
    for _ in 0...1_100 { _ = desk.take(forged, from: UDPDesk.stranger) }
    #expect(desk.take(sender.next(), from: UDPDesk.stranger) == .accepted)
    desk.now += 1_000_000_000
    #expect(desk.take(sender.next(), from: flood) == .accepted)
  }

  // MARK: probes

  @Test func answersASignedProbeAndNothingElse() throws {
    let desk = UDPDesk(try UDPPackets.credentials())
    let probe = DatagramProbe(keyID: 7, nonce: 99, asked: 5)
    let question = UDPPackets.signed(probe.encoded(as: .probe))
    let (result, reply) = desk.takeReply(question, from: UDPDesk.stranger)
    let answer = try #require(reply)
    #expect(result == .probe && answer.count == question.count)
    #expect(UDPPackets.signed(Array(answer.dropLast(16))) == answer)
    let read = answer.withUnsafeBytes { bytes in
      (try? DatagramHeader(bytes)).flatMap { $0.kind == .reply ? DatagramProbe($0, bytes) : nil }
    }
    #expect(read?.nonce == 99 && read?.asked == 5 && read?.received == UDPPackets.start / 1_000)
    var forged = question
    forged[50] ^= 1
    #expect(desk.takeReply(forged).reply == nil)
    #expect(desk.takeReply(answer).result == .unknownFormat)
    for _ in 1..<10 { #expect(desk.takeReply(question).result == .probe) }
    #expect(desk.takeReply(question).result == .probeLimited)
    #expect(desk.figures[0].packets == 0)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("203.0.113.7", "203.0.113.7", true),
    ("203.0.113.7/32", "203.0.113.8", false), ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "2001:db8::1", false),
    ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false), ("::/0", "::1", true),
    ("fe80::/10", "fe80::1", true), ("2001:db8::/64", "2001:db8::5", true),
    ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
  ])
  func knowsWhoBelongsToANetwork(network: String, address: String, belongs: Bool) throws {
    #expect(try #require(UDPNetwork(network)).contains(#require(UDPAddress(address))) == belongs)
  }

  @Test(arguments: ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0/8", "10.0.0.0/"])
  func refusesWhatIsNoNetwork(text: String) { #expect(UDPNetwork(text) == nil) }
}
