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
    constructor(readonly problem: Problem, readonly response: Response) {
        super(`${problem.code}: ${problem.detail}`);
    }
}

// How long to wait before another attempt, if that may succeed: `fetch` throws a TypeError where the connection fails.
function pauseAfter(error: unknown): number {
    if (error instanceof TypeError) return 1000;
    if (!(error instanceof Refused) || ![429, 503].includes(error.response.status)) throw error;
    return 1000 * Number(error.response.headers.get("Retry-After") ?? 1);
}
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// ANCHOR: sign_in
async function signedIn(baseUrl: string, email: string, password: string): Promise<Client<paths>> {
    const body = { email, password };
    const { data, error, response } = await createClient<paths>({ baseUrl }).POST("/v1/sessions", { body });
    if (error) throw new Refused(error, response);
    console.log(`Signed in as ${data.user.name}`);
    return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${data.access_token}` } });
}
// ANCHOR_END: sign_in

// ANCHOR: pages
async function* menuItems(client: Client<paths>): AsyncGenerator<MenuItem> {
    let cursor: string | null = null;
    do {
        const query: { limit: number; cursor?: string } = cursor ? { limit: 20, cursor } : { limit: 20 };
        const { data, error, response } = await client.GET("/v1/menu/items", { params: { query } });
        if (error) throw new Refused(error, response);
        yield* data.data;
        cursor = data.next_cursor;
    } while (cursor);
}
// ANCHOR_END: pages

// ANCHOR: place
async function place(client: Client<paths>, line: OrderLine): Promise<Order> {
    // One key for one order, however often it is sent.
    const request = { params: { header: { "Idempotency-Key": randomUUID() } }, body: { items: [line] } };
    for (let attempt = 1; ; attempt += 1) {
        try {
            const { data, error, response } = await client.POST("/v1/orders", request);
            if (error) throw new Refused(error, response);
            return data;
        } catch (error) {
            if (attempt === 5) throw error;
            await pause(pauseAfter(error));
        }
    }
}
// ANCHOR_END: place

// ANCHOR: follow
// The order as it is, and again after each change, over as many connections as it takes.
async function* follow(client: Client<paths>, id: string): AsyncGenerator<Order> {
    let header: { "Last-Event-ID"?: string } = {};
    for (;;) {
        let wait = 1000;
        try {
            const params = { path: { id }, header };
            const { data, error, response } = await client.GET("/v1/orders/{id}/events", { params, parseAs: "stream" });
            if (error) throw new Refused(error, response);
            if (!data) throw new TypeError("no body");
            const events = new EventSourceParserStream({ onRetry: (milliseconds) => (wait = milliseconds) });
            for await (const event of data.pipeThrough(new TextDecoderStream()).pipeThrough(events)) {
                if (event.id) header = { "Last-Event-ID": event.id };
                if (event.event === "snapshot" || event.event === "order") yield JSON.parse(event.data) as Order;
            }
        } catch (error) {
            wait = pauseAfter(error);
        }
        await pause(wait);
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
