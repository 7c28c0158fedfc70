import Telemetry
import TestSupport
import Wire

/// Rows as text, every index resolved, so that those of two batches can be compared.
enum DatagramRows {
  static func lines(_ batch: Batch, withUID: Bool = true) -> [String] {
    batch.rows.map { row in
      let context = batch.contexts[Int(row.context)]
      let stream = batch.streams[Int(row.stream)]
      let resource = batch.resources[Int(stream.resource)]
      let name = batch.names[Int(row.name)]
      var present = row.present
      present.remove(.uid)
      var parts = [
        "time=\(row.time)", "severity=\(row.severity.name)", "event=\(batch.text(name.event))",
        "category=\(batch.text(name.category))", "data=\(batch.text(row.data))", "ext=\(batch.text(row.ext))",
        "bits=\(row.bits)", "present=\(present.rawValue)", "tick=\(row.tick)", "duration=\(row.duration)",
        "trace=\(row.trace)", "correlation=\(batch.text(row.correlation))",
        "resource=\(batch.text(resource.attributes))",
        "scope=\(batch.text(stream.attributes))",
      ]
      for slice in [
        context.source, context.session, context.component, context.gameID, context.gameModule, context.modFingerprint,
      ] { parts.append(batch.text(slice)) }
      if withUID { parts.append("uid=\(batch.text(row.uid))") }
      return parts.joined(separator: " | ")
    }
  }
}

/// Random events, and the OTLP log records that say the same.
struct DatagramSample {
  static let boot: UInt64 = 0x9f3c_2a00_0000_0001
  static let source = "relay-eu-1"

  var context: DatagramContext?
  var events: [DatagramEvent] = []

  /// `binary`: also what only form B can say.
  init(seed: UInt64, binary: Bool) {
    var random = SampleRandom(seed: seed)
    if !random.one(in: 4) { context = Self.context(&random) }
    var time: Int64 = 1_773_600_000_123_456
    for _ in 0..<random.upTo(12) {
      time += Int64(random.upTo(200_000)) - 50_000
      events.append(Self.event(&random, time, binary))
    }
  }

  private static func context(_ random: inout SampleRandom) -> DatagramContext {
    var context = DatagramContext()
    if !random.one(in: 3) { context.gameID = random.pick(["g00294", "g \"1\"", "läuft"]) }
    if random.one(in: 2) { context.trace = random.bytes(16) }
    if random.one(in: 3) { context.gameModule = random.pick(["ra1", "cnc"]) }
    if random.one(in: 4) { context.modFingerprint = random.bytes(32) }
    if random.one(in: 3) { context.session = random.pick(["s-1", "s-2"]) }
    if random.one(in: 3) { context.component = "relay" }
    return context
  }

  private static func event(_ random: inout SampleRandom, _ time: Int64, _ binary: Bool) -> DatagramEvent {
    let name = random.pick([
      "relay.tick.process", "demo.hit", "relay.game.start", "session.profile_switch", "Grüße", "x", "match.end",
    ])
    let tick: Int64? = random.one(in: 3) ? nil : Int64(random.upTo(40_000)) - 3
    var fields: [(name: String, value: DatagramValue)] = []
    var names = [
      "order_count", "process_us", "stall_detected", "duration_us", "category", "correlation", "component", "game_id",
      "game_module", "session.id", "$ref", "unit", "ü", "mod_profile_fingerprint", "tick", "a\"b", "event.name",
      "service.name", "duration_ms",
    ]
    if binary { names += ["body", "attributes"] }
    for _ in 0..<random.upTo(6) { fields.append((random.pick(names), value(&random, binary))) }
    return DatagramEvent(name, at: time, severity: UInt8(random.upTo(4)), tick: tick, fields)
  }

  private static func value(_ random: inout SampleRandom, _ binary: Bool) -> DatagramValue {
    switch random.upTo(binary ? 12 : 8) {
    case 0: .unsigned(random.pick([0, 1, 812, 1 << 40, UInt64(Int64.max), 1 << 63, .max]))
    case 1: .integer(random.pick([0, -1, 40, .min, .max]))
    case 2: .double(random.pick([0, -0.5, 1e300, 0.1, 12.25]))
    case 3: .bool(random.one(in: 2))
    case 4: .null
    case 5: .text(random.pick(["", "Mammoth Mk.III", "tab\tquote\"", "žluťoučký", "same", "\u{1}"]))
    case 6: .unsignedList([1, 2, .max])
    case 7: .textList(["same", "", "other"])
    case 8: .json("{\"a\":1,\"$b\":[true,null,\"x\\n\\u00e9\"], \"c\":1.50}")
    case 9: .float(random.pick([0.1, -2.5, .infinity]))
    case 10: .hash(0xfedc_ba98_7654_3210)
    case 11: .bytes([0, 255, 16])
    default: .double(random.pick([.nan, .infinity, -.infinity]))
    }
  }

  // MARK: form B

  func header(sequence: UInt64 = 4711, firstEvent: UInt64 = 8123) -> DatagramHeader {
    var header = DatagramHeader()
    header.keyID = 7
    header.boot = Self.boot
    header.sequence = sequence
    header.firstEvent = firstEvent
    header.sentMicroseconds = 1_773_600_000_123_456
    return header
  }

  /// The packet with a tag of zeros, and how many of the events found room.
  var binary: [UInt8] {
    var encoder = DatagramEncoder(header())
    if let context { encoder.add(context) }
    for event in events { precondition(encoder.add(event, limit: 60_000)) }
    return encoder.encoded + [UInt8](repeating: 0, count: 16)
  }

  // MARK: form J

  var text: [UInt8] {
    var text = "{\"v\":1,\"boot\":\"9f3c2a0000000001\",\"seq\":4711,\"n\":8123,\"t\":1773600000123456"
    if let context {
      text += ",\"ctx\":{\"game_id\":\(Self.quoted(context.gameID)),\"trace\":\"\(Self.hex(context.trace))\""
      text += ",\"game_module\":\(Self.quoted(context.gameModule)),\"session\":\(Self.quoted(context.session))"
      text += ",\"mod_fingerprint\":\"\(Self.hex(context.modFingerprint))\",\"component\":\"\(context.component)\"}"
    }
    let events = events.map { event in
      let fields = event.fields.map { "\(Self.quoted($0.name)):\(Self.json($0.value))" }.joined(separator: ",")
      let tick = event.tick.map { ",\"k\":\($0)" } ?? ""
      let severity = Severity(rawValue: event.severity)?.name ?? ""
      let head = "{\"e\":\(Self.quoted(event.name)),\"t\":\(event.microseconds)\(tick)"
      return head + ",\"s\":\"\(severity)\",\"d\":{\(fields)}}"
    }
    return Array((text + ",\"ev\":[" + events.joined(separator: ",") + "]}").utf8)
  }

  private static func json(_ value: DatagramValue) -> String {
    switch value {
    case .unsigned(let number): String(number)
    case .integer(let number): String(number)
    case .double(let number): number.description
    case .float(let number): Double(number).description
    case .bool(let flag): String(flag)
    case .null: "null"
    case .text(let text): quoted(text)
    case .hash(let number): "\"0x\(String(number, radix: 16))\""
    case .bytes(let bytes): "\"\(hex(bytes))\""
    case .unsignedList(let numbers): "[" + numbers.map { String($0) }.joined(separator: ",") + "]"
    case .textList(let texts): "[" + texts.map { quoted($0) }.joined(separator: ",") + "]"
    case .json(let text): text
    }
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\t": out += "\\t"
      case "\u{0}"..<"\u{20}": out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  // MARK: the same over OTLP

  /// An ExportLogsServiceRequest, a resource for each event.
  var logs: [UInt8] {
    var request: [UInt8] = []
    for event in events {
      var resource: [UInt8] = []
      func member(_ key: String, _ value: String) {
        if !value.isEmpty { resource += ProtoBytes.field(1, ProtoBytes.keyValue(key, text: value)) }
      }
      member("service.name", context.map { $0.component.isEmpty ? "udp" : $0.component } ?? "udp")
      member("session.id", context.map { $0.session.isEmpty ? "9f3c2a0000000001" : $0.session } ?? "9f3c2a0000000001")
      member("game_module", context?.gameModule ?? "")
      member("mod_fingerprint", Self.hex(context?.modFingerprint ?? []))
      let scope = ProtoBytes.field(2, log(event))
      request += ProtoBytes.field(1, ProtoBytes.field(1, resource) + ProtoBytes.field(2, scope))
    }
    return request
  }

  private func log(_ event: DatagramEvent) -> [UInt8] {
    var log = ProtoBytes.field(1, fixed: UInt64(event.microseconds) * 1000)
    log += ProtoBytes.field(2, varint: UInt64(event.severity) * 4 + 1)
    log += ProtoBytes.field(12, event.name)
    if let context, !context.trace.isEmpty { log += ProtoBytes.field(9, context.trace) }
    func attribute(_ key: String, _ value: [UInt8]) {
      log += ProtoBytes.field(6, ProtoBytes.keyValue(key, value))
    }
    if let game = context?.gameID, !game.isEmpty, !event.fields.contains(where: { $0.name == "game_id" }) {
      attribute("game_id", ProtoBytes.field(1, game))
    }
    if let tick = event.tick { attribute("tick", ProtoBytes.field(3, varint: UInt64(bitPattern: tick))) }
    for field in event.fields { attribute(field.name, Self.anyValue(field.value)) }
    return log
  }

  private static func anyValue(_ value: DatagramValue) -> [UInt8] {
    func array(_ values: [[UInt8]]) -> [UInt8] { ProtoBytes.field(5, values.flatMap { ProtoBytes.field(1, $0) }) }
    func text(_ text: String) -> [UInt8] { ProtoBytes.field(1, text) }
    func integer(_ number: Int64) -> [UInt8] { ProtoBytes.field(3, varint: UInt64(bitPattern: number)) }
    func unsigned(_ number: UInt64) -> [UInt8] { number < 1 << 63 ? integer(Int64(number)) : text(String(number)) }
    switch value {
    case .unsigned(let number): return unsigned(number)
    case .integer(let number): return integer(number)
    case .double(let number): return ProtoBytes.field(4, fixed: number.bitPattern)
    case .float(let number): return ProtoBytes.field(4, fixed: Double(number).bitPattern)
    case .bool(let flag): return ProtoBytes.field(2, varint: flag ? 1 : 0)
    case .null: return []
    case .text(let string): return text(string)
    case .hash(let number): return text("0x" + String(number, radix: 16))
    case .bytes(let bytes): return text(hex(bytes))
    case .unsignedList(let numbers): return array(numbers.map { unsigned($0) })
    case .textList(let texts): return array(texts.map { text($0) })
    case .json:
      // The one text that the samples use.
      func pair(_ key: String, _ value: [UInt8]) -> [UInt8] { ProtoBytes.field(1, ProtoBytes.keyValue(key, value)) }
      return ProtoBytes.field(
        6,
        pair("a", integer(1)) + pair("$b", array([ProtoBytes.field(2, varint: 1), [], text("x\né")]))
          + pair("c", ProtoBytes.field(4, fixed: (1.5).bitPattern)))
    }
  }
}

extension DatagramBatch {
  mutating func takes(_ packet: [UInt8], from sender: DatagramSender) -> Bool {
    // Without spare room: a read past its end is found by tools that look for that.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: packet.count, alignment: 1)
    copy.copyBytes(from: packet)
    defer { copy.deallocate() }
    let bytes = UnsafeRawBufferPointer(copy)
    guard let header = try? DatagramHeader(bytes) else { return false }
    do throws(DatagramFault) {
      try append(bytes, header, from: sender)
      return true
    } catch {
      return false
    }
  }

  /// A packet of form B by itself; nil: malformed.
  static func rows(_ packet: [UInt8], source: String = DatagramSample.source) -> Batch? {
    var batch = DatagramBatch(options: DecodeOptions(now: 42))
    return batch.takes(packet, from: DatagramSender(source: Array(source.utf8))) ? batch.finish() : nil
  }

  /// A packet of form J by itself; nil: malformed.
  static func rows(text packet: [UInt8], source: String = DatagramSample.source) -> Batch? {
    var batch = DatagramBatch(options: DecodeOptions(now: 42))
    let sender = DatagramSender(source: Array(source.utf8))
    do {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: packet.count, alignment: 1)
      copy.copyBytes(from: packet)
      defer { copy.deallocate() }
      batch.append(try DatagramEnvelope(UnsafeRawBufferPointer(copy)), from: sender, arrival: 42)
    } catch {
      return nil
    }
    return batch.finish()
  }

  static func rows(text packet: String) -> Batch? { rows(text: Array(packet.utf8)) }
}
