/// Smallest difference of arrival and send time over the last five minutes: the packet that travelled fastest shows best how
/// far the sender's clock is off.
struct UDPClockSkew: Sendable {
  private static let minute: Int64 = 60_000_000_000
  private static let minutes = 5

  private struct Slot {
    var minute: Int64 = .min
    var least: Int64 = .max
  }

  private var slots = [Slot](repeating: Slot(), count: minutes)

  /// Both as they are since 1970: nanoseconds here, µs there.
  mutating func note(arrival: Int64, sentMicroseconds: Int64) {
    let (difference, over) = (arrival / 1_000).subtractingReportingOverflow(sentMicroseconds)
    guard !over else { return }
    let minute = arrival / Self.minute
    let index = Int(minute % Int64(Self.minutes))
    guard index >= 0 else { return }
    if slots[index].minute != minute { slots[index] = Slot(minute: minute) }
    slots[index].least = min(slots[index].least, difference)
  }

  /// µs by which the sender's clock is behind; nil: no packet in five minutes.
  func microseconds(now: Int64) -> Int64? {
    let oldest = now / Self.minute - Int64(Self.minutes)
    return slots.filter { $0.minute > oldest }.map(\.least).min()
  }
}
