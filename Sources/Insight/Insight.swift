/// What the data means: games, sessions, saves, perf, alerts. A seam only, until they are built.
enum InsightRoom {}
