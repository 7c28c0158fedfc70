/// Where tasks of one actor wait for something to change, or for a moment. Belongs to the actor that holds it.
struct AsyncBell {
  private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
  private var nextTicket = 0

  mutating func ticket() -> Int {
    nextTicket += 1
    return nextTicket
  }

  mutating func add(_ ticket: Int, _ continuation: CheckedContinuation<Void, Never>) {
    waiting[ticket] = continuation
  }

  mutating func wake(_ ticket: Int) { waiting.removeValue(forKey: ticket)?.resume() }

  mutating func wakeAll() {
    let all = waiting
    waiting = [:]
    for continuation in all.values { continuation.resume() }
  }
}
