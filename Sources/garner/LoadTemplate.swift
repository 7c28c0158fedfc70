/// A body that is sent again and again, and the places in it that differ each time.
///
/// Patching costs about 0.05 µs a record: what the generator takes, the collector beside it does not get.
struct LoadTemplate {
  /// What is written at a place. The length never depends on the value.
  enum Slot: UInt8 {
    /// Eight bytes; two of them a trace id.
    case identifier
    /// Sixteen hexadecimal digits.
    case hexadecimal
    /// Fixed64 and text of 19 digits: the record's time; it also begins a record.
    case timeBytes, timeDigits
    /// The time of the last `time…` slot plus up to 16.8 ms.
    case endBytes, endDigits
    case varint, digits
    case double, decimal
  }

  struct Place {
    var offset: Int
    var slot: Slot
    var daysBack: UInt16 = 0
  }

  private(set) var bytes: [UInt8] = []
  private(set) var places: [Place] = []

  static let nanosecondsOfDay: UInt64 = 86_400_000_000_000

  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
  mutating func append(byte: UInt8) { bytes.append(byte) }

  mutating func append(_ slot: Slot, daysBack: Int = 0) {
    places.append(Place(offset: bytes.count, slot: slot, daysBack: UInt16(clamping: daysBack)))
    let length =
      switch slot {
      case .identifier, .timeBytes, .endBytes, .double: 8
      case .hexadecimal: 16
      case .timeDigits, .endDigits: 19
      case .varint: 4
      case .digits: 9
      case .decimal: 7
      }
    bytes.append(contentsOf: repeatElement(0, count: length))
  }

  mutating func append(_ other: LoadTemplate) {
    let shift = bytes.count
    bytes.append(contentsOf: other.bytes)
    for var place in other.places {
      place.offset += shift
      places.append(place)
    }
  }

  /// Writes new values at all places. `now`: nanoseconds since 1970 of the first record; the others follow at 1 µs.
  mutating func vary(now: UInt64, random: inout LoadRandom) {
    let places = places
    bytes.withUnsafeMutableBytes { body in
      guard let base = body.baseAddress else { return }
      var record: UInt64 = 0
      var time = now
      for place in places {
        let at = base + place.offset
        switch place.slot {
        case .identifier:
          // Never zero: an id of zeros is invalid.
          at.storeBytes(of: random.next() | 1, as: UInt64.self)
        case .hexadecimal:
          LoadDigits.hexadecimal(random.next() | 1, at)
        case .timeBytes, .timeDigits:
          time = now &+ record &* 1_000 &- UInt64(place.daysBack) &* Self.nanosecondsOfDay
          record &+= 1
          if place.slot == .timeBytes {
            at.storeBytes(of: time.littleEndian, as: UInt64.self)
          } else {
            LoadDigits.decimal(time, 19, at)
          }
        case .endBytes:
          at.storeBytes(of: (time &+ (random.next() >> 40)).littleEndian, as: UInt64.self)
        case .endDigits:
          LoadDigits.decimal(time &+ (random.next() >> 40), 19, at)
        case .varint:
          // Three bytes that go on and one that ends and is not zero, so that four bytes are the shortest form.
          let number = UInt32(truncatingIfNeeded: random.next() >> 32)
          at.storeBytes(of: ((number | 0x0080_8080) & 0x7fff_ffff | 0x0100_0000).littleEndian, as: UInt32.self)
        case .digits:
          LoadDigits.decimal(100_000_000 + (random.next() >> 37), 9, at)
        case .double:
          at.storeBytes(of: Self.fraction(random.next()).bitPattern.littleEndian, as: UInt64.self)
        case .decimal:
          // "ddd.ddd" of 100 to 999; the last digit is never 0, as a shortest text's is not.
          let number = random.next() >> 44
          LoadDigits.decimal(100 + number % 900, 3, at)
          (at + 3).storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
          LoadDigits.decimal((number >> 8) % 999 | 1, 3, at + 4)
        }
      }
    }
  }

  /// 100 to 999 with three digits behind the point: what gauges show.
  private static func fraction(_ random: UInt64) -> Double {
    let number = random >> 44
    return Double(100 + number % 900) + Double((number >> 8) % 999 | 1) / 1_000
  }
}
