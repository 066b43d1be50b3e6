//! `cargo xtask crashes`: crashes PostgreSQL under load, again and again, and checks from outside that nothing is lost
//! that was confirmed, and that nothing was announced that is not there.

mod line;
mod page;
mod people;
mod round;
mod seen;
mod tables;

use std::{
    fs,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use comanda_tests::{FaultyProxy, Power};
use hyper::Method;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::{sync::watch, task::JoinSet};

use self::{
    people::{Customer, Door, Shop},
    round::{Crash, Rounds},
    seen::Seen,
};
use crate::{
    build::Profile,
    faults::{customer::sign_up, strike::connect},
    project,
    receiver::Receiver,
    rush::{menu_items::MenuItems, stage::Stage},
    services,
};

#[derive(Args)]
pub struct CrashesArguments {
    /// How many times
    #[arg(long, default_value_t = 10)]
    times: u32,
    /// Every second time with the power lost, too: whatever PostgreSQL has not flushed is gone
    #[arg(long)]
    power_loss: bool,
    /// A setting of PostgreSQL, such as `synchronous_commit=off`, with which orders must be found lost
    #[arg(long, value_name = "NAME=VALUE")]
    setting: Vec<String>,
    /// The seed of a run that failed, to repeat its random choices
    #[arg(long)]
    seed: Option<u64>,
}

/// From how many rounds on the page is written.
const ENOUGH: u32 = 100;

/// How long a flush of the log takes. Most crashes come in the middle of one, so whoever announces what is not flushed
/// is caught.
const FLUSH_DELAY_US: &str = "1000";

const CUSTOMERS: usize = 16;
/// Customers whose lists somebody watches.
const WATCHED: usize = 4;

/// What was seen, by somebody who may have panicked meanwhile.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event that was delivered.
fn note(body: &[u8], seen: &Mutex<Seen>) {
    let mut seen = lock(seen);
    let received = serde_json::from_slice(body).map_err(anyhow::Error::from).and_then(|event| seen.receive(&event));
    if let Err(error) = received {
        seen.complain(&format!("no event of the contract: {error:#}"));
    }
}

pub async fn run(arguments: &CrashesArguments) -> anyhow::Result<ExitCode> {
    // So that no token expires meanwhile.
    ensure!((1..=500).contains(&arguments.times), "--times must be between 1 and 500");
    let seed = arguments.seed.unwrap_or_else(|| rand::rng().random());
    println!("seed {seed}");
    let known: Arc<Mutex<Seen>> = Arc::default();
    let mut stage = Stage::own("crashes", Profile::Development, 0)?;
    let power = feed(&mut stage, &arguments.setting).await?;
    let direct = stage.database_url()?.to_owned();
    let proxy = FaultyProxy::to(&direct).await;
    let settings = [
        ("DATABASE_URL", proxy.url.clone()),
        ("ACCESS_TOKEN_SECONDS", "3600".to_owned()),
        // So that every batch is committed before it is on disk, and a crash can undo it.
        ("EARLY_LOCK_RELEASE", "always".to_owned()),
        // What each crash makes them say is known.
        ("LOG", "error".to_owned()),
    ];
    stage.comanda.settings.extend(settings.map(|(name, value)| (name.to_owned(), value)));
    let receiver = Receiver::bind()?;
    stage.comanda.settings.extend(receiver.settings("witness"));
    let noted = Arc::clone(&known);
    tokio::spawn(receiver.serve(move |body| note(body, &noted)));
    // No other receiver.
    stage.comanda.settings.remove("MAIL_FOLDER");
    stage.open(2)?;

    let (door, entrance) = watch::channel(Door::Closed);
    let (shop, mut people) = gather(&stage, &known, entrance, seed).await?;
    let witness = sign_up(&stage.addresses[0]).await?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut rounds = Rounds::begin(&stage, &direct, proxy, power, witness, &shop).await?;
    for number in 1..=arguments.times {
        let crash = if arguments.power_loss && number % 2 == 0 { Crash::PowerLost } else { Crash::Killed };
        door.send_replace(Door::Open(number));
        tokio::time::sleep(Duration::from_millis(random.random_range(500..2500))).await;
        let begin = Instant::now();
        rounds.crash(&mut stage, crash, &door).await.with_context(|| format!("round {number}, seed {seed}"))?;
        while let Some(ended) = people.try_join_next() {
            ended?.context("somebody at work")?;
        }
        let complaints = lock(&known).complaints.len();
        println!(
            "round {number}: {}, {:.1} s in all; {complaints} complaints",
            rounds.last(),
            begin.elapsed().as_secs_f64()
        );
    }
    rounds.until_delivered(&shop, &door).await?;
    door.send_replace(Door::Over);
    while let Some(ended) = people.join_next().await {
        ended?.context("somebody at work")?;
    }
    rounds.settle(&direct).await?;
    stage.servers.clear();

    let table = rounds.table();
    println!("\n{table}");
    if arguments.power_loss && arguments.times >= ENOUGH && arguments.setting.is_empty() {
        page::write(&project::root().join("docs/crashes.md"), &table, arguments.times, seed, &rounds.server_version)?;
    }
    let complaints = std::mem::take(&mut lock(&known).complaints);
    if complaints.is_empty() && rounds.holds() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("seed {seed}:\n{}", rounds.faults().chain(complaints).collect::<Vec<_>>().join("\n"));
    Ok(ExitCode::FAILURE)
}

/// Starts PostgreSQL once more, on a disk that can lose power, and with so many checkpoints that crashes meet them.
async fn feed(stage: &mut Stage, settings: &[String]) -> anyhow::Result<Power> {
    let shim = services::disk_shim(Profile::Development)?;
    let postgres = stage.services.as_mut().and_then(|services| services.postgres.as_mut());
    let postgres = postgres.context("crashes need a PostgreSQL of their own")?;
    let client = connect(&postgres.url("comanda")).await?;
    let ours = ["checkpoint_timeout=30s", "max_wal_size=64MB", "min_wal_size=32MB"];
    for setting in ours.into_iter().chain(settings.iter().map(String::as_str)) {
        let (name, value) = setting.split_once('=').with_context(|| format!("{setting} is not NAME=VALUE"))?;
        client.batch_execute(&format!("ALTER SYSTEM SET {name} = '{value}'")).await?;
    }
    drop(client);
    postgres.stop()?;
    let undo = postgres.make_folder("undo")?;
    // Whatever is built meanwhile, and whoever PostgreSQL runs as.
    let kept = postgres.folder.join("disk_shim.so");
    fs::copy(&shim, &kept).with_context(|| format!("cannot copy {}", shim.display()))?;
    let power = Power::of(kept, &postgres.folder.join("data"), &undo)?;
    let on_this_disk =
        [("COMANDA_FLUSHES_ARE_STAGED", "yes".into()), ("COMANDA_FLUSH_DELAY_US", FLUSH_DELAY_US.into())];
    postgres.set_environment(power.variables().map(|(name, path)| (name, path.into())).into_iter().chain(on_this_disk));
    postgres.start_again()?;
    Ok(power)
}

/// Has these menu items offer a few options; returns their ids.
async fn offer_options(stage: &Stage, items: &[String]) -> anyhow::Result<Vec<String>> {
    let (mut connection, admin) = stage.as_admin().await?;
    let option = |n: u32| json!({ "name": format!("Extra {n}"), "price": { "amount": 70 + n, "currency": "EUR" } });
    let group = json!({ "name": "Extras", "options": (0..3).map(option).collect::<Vec<_>>() });
    let group = connection.post("/v1/menu/option-groups", Some(&admin), &group).await?.expect(201)?;
    let offer = json!([{ "group_id": group["id"], "min": 0, "max": 2 }]);
    for item in items {
        let path = format!("/v1/menu/items/{item}/option-groups");
        connection.change(Method::PUT, &path, &admin, &offer).await?.expect(200)?;
    }
    let options = group["options"].as_array().context("options")?.iter();
    options.map(|option| option["id"].as_str().map(str::to_owned).context("an id")).collect()
}

/// Opens the shop, with everybody before its door.
async fn gather(
    stage: &Stage,
    known: &Arc<Mutex<Seen>>,
    door: watch::Receiver<Door>,
    seed: u64,
) -> anyhow::Result<(Arc<Shop>, JoinSet<anyhow::Result<()>>)> {
    let plenty = MenuItems::add(stage, "Plenty", (0..20).map(|n| (format!("Item {n}"), 1000 + n, 1_000_000))).await?;
    let little = MenuItems::add(stage, "Little", (0..4).map(|n| (format!("Hot {n}"), 900 + n, 50))).await?;
    let options = offer_options(stage, &plenty.ids).await?;
    let (_, admin) = stage.as_admin().await?;
    let (addresses, known) = (stage.addresses.clone(), Arc::clone(known));
    let shop = Arc::new(Shop { addresses, spread: plenty.ids, hot: little.ids, options, admin, seen: known, door });
    let mut people = JoinSet::new();
    for n in 0..CUSTOMERS {
        let token = sign_up(&stage.addresses[0]).await?;
        if n < WATCHED {
            people.spawn(people::watch_orders(Arc::clone(&shop), n, token.clone()));
        }
        people.spawn(Customer::new(&shop, n, token, seed).order());
    }
    for n in 0..stage.addresses.len() {
        people.spawn(people::watch_menu(Arc::clone(&shop), n));
    }
    Ok((shop, people))
}
