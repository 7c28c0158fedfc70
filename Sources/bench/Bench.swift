import Glibc

/// Measures what the speed targets name, on this machine, with a daemon and a load generator of the same build, and prints
/// one table. Nothing here fails because something was slow.
///
/// `BENCH_SECONDS` (5) is the length of one load; `bench NAME…` runs only the sections whose names begin so.
@main enum Bench {
  static func main() {
    let seconds = Environment.value("BENCH_SECONDS").flatMap { Double($0) } ?? 5
    let wanted = CommandLine.arguments.dropFirst()
    guard let place = Workplace() else {
      Text.error("bench: no temporary folder can be made")
      exit(74)
    }
    defer { place.remove() }
    let report = Report()
    Text.line(Machine.description)
    for section in Section.all
    where wanted.isEmpty || wanted.contains(where: { section.name.hasPrefix($0) }) {
      Text.error("bench: \(section.name)")
      do throws(BenchFailure) {
        try section.run(Stage(place: place, seconds: seconds, report: report))
      } catch {
        report.add(Report.Line(section.name, "failed: \(error.message)"))
      }
      place.empty()
    }
    report.print()
  }
}

struct BenchFailure: Error {
  var message: String

  init(_ message: String) { self.message = message }
}
