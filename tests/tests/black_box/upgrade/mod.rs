//! A rolling upgrade from the last release that landed, and back: `cargo xtask upgrade`. Its servers and ours serve
//! beside each other, on one database and one Redis; nothing is buried, lost or refused.

mod accounts;
mod choices;
mod customers;
mod staff;
mod stage;

use futures_util::future::{BoxFuture, FutureExt, join, join_all};

use self::stage::{Servers, Stage};

/// How many customers come at a time.
const CUSTOMERS: usize = 4;

/// One of each kind of order, from every customer. Every other customer meets the servers in the other order.
fn serve<'a>(stage: &'a Stage, here: &'a str, there: &'a str) -> BoxFuture<'a, ()> {
    serve_all(stage, here, there).boxed()
}

async fn serve_all(stage: &Stage, here: &str, there: &str) {
    let both = Servers { here, there };
    let orders =
        join_all((0..CUSTOMERS).map(|n| customers::order(stage, if n % 2 == 0 { both } else { both.swapped() })));
    let menu = join(staff::edit_menu(stage, both), staff::edit_menu(stage, both.swapped()));
    let accounts = join(accounts::come_and_go(stage, both), accounts::come_and_go(stage, both.swapped()));
    let lockouts = join(accounts::lock_out(stage, both), accounts::lock_out(stage, both.swapped()));
    let books = join(staff::read_books(stage, both), customers::dispute(stage, both));
    let rest = join(join(accounts, lockouts), books).boxed();
    join(join(orders, menu), rest).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the last release that landed: cargo xtask upgrade"]
async fn servers_of_the_last_release_and_of_this_one_serve_beside_each_other() {
    let stage = Stage::open().await;
    let old = stage.start_old().await;
    stage.until_subscribed().await;
    serve(&stage, &old.base_url, &old.base_url).await;

    // The last release goes on while its tables change.
    join(serve(&stage, &old.base_url, &old.base_url), stage.migrate()).await;
    serve(&stage, &old.base_url, &old.base_url).await;

    // It delivers what both do.
    let new = stage.start_new().await;
    choices::order(&stage, Servers { here: &old.base_url, there: &new.base_url }).await;
    serve(&stage, &old.base_url, &new.base_url).await;
    stage.until_delivered().await;

    // And this one does, once the other has restarted.
    stage.stop("old", old).await;
    let old = stage.start_old().await;
    serve(&stage, &new.base_url, &old.base_url).await;
    stage.until_delivered().await;
    stage.until_idle().await;
    let both = Servers { here: &old.base_url, there: &new.base_url };
    customers::pay_where_the_gateway_is_reached(&stage, both).await;

    // Back to the last release.
    stage.stop("new", new).await;
    serve(&stage, &old.base_url, &old.base_url).await;
    stage.until_delivered().await;
    staff::read_everything(&stage, &old.base_url).await;
    // And forwards again: what was left to this release is found.
    let new = stage.start_new().await;
    stage.until_idle().await;
    staff::read_everything(&stage, &new.base_url).await;
    stage.stop("old", old).await;
    stage.stop("new", new).await;
    stage.close().await;
}
