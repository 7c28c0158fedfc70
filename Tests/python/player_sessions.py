"""The life of a player's session as spans: one long root, a child for each phase.

The span names and attributes are those of a published walk-through on session tracing; the code is our own.
"""

from opentelemetry import trace

_END_TYPES = {
    "client_quit": "graceful", "logout": "graceful",
    "timeout": "connection_failure", "connection_lost": "connection_failure",
    "kicked": "enforcement", "banned": "enforcement",
    "crash": "crash",
}


class PlayerSession:
    def __init__(self, tracer, player, auth_method, client_version, platform):
        self._tracer = tracer
        self._player = player
        self._phase = "login"
        self._matches = 0
        self._running = None
        self._loading = None
        self._root = tracer.start_span("session.lifecycle", attributes={
            "player.id": player,
            "session.auth_method": auth_method,
            "client.version": client_version,
            "client.platform": platform,
        })
        self._within = trace.set_span_in_context(self._root)
        self._child("login").end()

    def _child(self, phase, **attributes):
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        return self._tracer.start_span(
            f"session.phase.{phase}", context=self._within, attributes={"player.id": self._player, **named})

    def enter_matchmaking(self, mode):
        self._phase = "matchmaking"
        self._running = self._child("matchmaking", game__mode=mode)

    def matched(self, lobby, wait_seconds):
        self._running.set_attributes({"matchmaking.wait_seconds": wait_seconds, "lobby.id": lobby})
        self._running.end()

    def load(self, kind, assets, size_mb):
        span = self._child("loading", loading__type=kind)
        span.set_attributes({"loading.assets_count": assets, "loading.total_size_mb": size_mb})
        span.end()

    def enter_game(self, server, map_name):
        self._phase = "in_game"
        self._matches += 1
        self._running = self._child("in_game", server__id=server, game__map=map_name)
        self._running.set_attribute("session.match_number", self._matches)

    def leave_game(self, result, score):
        self._running.set_attributes({"game.result": result, "game.score": score})
        self._running.end()
        self._phase = "menu"

    def end(self, reason):
        if self._running.is_recording():
            self._running.set_attribute("phase.ended_by", "disconnect")
            self._running.end()
        self._root.set_attributes({
            "session.matches_played": self._matches,
            "session.end_reason": reason,
            "session.end_phase": self._phase,
            "session.end_type": _END_TYPES.get(reason, "unknown"),
        })
        self._root.end()
