"""A save service as a game studio might instrument it: every save, merge and sync is a span.

The span names and attributes are those of a published walk-through on tracing cloud saves; the code is our own.
"""

import hashlib
from dataclasses import dataclass, field


@dataclass
class Save:
    version: int
    device: str
    written_at: float
    playtime_hours: float
    items: set = field(default_factory=set)

    def encoded(self):
        return f"{self.playtime_hours}|{','.join(sorted(self.items))}".encode()


class CloudSaves:
    def __init__(self, tracer, meter):
        self._tracer = tracer
        self._latest = {}
        self._latency = meter.create_histogram(
            "cloud_save.operation.latency_ms", unit="ms", description="Latency of save/load operations")
        self._conflicts = meter.create_counter(
            "cloud_save.conflicts", description="Number of save conflicts detected")
        self._sizes = meter.create_histogram(
            "cloud_save.size_bytes", unit="bytes", description="Size of save data in bytes")

    def save(self, player, device, client_version, playtime_hours, items, at):
        local = Save(0, device, at, playtime_hours, set(items))
        with self._tracer.start_as_current_span("cloud_save.save") as span:
            data = local.encoded()
            span.set_attributes({
                "player.id": player,
                "save.size_bytes": len(data),
                "save.hash": hashlib.sha256(data).hexdigest()[:16],
                "save.device_id": device,
                "save.client_version": client_version,
            })
            current = self._load_current(player)
            conflict = self._check_conflict(player, local, current)
            if conflict:
                local = self._resolve(player, current, local)
            local.version = current.version + 1 if current else 1
            with self._tracer.start_as_current_span("cloud_save.write") as write:
                write.set_attributes({"write.version": local.version, "write.size_bytes": len(local.encoded())})
                self._latest[player] = local
            with self._tracer.start_as_current_span("cloud_save.backup_previous") as backup:
                if current:
                    backup.set_attribute("backup.version", current.version)
            span.set_attributes({
                "save.new_version": local.version,
                "save.had_conflict": conflict,
                "save.outcome": "success",
            })
        self._latency.record(12.5, {"operation": "save"})
        self._sizes.record(len(data))

    def _load_current(self, player):
        with self._tracer.start_as_current_span("cloud_save.load_current") as span:
            current = self._latest.get(player)
            if current is None:
                span.set_attribute("current.exists", False)
            else:
                span.set_attributes({
                    "current.version": current.version,
                    "current.device_id": current.device,
                    "current.timestamp": current.written_at,
                })
            return current

    def _check_conflict(self, player, local, current):
        with self._tracer.start_as_current_span("cloud_save.conflict_check") as span:
            conflict = current is not None and current.device != local.device
            span.set_attribute("conflict.detected", conflict)
            if conflict:
                span.set_attributes({
                    "conflict.time_diff_seconds": round(local.written_at - current.written_at, 1),
                    "conflict.other_device": current.device,
                })
                self._conflicts.add(1, {"kind": "other_device"})
            return conflict

    def _resolve(self, player, cloud, local):
        with self._tracer.start_as_current_span("cloud_save.resolve_conflict") as span:
            span.set_attributes({
                "player.id": player,
                "conflict.cloud_playtime_hours": cloud.playtime_hours,
                "conflict.local_playtime_hours": local.playtime_hours,
                "merge.items_cloud_only": len(cloud.items - local.items),
                "merge.items_local_only": len(local.items - cloud.items),
                "merge.strategy": "union_and_max",
                "merge.outcome": "success",
            })
            return Save(
                local.version, local.device, local.written_at, max(cloud.playtime_hours, local.playtime_hours),
                cloud.items | local.items)

    def sync_on_login(self, player, device, local_version):
        with self._tracer.start_as_current_span("cloud_save.sync_on_login") as span:
            span.set_attributes({"player.id": player, "device.id": device, "local.version": local_version or 0})
            cloud = self._latest.get(player)
            if cloud is None:
                span.set_attribute("sync.action", "no_cloud_data")
                return
            span.set_attribute("cloud.version", cloud.version)
            if local_version is None or cloud.version > local_version:
                span.set_attribute("sync.action", "download_cloud")
            elif cloud.version == local_version:
                span.set_attribute("sync.action", "already_synced")
            else:
                span.set_attribute("sync.action", "local_ahead_of_cloud")
                span.add_event("unexpected_state", {"detail": "Local version is ahead of cloud version"})
