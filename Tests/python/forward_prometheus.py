"""The real Prometheus of the system, as a process of its own."""

import json
import queue
import re
import shutil
import subprocess
import threading
import urllib.parse

from garner import PATIENCE, http

BINARY = shutil.which("prometheus")


class Prometheus:
    """`targets`: `(address, path)` that it scrapes, with `honor_labels`."""

    def __init__(self, folder, targets=(), *arguments):
        self.folder = folder
        folder.mkdir()
        jobs = [{
            "job_name": f"pull-{number}", "honor_labels": True, "metrics_path": path, "scrape_interval": "1s",
            "static_configs": [{"targets": [address]}],
        } for number, (address, path) in enumerate(targets)]
        config = folder / "prometheus.yml"
        # JSON is YAML.
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s"}, "scrape_configs": jobs,
            "storage": {"tsdb": {"out_of_order_time_window": "1h"}},
        }))
        self.arguments = [
            BINARY, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            "--web.enable-remote-write-receiver", "--enable-feature=native-histograms,exemplar-storage", *arguments]
        self.address = "127.0.0.1:0"
        self.start()

    def start(self):
        """Again on the port that it had, when there was one."""
        self._lines = queue.Queue()
        self.log = []
        self.process = subprocess.Popen(
            [*self.arguments, f"--web.listen-address={self.address}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, args=(self.process, self._lines), daemon=True).start()
        self.address = self._address()

    def _read(self, process, lines):
        for line in process.stderr:
            self.log.append(line)
            lines.put(line)
        lines.put(None)

    def _address(self):
        address, is_ready = None, False
        while not (address and is_ready):
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, "".join(self.log)
            # Not `address=127.0.0.1:0`, which it says before.
            found = re.search(r"Listening on.*address=(\S+)", line)
            address = found[1] if found else address
            is_ready = is_ready or "Server is ready" in line
        return address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"http://{self.address}"

    def query(self, expression):
        """Samples of now: `[(labels, value)]`."""
        answer = http(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        assert answer.status == 200, answer.body
        return [(sample["metric"], float(sample["value"][1])) for sample in answer.json()["data"]["result"]
                if "value" in sample]

    def samples(self, expression):
        """Of a range: `[(labels, values)]`."""
        answer = http(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        assert answer.status == 200, answer.body
        return [(series["metric"], [float(value) for _, value in series["values"]])
                for series in answer.json()["data"]["result"]]

    def histograms(self, expression):
        """Native histograms of now."""
        answer = http(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        return [(sample["metric"], sample["histogram"][1]) for sample in answer.json()["data"]["result"]
                if "histogram" in sample]

    def value(self, expression):
        """Of the one series there is; None: there is none, or more."""
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else None
