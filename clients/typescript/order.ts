// Signs in, orders a pizza with its choices, asks for more than there is, and follows the order until it is over.
//
// `comanda.d.ts` is generated from openapi.json: see ../README.md.

import { randomUUID } from "node:crypto";
import { EventSourceParserStream } from "eventsource-parser/stream";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./comanda.js";

type MenuItem = components["schemas"]["MenuItem"];
type Order = components["schemas"]["Order"];
type OrderLine = components["schemas"]["OrderLineRequest"];
type Problem = components["schemas"]["Problem"];

class Refused extends Error {
    constructor(readonly problem: Problem) {
        super(`${problem.code}: ${problem.detail}`);
    }
}

// Worth another attempt: `fetch` throws a TypeError where the connection fails.
const isPassing = (error: unknown) =>
    error instanceof TypeError || (error instanceof Refused && error.problem.code === "unavailable");
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// ANCHOR: sign_in
async function signedIn(baseUrl: string, email: string, password: string): Promise<Client<paths>> {
    const client = createClient<paths>({ baseUrl });
    const { data, error } = await client.POST("/v1/sessions", { body: { email, password } });
    if (error) throw new Refused(error);
    console.log(`Signed in as ${data.user.name}`);
    client.use({
        onRequest({ request }) {
            request.headers.set("Authorization", `Bearer ${data.access_token}`);
        },
    });
    return client;
}
// ANCHOR_END: sign_in

// ANCHOR: pages
async function* menuItems(client: Client<paths>): AsyncGenerator<MenuItem> {
    let cursor: string | null = null;
    do {
        const query: { limit: number; cursor?: string } = cursor ? { limit: 20, cursor } : { limit: 20 };
        const { data, error } = await client.GET("/v1/menu/items", { params: { query } });
        if (error) throw new Refused(error);
        yield* data.data;
        cursor = data.next_cursor;
    } while (cursor);
}
// ANCHOR_END: pages

// ANCHOR: place
async function place(client: Client<paths>, line: OrderLine): Promise<Order> {
    // One key for one order, however often it is sent.
    const header = { "Idempotency-Key": randomUUID() };
    for (let attempt = 1; ; attempt += 1) {
        try {
            const { data, error } = await client.POST("/v1/orders", { params: { header }, body: { items: [line] } });
            if (error) throw new Refused(error);
            return data;
        } catch (error) {
            if (!isPassing(error) || attempt === 5) throw error;
            await pause(1000);
        }
    }
}
// ANCHOR_END: place

// ANCHOR: follow
// The order as it is, and again after each change, over as many connections as it takes.
async function* follow(client: Client<paths>, id: string): AsyncGenerator<Order> {
    let header: { "Last-Event-ID"?: string } = {};
    for (;;) {
        try {
            const params = { path: { id }, header };
            const { data, error } = await client.GET("/v1/orders/{id}/events", { params, parseAs: "stream" });
            if (error) throw new Refused(error);
            if (!data) throw new TypeError("no body");
            const text = data.pipeThrough(new TextDecoderStream());
            for await (const event of text.pipeThrough(new EventSourceParserStream())) {
                if (event.id) header = { "Last-Event-ID": event.id };
                if (event.event === "snapshot" || event.event === "order") yield JSON.parse(event.data) as Order;
            }
        } catch (error) {
            if (!isPassing(error)) throw error;
            await pause(1000);
        }
    }
}
// ANCHOR_END: follow

const { COMANDA_URL: url = "", COMANDA_EMAIL: email = "", COMANDA_PASSWORD: password = "" } = process.env;
const client = await signedIn(url, email, password);
const menu = new Map<string, MenuItem>();
for await (const item of menuItems(client)) menu.set(item.name, item);
console.log(`The menu has ${menu.size} items`);
const [pizza, carpaccio] = [menu.get("Pizza Margherita"), menu.get("Carpaccio di Manzo")];
if (!pizza || !carpaccio) throw new Error("this is another menu");

// ANCHOR: choices
const options = pizza.option_groups.flatMap((group) => group.options);
const mozzarella = options.find((option) => option.name === "Mozzarella");
if (!mozzarella) throw new Error("there is no mozzarella");
const selections = [{ option_id: mozzarella.id, quantity: 2 }];
const order = await place(client, { menu_item_id: pizza.id, quantity: 1, selections });
// ANCHOR_END: choices
console.log(`Ordered ${order.number} for ${(order.total.amount / 100).toFixed(2)} ${order.total.currency}`);

// ANCHOR: shortage
try {
    await place(client, { menu_item_id: carpaccio.id, quantity: 100 });
} catch (error) {
    if (!(error instanceof Refused) || error.problem.code !== "insufficient-stock") throw error;
    const { items, supplies } = error.problem;
    for (const short of [...(items ?? []), ...(supplies ?? [])]) {
        const what = "name" in short ? short.name : short.menu_item_id;
        console.log(`Short: ${short.available} left of ${short.requested} of ${what}`);
    }
}
// ANCHOR_END: shortage

for await (const seen of follow(client, order.id)) {
    console.log(`${seen.number} is ${seen.status}`);
    if (seen.status === "completed" || seen.status === "cancelled") break;
    if (seen.version === order.version) {
        const params = { path: { id: order.id } };
        await client.POST("/v1/orders/{id}/cancel", { params, body: { reason: "only a trial" } });
    }
}
