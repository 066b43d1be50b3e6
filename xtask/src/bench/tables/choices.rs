use std::sync::Arc;

use super::{
    memory::most_memory,
    reads::{Specimen, Wrk},
};
use crate::{
    bench::{
        choices::{Choices, Chosen, add_many},
        database,
        demand::Demand,
        ground::Ground,
        page::{figure::Figure, table::Table},
    },
    rush::customers::Tally,
};

const CUSTOMERS: usize = 32;

/// Orders with choices, the menu that shows them, and what they take of memory.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server, 32 customers, three dishes each. Every dish has a group of 33 options, each of which takes \
                of a supply of its own; as in the orders that `cargo xtask rush --replay` is made for, 73 % of the \
                lines have choices, five each. *Many* definitions are 10,000 ingredients and 1,000 options of another \
                thousand dishes. Memory is that of a server after 128 customers with choices and with many \
                definitions, compared with one whose menu has neither.";
    let mut table = Table::new("Choices", note);
    ground.renew(0).await?;
    let plain = ground.copy("plain").await?;
    let few = ground.copy("few").await?;
    let choices = Arc::new(Choices::add(&few, &ground.kitchen).await?);
    let many = database::copy(&few, "many").await?;
    add_many(&many).await?;
    let wrk = Wrk::new(ground)?;
    for _ in 0..ground.terms.times() {
        ground.use_database(&few);
        ground.open(1).await?;
        record_choices(&mut table, ground, &choices).await?;
        let menu = format!("http://{}/v1/menu", ground.stage.addresses[0]);
        let menu = Specimen::take(&menu, &["accept-encoding: gzip"])?;
        menu.record(&mut table, &wrk, "GET /v1/menu with choices, gzip", 0.9).await?;
        let of_few = chosen(ground, &choices, &Demand::spread(), Chosen::Often, CUSTOMERS).await?.placed_per_second();
        ground.use_database(&many);
        ground.open(1).await?;
        let of_many = chosen(ground, &choices, &Demand::spread(), Chosen::Often, CUSTOMERS).await?;
        let figure = Figure::orders("with choices, many definitions", &of_many);
        table.record(figure.beside("few definitions", of_few).at_least(0.95))?;
        record_memory(&mut table, ground, &choices, &plain, &many).await?;
    }
    Ok(table)
}

async fn record_choices(table: &mut Table, ground: &Ground, choices: &Arc<Choices>) -> anyhow::Result<()> {
    let (spread, hot) = (Demand::spread(), Demand::hot());
    let without = ground.orders(CUSTOMERS, &spread).await?.placed_per_second();
    let with = chosen(ground, choices, &spread, Chosen::Often, CUSTOMERS).await?;
    table.record(Figure::orders("with choices", &with).beside("without", without).at_least(0.7))?;
    let dish = ground.orders(CUSTOMERS, &hot).await?.placed_per_second();
    let option = chosen(ground, choices, &spread, Chosen::One, CUSTOMERS).await?;
    table.record(Figure::orders("one hot option", &option).beside("one hot dish", dish).at_least(0.85))
}

/// Against servers that are opened anew: the most memory that one has had never becomes less.
async fn record_memory(
    table: &mut Table,
    ground: &mut Ground,
    choices: &Arc<Choices>,
    plain: &str,
    many: &str,
) -> anyhow::Result<()> {
    const CUSTOMERS: usize = 128;
    ground.use_database(plain);
    ground.open(1).await?;
    ground.orders(CUSTOMERS, &Demand::spread()).await?;
    let without = most_memory(ground)?;
    ground.use_database(many);
    ground.open(1).await?;
    chosen(ground, choices, &Demand::spread(), Chosen::Often, CUSTOMERS).await?;
    let figure = Figure::new("memory, with choices and many definitions", "MiB", most_memory(ground)?);
    table.record(figure.more_than("with neither", without).at_most(10.0))
}

async fn chosen(
    ground: &Ground,
    choices: &Arc<Choices>,
    demand: &Demand,
    chosen: Chosen,
    customers: usize,
) -> anyhow::Result<Tally> {
    let (choices, demand) = (Arc::clone(choices), demand.clone());
    let basket = move || choices.basket(&demand, chosen);
    let tallies = ground.kitchen.serve_baskets(&ground.customers(customers)?, basket, ground.terms.window()).await?;
    Tally::sum(tallies.values())
}
