import Telemetry

/// Which items go into which levels, everything in the order of first appearance.
struct OTLPParcelGroups {
  /// Children of numbered parents, as linked lists.
  struct Lists {
    private var first: [Int32]
    private var last: [Int32]
    private var following: [Int32]

    init(parents: Int, children: Int) {
      first = [Int32](repeating: -1, count: parents)
      last = first
      following = [Int32](repeating: -1, count: children)
    }

    /// True for the parent's first child.
    @inline(__always) mutating func append(_ child: Int, to parent: Int) -> Bool {
      let before = last[parent]
      last[parent] = Int32(truncatingIfNeeded: child)
      if before >= 0 {
        following[Int(before)] = Int32(truncatingIfNeeded: child)
        return false
      }
      first[parent] = Int32(truncatingIfNeeded: child)
      return true
    }

    @inline(__always) func forEach(of parent: Int, _ body: (Int) -> Void) {
      var child = first[parent]
      while child >= 0 {
        body(Int(child))
        child = following[Int(child)]
      }
    }

    func isFirst(_ child: Int, of parent: Int) -> Bool { first[parent] == Int32(truncatingIfNeeded: child) }
  }

  /// Places in the parcel's items, by innermost level.
  private(set) var items: Lists
  let offset: Int
  private(set) var metrics: Lists
  private(set) var scopes: Lists
  /// All of them have the parent 0.
  private(set) var resources: Lists

  init(_ contents: OTLPParcelContents, _ all: [ParcelItem], _ range: Range<Int>) {
    let hasMetrics = contents.signal == .metrics
    offset = range.lowerBound
    items = Lists(parents: hasMetrics ? contents.metrics.count : contents.scopes.count, children: range.count)
    metrics = Lists(parents: hasMetrics ? contents.scopes.count : 0, children: contents.metrics.count)
    scopes = Lists(parents: contents.resources.count, children: contents.scopes.count)
    resources = Lists(parents: 1, children: contents.resources.count)
    for place in range {
      var group = all[place].group
      guard items.append(place - offset, to: group) else { continue }
      if hasMetrics {
        let scope = contents.metrics[group].parent
        guard metrics.append(group, to: scope) else { continue }
        group = scope
      }
      let resource = contents.scopes[group].parent
      if scopes.append(group, to: resource) { _ = resources.append(resource, to: 0) }
    }
  }
}
