"""The ClickHouse engine behind the HTTP interface that a server of it has."""

import json
import threading

from forward_far_end import FarEnd, Reply


class ClickHouse(FarEnd):
    """`lose`: so many answers to insertions are thrown away after they were carried out."""

    def __init__(self):
        from chdb import session

        self._session = session.Session()
        self._turn = threading.Lock()
        self.lose = 0
        self.inserts = []
        super().__init__(self._serve)

    def _serve(self, request):
        settings = {name: value for name, value in request.query.items() if name != "query"}
        statement = request.query.get("query", "")
        try:
            if not statement:
                return Reply(body=self._run(request.body.decode()))
            # Settings of an insertion stand before its format when there is no URL to hold them.
            head, form = statement.rsplit(" FORMAT ", 1)
            said = ", ".join(
                f"{name} = {value if value.isdigit() else repr(value)}" for name, value in settings.items())
            self._run(f"{head} SETTINGS {said} FORMAT {form}\n{request.body.decode()}")
        except Exception as error:  # noqa: BLE001: whatever the engine says is the answer
            return Reply(400, body=str(error).encode())
        self.inserts.append(settings.get("insert_deduplication_token"))
        if self.lose > 0:
            self.lose -= 1
            return Reply(raw=b"")
        return Reply()

    def _run(self, statement):
        with self._turn:
            return bytes(self._session.query(statement, "TabSeparated").bytes())

    def rows(self, statement):
        with self._turn:
            answer = self._session.query(statement, "JSON")
        return json.loads(str(answer))["data"]

    def kill(self):
        super().kill()
        self._session.close()
