import Door
import Synchronization
import Testing

/// Rates of credentials, under a clock that only moves when told to.
struct AllowanceTests {
  private final class StepClock: Sendable {
    private let time = Atomic<Int64>(0)
    func advance(_ seconds: Double) { time.add(Int64(seconds * 1e9), ordering: .relaxed) }
    var read: @Sendable () -> Int64 { { self.time.load(ordering: .relaxed) } }
  }

  /// Seconds to let pass, what is sent then, and the answer: nil is taken.
  struct Step: Sendable {
    var after: Double
    var records: Int
    var bytes: Int
    var wait: Int?
  }

  struct Course: Sendable, CustomTestStringConvertible {
    var name: String
    var records: Int64
    var bytes: Int64
    var steps: [Step]
    var testDescription: String { name }
  }

  @Test(
    arguments: [
      Course(
        name: "two seconds' worth at once", records: 10, bytes: 0,
        steps: [
          Step(after: 0, records: 10, bytes: 1, wait: nil), Step(after: 0, records: 10, bytes: 1, wait: nil),
          Step(after: 0, records: 1, bytes: 1, wait: 1), Step(after: 0.1, records: 1, bytes: 1, wait: nil),
          Step(after: 0, records: 20, bytes: 1, wait: 2), Step(after: 2, records: 20, bytes: 1, wait: nil),
        ]),
      Course(
        name: "never more than two seconds are saved", records: 10, bytes: 0,
        steps: [
          Step(after: 3600, records: 20, bytes: 1, wait: nil), Step(after: 0, records: 1, bytes: 1, wait: 1),
        ]),
      Course(
        name: "one that is larger than the bucket goes into debt", records: 10, bytes: 0,
        steps: [
          Step(after: 0, records: 100, bytes: 1, wait: nil), Step(after: 0, records: 1, bytes: 1, wait: 9),
          Step(after: 8, records: 1, bytes: 1, wait: 1), Step(after: 0.1, records: 1, bytes: 1, wait: nil),
          Step(after: 0, records: 100, bytes: 1, wait: 2),
        ]),
      Course(
        name: "bytes alone", records: 0, bytes: 1000,
        steps: [
          Step(after: 0, records: 1_000_000, bytes: 2000, wait: nil), Step(after: 0, records: 1, bytes: 500, wait: 1),
          Step(after: 0.5, records: 1, bytes: 500, wait: nil),
        ]),
      Course(
        name: "both or nothing", records: 10, bytes: 1000,
        steps: [
          Step(after: 0, records: 5, bytes: 2000, wait: nil), Step(after: 0, records: 15, bytes: 1, wait: 1),
          Step(after: 0.001, records: 15, bytes: 1, wait: nil),
        ]),
      Course(
        name: "no limits", records: 0, bytes: 0,
        steps: [Step(after: 0, records: 1_000_000, bytes: 1 << 40, wait: nil)]),
    ])
  func takesWhatFits(course: Course) {
    let clock = StepClock()
    let allowance = Allowance(recordsPerSecond: course.records, bytesPerSecond: course.bytes, clock: clock.read)
    for (index, step) in course.steps.enumerated() {
      clock.advance(step.after)
      #expect(allowance.take(records: step.records, bytes: step.bytes) == step.wait, "step \(index)")
    }
  }

  @Test func saysBeforeABodyIsReadThatNothingIsLeft() {
    let clock = StepClock()
    let allowance = Allowance(recordsPerSecond: 10, bytesPerSecond: 0, clock: clock.read)
    #expect(allowance.wait() == nil)
    #expect(allowance.take(records: 25, bytes: 1) == nil)
    #expect(allowance.wait() == 1)
    clock.advance(0.6)
    #expect(allowance.wait() == nil)
  }

  @Test func aClockThatGoesBackGivesNothing() {
    let clock = StepClock()
    clock.advance(100)
    let allowance = Allowance(recordsPerSecond: 10, bytesPerSecond: 0, clock: clock.read)
    #expect(allowance.take(records: 20, bytes: 0) == nil)
    clock.advance(-50)
    #expect(allowance.take(records: 1, bytes: 0) == 1)
    clock.advance(50)
    #expect(allowance.take(records: 1, bytes: 0) == 1)
  }
}
