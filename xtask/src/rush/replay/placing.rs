//! Placing the orders of a file, and what must be true afterwards.

use hyper::body::Bytes;

use super::{
    Replay,
    served::Served,
    sold::{Sold, expected_lines},
};
use crate::rush::{
    balanced,
    customers::{Customers, Tally},
    report,
    stage::Stage,
    totals::Totals,
    verdict,
};

const SHORT: &str = "409 insufficient-stock";

pub async fn replay_orders(stage: &Stage, customers: &Customers, replay: Replay) -> anyhow::Result<bool> {
    let mut served = Served::add(stage, &replay).await?;
    let (items, options, lists) = (replay.items.len(), replay.options.len(), replay.price_lists.len());
    let groups = replay.groups().len();
    println!("{items} menu items, {options} options in {groups} groups, {lists} price lists");
    println!("In stock is exactly what {} orders need{}", replay.orders.len(), exceptions(&replay));
    let tally = place(stage, customers, &replay, &mut served).await?;
    report(&tally);
    let totals = Totals::read(stage, customers, &served.items).await?;
    println!("{totals}");
    let sold = Sold::read(stage, &served).await?;

    let as_expected = if replay.is_short() {
        sold_as_far_as_possible(&replay, &served, &tally, &sold)?
    } else {
        let all_sold = sold_completely(&replay, &served, &tally, &totals, &sold)?;
        all_sold & one_more_is_refused(customers, &replay, &served).await?
    };
    served.archive(stage).await?;
    Ok(balanced(stage, &tally, &totals) && as_expected)
}

fn exceptions(replay: &Replay) -> String {
    let short = replay.options.iter().filter(|option| option.stock < option.ordered);
    let exceptions =
        short.map(|option| format!(", but {} of {} portions of {}", option.stock, option.ordered, option.name));
    exceptions.collect::<Vec<_>>().concat()
}

/// One price list after the other.
async fn place(stage: &Stage, customers: &Customers, replay: &Replay, served: &mut Served) -> anyhow::Result<Tally> {
    let mut tally = Tally::empty()?;
    for (n, list) in replay.price_lists.iter().enumerate() {
        served.reprice(stage, replay, list).await?;
        println!("Price list {}: {} orders", n + 1, list.orders.len());
        let body = |order: &usize| replay.orders[*order].body(&served.items.ids, &served.options);
        let bodies: Vec<Bytes> = list.orders.iter().map(body).collect();
        tally.continue_with(&customers.buy(move |n| bodies.get(n).cloned(), true).await?)?;
    }
    Ok(tally)
}

fn sold_completely(
    replay: &Replay,
    served: &Served,
    tally: &Tally,
    totals: &Totals,
    sold: &Sold,
) -> anyhow::Result<bool> {
    let (orders, units, revenue) = (replay.orders.len() as u64, replay.units(), replay.revenue()?);
    let all_placed = tally.placed == orders
        && (totals.orders, totals.units, totals.revenue) == (orders, units, revenue)
        && totals.sold_out == replay.items.len() as u64;
    let sold_out = replay
        .options
        .iter()
        .zip(&sold.options)
        .all(|(option, sold)| (sold.portions, sold.left) == (option.ordered, 0));
    let portions: usize = sold.options.iter().map(|option| option.portions).sum();
    Ok(verdict(all_placed, "all orders were placed, all menu items are sold out, and the total is the file's")
        & verdict(sold.lines == expected_lines(replay, served)?, "every line cost what it costs in the file")
        & verdict(sold_out, &format!("{portions} portions of options were sold, and of no supply is anything left")))
}

/// Every shortage is to be named at once, of menu items and of supplies.
async fn one_more_is_refused(customers: &Customers, replay: &Replay, served: &Served) -> anyhow::Result<bool> {
    let (items, options) = (&served.items.ids, &served.options);
    let of_items = (0..items.len()).map(|item| replay.first_line(|line| line.item == item));
    let of_options = (0..options.len()).map(|option| replay.first_line(|line| line.chosen.contains_key(&option)));
    let lines = of_items.chain(of_options).collect::<anyhow::Result<Vec<_>>>()?;
    let bodies: Vec<Bytes> = lines.iter().map(|line| line.one_more(items, options)).collect();
    let expected = bodies.len() as u64;
    let tally = customers.buy(move |n| bodies.get(n).cloned(), false).await?;
    let refused = tally.refusals.get(SHORT).copied().unwrap_or(0);
    let named = served.supplies.iter().enumerate().all(|(option, supply)| {
        let having = lines.iter().filter(|line| line.chosen.contains_key(&option)).count() as u64;
        tally.short_supplies.get(&supply.name).is_some_and(|short| short.refusals == having)
    });
    let what = format!("one more of each menu item and of each option: {refused} of {expected} refused");
    Ok(verdict(tally.placed == 0 && refused == expected, &what)
        & verdict(named, "every refusal names the supply of every option in it"))
}

/// A refused order leaves what else it would have taken, so that only what is short has to be sold: as far as orders
/// asked for no more than there was.
fn sold_as_far_as_possible(replay: &Replay, served: &Served, tally: &Tally, sold: &Sold) -> anyhow::Result<bool> {
    let refused: u64 = tally.refusals.values().sum();
    let answered = tally.placed + refused == replay.orders.len() as u64
        && tally.refusals.get(SHORT) == Some(&refused)
        && tally.refused_for_supplies == refused;
    let mut holds = verdict(answered, &format!("{refused} orders were refused, and every refusal names what is short"));

    let (mut only_these, mut balanced) = (true, true);
    for ((option, sold), supply) in replay.options.iter().zip(&sold.options).zip(&served.supplies) {
        let short = tally.short_supplies.get(&supply.name);
        balanced &= sold.portions + sold.left == option.stock;
        if option.stock == option.ordered {
            only_these &= short.is_none();
            continue;
        }
        let (stock, ordered, name) = (option.stock, option.ordered, &option.name);
        let least = short.map(|short| short.least_requested);
        let exhausted = least.is_none_or(|least| (sold.left as u64) < least);
        let refusals = short.map_or(0, |short| short.refusals);
        let what = format!(
            "{} portions of {name} were sold, of {stock} in stock and {ordered} ordered; {refusals} refusals name it",
            sold.portions
        );
        holds &= verdict(exhausted && sold.portions + sold.left == stock, &what);
    }
    let expected = expected_lines(replay, served)?;
    let as_in_file =
        sold.lines.iter().all(|(line, count)| expected.get(line).is_some_and(|expected| count <= expected));
    Ok(holds
        & verdict(only_these && balanced, "nothing else was short, and every supply has what was not sold of it")
        & verdict(as_in_file, "every line cost what it costs in the file"))
}
