"""Signs in, orders a pizza with its choices, asks for more than there is, and follows the order until it is over.

`comanda_client` is generated from openapi.json: see ../README.md.
"""

import os
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
from httpx_sse import connect_sse

from comanda_client import AuthenticatedClient, Client
from comanda_client.api.menu import list_menu_items
from comanda_client.api.orders import cancel_order, place_order
from comanda_client.api.sessions import sign_in
from comanda_client.models import CancelOrderRequest, MenuItem, MenuItemPage, Money, Order, OrderLineRequest
from comanda_client.models import OrderStatus, PlaceOrderRequest, SelectionRequest, Session, SignInRequest


# Too many requests, or not available: another attempt may succeed, after what the header `Retry-After` says.
MAY_PASS = (429, 503)


# ANCHOR: sign_in
def signed_in(url: str, email: str, password: str) -> AuthenticatedClient:
    answer = sign_in.sync(client=Client(base_url=url), body=SignInRequest(email=email, password=password))
    if not isinstance(answer, Session):
        raise SystemExit(f"cannot sign in: {answer}")
    print(f"Signed in as {answer.user.name}")
    # Longer than the 15 seconds after which a stream of events says that it is still there.
    return AuthenticatedClient(base_url=url, token=answer.access_token, timeout=httpx.Timeout(30))
# ANCHOR_END: sign_in


# ANCHOR: pages
def menu_items(client: AuthenticatedClient) -> Iterator[MenuItem]:
    page = list_menu_items.sync(client=client, limit=20)
    while isinstance(page, MenuItemPage):
        yield from page.data
        if page.next_cursor is None:
            return
        page = list_menu_items.sync(client=client, limit=20, cursor=page.next_cursor)
    raise SystemExit(f"cannot read the menu: {page}")
# ANCHOR_END: pages


# ANCHOR: place
def place(client: AuthenticatedClient, line: OrderLineRequest) -> Order | None:
    # One key for one order, however often it is sent.
    key, order = str(uuid4()), PlaceOrderRequest(items=[line])
    for _ in range(5):
        try:
            response = place_order.sync_detailed(client=client, body=order, idempotency_key=key)
        except httpx.TransportError:
            time.sleep(1)
            continue
        answer = response.parsed
        if isinstance(answer, Order):
            return answer
        if response.status_code in MAY_PASS:
            time.sleep(float(response.headers.get("Retry-After", 1)))
        elif answer is not None and answer.code == "insufficient-stock":
            for short in answer.items or []:
                print(f"Short: {short.available} left of {short.requested} of {short.menu_item_id}")
            for supply in answer.supplies or []:
                print(f"Short: {supply.available} left of {supply.requested} of {supply.name}")
            return None
        else:
            raise SystemExit(f"cannot order: {answer}")
    raise SystemExit("cannot reach the server")
# ANCHOR_END: place


# ANCHOR: follow
def follow(client: AuthenticatedClient, order_id: UUID) -> Iterator[Order]:
    """The order as it is, and again after each change, over as many connections as it takes."""
    headers: dict[str, str] = {}
    while True:
        pause = 1.0
        try:
            path = f"/v1/orders/{order_id}/events"
            with connect_sse(client.get_httpx_client(), "GET", path, headers=headers) as source:
                source.response.raise_for_status()
                for event in source.iter_sse():
                    pause = event.retry / 1000 if event.retry is not None else pause
                    headers |= {"Last-Event-ID": event.id} if event.id else {}
                    if event.event in ("snapshot", "order"):
                        yield Order.from_dict(event.json())
        except httpx.TransportError:
            pass  # Broken: another connection will do.
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in MAY_PASS:
                raise
            pause = float(error.response.headers.get("Retry-After", 1))
        time.sleep(pause)
# ANCHOR_END: follow


def written(money: Money) -> str:
    return f"{money.amount / 100:.2f} {money.currency.value}"


def main() -> None:
    client = signed_in(os.environ["COMANDA_URL"], os.environ["COMANDA_EMAIL"], os.environ["COMANDA_PASSWORD"])
    menu = {item.name: item for item in menu_items(client)}
    print(f"The menu has {len(menu)} items")

    # ANCHOR: choices
    pizza = menu["Pizza Margherita"]
    options = {option.name: option.id for group in pizza.option_groups for option in group.options}
    extra = SelectionRequest(option_id=options["Mozzarella"], quantity=2)
    order = place(client, OrderLineRequest(menu_item_id=pizza.id, quantity=1, selections=[extra]))
    # ANCHOR_END: choices
    if order is None:
        return
    print(f"Ordered {order.number} for {written(order.total)}")

    place(client, OrderLineRequest(menu_item_id=menu["Carpaccio di Manzo"].id, quantity=100))

    for seen in follow(client, order.id):
        print(f"{seen.number} is {seen.status.value}")
        if seen.status in (OrderStatus.COMPLETED, OrderStatus.CANCELLED):
            return
        if seen.version == order.version:
            cancel_order.sync(order.id, client=client, body=CancelOrderRequest(reason="only a trial"))


if __name__ == "__main__":
    main()
