/// The table: what was measured beside the bar and the goal.
final class Report {
  struct Line {
    var what: String
    var measured: String
    var bar: String
    var goal: String
    var remark: String

    init(_ what: String, _ measured: String, bar: String = "", goal: String = "", _ remark: String = "") {
      self.what = what
      self.measured = measured
      self.bar = bar
      self.goal = goal
      self.remark = remark
    }

    fileprivate var cells: [String] { [what, measured, bar, goal, remark] }
  }

  private var lines: [Line] = []

  func add(_ line: Line) {
    lines.append(line)
    Text.error("  \(line.what): \(line.measured) \(line.remark)")
  }

  func print() {
    let table = [["what", "measured", "bar", "goal", "remark"]] + lines.map(\.cells)
    let widths = (0..<5).map { column in table.map { $0[column].count }.max() ?? 0 }
    for (index, row) in table.enumerated() {
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      Text.line("| \(cells.joined(separator: " | ")) |")
      if index == 0 {
        Text.line("|\(widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|"))|")
      }
    }
  }
}
