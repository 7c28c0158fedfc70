/// Which of the series a request carries: connections begin at different ones, so that together they cover all.
enum LoadSeries {
  /// Points of one metric in a row.
  struct Run {
    var metric: Int
    var series: [Int]
  }

  static func runs(records: Int, sender: Int) -> [Run] {
    var runs: [Run] = []
    for index in 0..<records {
      let series = (sender * records + index) % LoadShape.seriesCount
      let metric = series / LoadShape.seriesOfMetric
      if runs.last?.metric == metric {
        runs[runs.count - 1].series.append(series)
      } else {
        runs.append(Run(metric: metric, series: [series]))
      }
    }
    return runs
  }
}
