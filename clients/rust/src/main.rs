//! Signs in, orders a pizza with its choices, asks for more than there is, and follows the order until it is over.
//!
//! `client` is generated from openapi.json by build.rs: see ../README.md.

use std::{env::var, num::NonZeroU64, pin::pin, time::Duration};

use anyhow::{Context, bail};
use async_stream::try_stream;
use client::{Client, Error, types};
use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use sse_stream::SseStream;
use tokio::time::sleep;
use types::{CancelOrderRequestReason, MenuItem, Order, OrderLineRequest, OrderStatus, ProblemCode, SelectionRequest};
use uuid::Uuid;

#[expect(dead_code, unused_imports, clippy::all, clippy::pedantic, reason = "generated")]
mod client {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

// ANCHOR: sign_in
async fn signed_in(url: &str, email: String, password: String) -> anyhow::Result<Client> {
    let session = Client::new(url).sign_in().body_map(|body| body.email(email).password(password)).send().await?;
    println!("Signed in as {}", session.user.name);
    let mut token = HeaderValue::try_from(format!("Bearer {}", session.access_token))?;
    token.set_sensitive(true);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, token)]);
    // Longer than the 15 seconds after which a stream of events says that it is still there.
    let http = reqwest::Client::builder().default_headers(headers).read_timeout(Duration::from_secs(30)).build()?;
    Ok(Client::new_with_client(url, http))
}
// ANCHOR_END: sign_in

// ANCHOR: pages
async fn menu_items(client: &Client) -> anyhow::Result<Vec<MenuItem>> {
    let mut page = client.list_menu_items().limit(20).send().await?.into_inner();
    let mut items = page.data;
    while let Some(cursor) = page.next_cursor {
        page = client.list_menu_items().limit(20).cursor(cursor).send().await?.into_inner();
        items.append(&mut page.data);
    }
    Ok(items)
}
// ANCHOR_END: pages

// ANCHOR: place
async fn place(client: &Client, line: OrderLineRequest) -> anyhow::Result<Option<Order>> {
    // One key for one order, however often it is sent.
    let key = Uuid::new_v4().to_string();
    for _ in 0..5 {
        let place = client.place_order().idempotency_key(key.as_str()).body_map(|body| body.items(vec![line.clone()]));
        match place.send().await {
            Ok(order) => return Ok(Some(order.into_inner())),
            Err(Error::ErrorResponse(problem)) if problem.code == ProblemCode::InsufficientStock => {
                for short in &problem.items {
                    println!("Short: {} left of {} of {}", short.available, short.requested, short.menu_item_id);
                }
                for short in &problem.supplies {
                    println!("Short: {} left of {} of {}", short.available, short.requested, short.name);
                }
                return Ok(None);
            }
            Err(error) => sleep(pause_after(error)?).await,
        }
    }
    bail!("cannot reach the server")
}
// ANCHOR_END: place

/// How long to wait before another attempt, if that may succeed.
fn pause_after(error: Error<types::Problem>) -> anyhow::Result<Duration> {
    let seconds = match &error {
        Error::ErrorResponse(problem) if error.is_retryable() => problem.headers().get(RETRY_AFTER),
        Error::CommunicationError(_) => None,
        _ => return Err(error.into()),
    };
    Ok(Duration::from_secs(seconds.map_or(Ok("1"), HeaderValue::to_str)?.parse()?))
}

// ANCHOR: follow
/// The order as it is, and again after each change, over as many connections as it takes.
fn follow(client: &Client, id: Uuid) -> impl Stream<Item = anyhow::Result<Order>> {
    try_stream! {
        let mut last_event: Option<String> = None;
        loop {
            let mut pause = Duration::from_secs(1);
            let mut watch = client.watch_order().id(id);
            if let Some(id) = &last_event {
                watch = watch.last_event_id(id.as_str());
            }
            match watch.send().await {
                Ok(response) => {
                    let mut events = SseStream::from_bytes_stream(response.into_inner().into_inner());
                    // An error: the connection is lost, and the next one goes on after the last event.
                    while let Some(Ok(event)) = events.next().await {
                        pause = event.retry.map_or(pause, Duration::from_millis);
                        last_event = event.id.or(last_event);
                        if let (Some("snapshot" | "order"), Some(data)) = (event.event.as_deref(), &event.data) {
                            yield serde_json::from_str(data)?;
                        }
                    }
                }
                Err(error) => pause = pause_after(error)?,
            }
            sleep(pause).await;
        }
    }
}
// ANCHOR_END: follow

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client = signed_in(&var("COMANDA_URL")?, var("COMANDA_EMAIL")?, var("COMANDA_PASSWORD")?).await?;
    let menu = menu_items(&client).await?;
    println!("The menu has {} items", menu.len());
    let item = |name| menu.iter().find(|item| item.name == name).with_context(|| format!("there is no {name}"));

    // ANCHOR: choices
    let pizza = item("Pizza Margherita")?;
    let mut options = pizza.option_groups.iter().flat_map(|group| &group.options);
    let mozzarella = options.find(|option| option.name == "Mozzarella").context("there is no mozzarella")?;
    let extra = SelectionRequest::builder().option_id(mozzarella.id).quantity(NonZeroU64::new(2));
    let line = OrderLineRequest::builder().menu_item_id(pizza.id).quantity(1).selections(vec![extra.try_into()?]);
    let Some(order) = place(&client, line.try_into()?).await? else { return Ok(()) };
    // ANCHOR_END: choices
    let cents = order.total.amount;
    println!("Ordered {} for {}.{:02} {}", order.number, cents / 100, cents % 100, order.total.currency);

    let carpaccio = OrderLineRequest::builder().menu_item_id(item("Carpaccio di Manzo")?.id).quantity(100);
    place(&client, carpaccio.try_into()?).await?;

    let mut orders = pin!(follow(&client, order.id));
    while let Some(seen) = orders.try_next().await? {
        println!("{} is {}", seen.number, seen.status);
        if matches!(seen.status, OrderStatus::Completed | OrderStatus::Cancelled) {
            break;
        }
        if seen.version == order.version {
            let reason: CancelOrderRequestReason = "only a trial".parse()?;
            client.cancel_order().id(seen.id).body_map(|body| body.reason(reason)).send().await?;
        }
    }
    Ok(())
}
