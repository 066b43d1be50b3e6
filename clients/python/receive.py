"""Receives Comanda's events, and believes only those that are signed. Prints each once.

`comanda_client` is generated from openapi.json: see ../README.md.
"""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

from comanda_client.models import EventType, OrderEvent, OrderPlacedEvent


# ANCHOR: receive
class Receiver(BaseHTTPRequestHandler):
    secret = Webhook(os.environ["WEBHOOK_SECRET"])
    # In a database, if it is to outlive this program.
    seen: set[str] = set()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = self.secret.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.answer(401)
            return
        # The same event may come again, with the same id.
        if event["id"] not in self.seen:
            self.take(event)
            self.seen.add(event["id"])
        self.answer(204)

    def take(self, event: dict[str, object]) -> None:
        match event["type"]:
            case EventType.ORDER_PLACED:
                placed = OrderPlacedEvent.from_dict(event).data
                print(f"{placed.number} was placed: {[line.name for line in placed.items]}", flush=True)
            case EventType.ORDER_STATUS_CHANGED:
                changed = OrderEvent.from_dict(event).data
                print(f"{changed.number} is now {changed.status.value}", flush=True)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Not a line for each request."""
# ANCHOR_END: receive


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
