use std::{
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use comanda_proof::{Caller, ClientId, Folder, Request, WebhookEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use super::{
    account::{Account, Kept},
    ground::Ground,
    history::{History, Place},
    logs,
    pantry::Pantry,
    people::{Admin, Board, Cook, Customer, Floater, Guesser, Importer, Reader, Staff, Thief, What},
    person::Person,
    plan::Plan,
    scene::Scene,
    settle::settle,
    shown, tables,
};
use crate::{comanda, faults::strike::connect, receiver::Receiver, rush::stage::Stage};

const CUSTOMERS: usize = 18;
/// Who order with a browser.
const WEB_CUSTOMERS: usize = 6;
const STAFF: usize = 5;
const COOKS: usize = 3;
const BOARDS: usize = 4;
const READERS: usize = 3;
const FLOATERS: usize = 3;
const GUESSERS: usize = 3;
const THIEVES: usize = 2;

/// How long whoever is in the middle of something may take to end it.
const CLOSING_TIME: Duration = Duration::from_mins(2);

/// What a run was, and what was noticed besides its calls.
#[derive(Serialize, Deserialize)]
pub struct Summary {
    pub command: String,
    pub seconds: u64,
    pub calls: u64,
    /// Of streams and webhooks.
    pub messages: u64,
    /// By what they were and by what became of them.
    pub counts: Vec<(String, String, u64)>,
    /// In words.
    pub faults: Vec<String>,
    pub complaints: Vec<String>,
    /// A fault that was planted, which must be found.
    #[serde(default)]
    pub planted: Option<String>,
}

impl Summary {
    pub const FILE: &str = "summary.json";
}

/// One run, and where it is recorded.
pub struct Run {
    plan: Plan,
    folder: PathBuf,
}

impl Run {
    pub fn new(plan: Plan, folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { plan, folder: folder.to_owned() })
    }

    pub async fn carry_out(self) -> anyhow::Result<()> {
        let next = "starting PostgreSQL and Redis";
        let features: &[&str] = if self.plan.planted.is_some() { &["planted"] } else { &[] };
        let program = comanda::build_with(features, self.plan.profile, next)?;
        let receiver = Receiver::bind()?;
        let command = self.plan.command();
        let mut ground = Ground::prepare(Stage::of_program("prove", &program)?, &self.plan, &receiver).await?;
        let history = Arc::new(History::create(&self.folder.join(Folder::HISTORY))?);
        let admin = ground.stage.admin_login();
        let scene = Arc::new(Scene::new(self.plan, ground.addresses(), Arc::clone(&history), admin));
        let noted = Arc::clone(&history);
        tokio::spawn(receiver.serve(move |body| note(body, &noted)));

        let (closing, closed) = watch::channel(false);
        let mut crew = Crew::gather(&scene, &closed).await?;
        for (name, what) in [("importer", What::Supplies), ("menu-importer", What::Menu)] {
            let person = Person::new(&scene, name.to_owned());
            let importer = Importer::enter(person, ground.stage.comanda.clone(), what, &self.folder);
            crew.people.spawn(importer.work());
        }
        let begin = Instant::now();
        println!("at work; the servers log to {}", ground.logs.display());
        for planned in &scene.plan.strikes {
            tokio::time::sleep_until((begin + planned.after).into()).await;
            println!("{:>5.1} s: {}", begin.elapsed().as_secs_f64(), planned.strike);
            ground.strike(planned, &scene).await?;
        }
        tokio::time::sleep_until((begin + scene.plan.length).into()).await;
        scene.end();
        let mut complaints = crew.go_home().await;
        println!("settling");
        ground.ensure_alive()?;
        let mut client = connect(&ground.database_url).await?;
        complaints.extend(settle(&client).await?.into_iter().map(|what| format!("in the end there were {what}")));
        tokio::time::sleep(tables::SHOWN_WITHIN).await;
        let tables = tables::read(&mut client, history.now(), tables::settings_of_run()).await?;
        closing.send_replace(true);
        logs::note_outages(&ground.logs, &ground.stage.addresses, &scene)?;
        fs::write(self.folder.join(Folder::TABLES), serde_json::to_string(&tables)?)?;
        let (counts, noticed) = history.finish()?;
        complaints.extend(noticed);
        let check = ground.stage.comanda.command(&["check"]).env("DATABASE_URL", &ground.database_url).output()?;
        if !check.status.success() {
            complaints.push(format!("comanda check: {}", String::from_utf8_lossy(&check.stdout)));
        }
        let is_message = |what: &str| what.starts_with("stream ") || what.starts_with("webhook ");
        let of = |kind: &dyn Fn(&str) -> bool| -> u64 {
            counts.iter().filter(|((what, _), _)| kind(what)).map(|(_, count)| count).sum()
        };
        let messages = of(&is_message);
        let calls = of(&|what| !is_message(what) && what != "fault");
        let counts = counts.into_iter().map(|((what, outcome), count)| (what, outcome, count)).collect();
        let faults = scene.plan.strikes.iter().map(|planned| planned.strike.to_string()).collect();
        let seconds = scene.plan.length.as_secs();
        let planted = scene.plan.planted.clone();
        let summary = Summary { command, seconds, calls, messages, counts, faults, complaints, planted };
        fs::write(self.folder.join(Summary::FILE), serde_json::to_string_pretty(&summary)?)?;
        // Connections through the proxies end with the servers.
        ground.stage.servers.clear();
        Ok(())
    }
}

/// Everybody at work.
struct Crew {
    people: JoinSet<()>,
    boards: JoinSet<()>,
}

impl Crew {
    async fn gather(scene: &Arc<Scene>, closing: &watch::Receiver<bool>) -> anyhow::Result<Self> {
        let person = |name: String| Person::new(scene, name);
        let over = "the servers do not respond";
        let mut founder = person("founder".to_owned());
        let mut account = Account::known(&scene.admin.0, &scene.admin.1);
        account.sign_in(&mut founder).await.context(over)?;
        let pantry = Arc::new(Pantry::stock(&mut founder, &account).await?);
        let appoints = account.credential.clone();

        // They begin when all are there: whoever works already would keep the others from entering.
        let (mut people, mut boards) = (Shift::default(), Shift::default());
        let (mut floaters, mut addresses) = (Vec::new(), Vec::new());
        for n in 0..FLOATERS {
            let floater = Floater::enter(person(format!("floater-{n}"))).await.context(over)?;
            floaters.push(floater.id());
            addresses.push(floater.email());
            people.join(floater.work());
        }
        for n in 0..GUESSERS {
            let guesser = Guesser::enter(person(format!("guesser-{n}")), n > 0).await.context(over)?;
            addresses.push(guesser.email());
            people.join(guesser.work());
        }
        for n in 0..STAFF {
            let staff =
                Staff::enter(person(format!("staff-{n}")), Arc::clone(&pantry), &appoints).await.context(over)?;
            people.join(staff.work());
        }
        for n in 0..COOKS {
            let cook = Cook::enter(person(format!("cook-{n}")), &appoints).await.context(over)?;
            people.join(cook.work());
        }
        for (name, kept, count) in
            [("customer", Kept::InTokens, CUSTOMERS), ("web-customer", Kept::InCookies, WEB_CUSTOMERS)]
        {
            let customers: JoinSet<_> =
                (0..count).map(|n| Customer::enter(person(format!("{name}-{n}")), Arc::clone(&pantry), kept)).collect();
            for customer in customers.join_all().await {
                people.join(customer.context(over)?.work());
            }
        }
        for n in 0..THIEVES {
            let thief = Thief::enter(person(format!("thief-{n}")), person(format!("robbed-{n}")));
            people.join(thief.await.context(over)?.work());
        }
        for n in 0..READERS {
            people.join(Reader::enter(person(format!("reader-{n}"))).work());
        }
        for n in 0..BOARDS {
            let board = Board::enter(person(format!("board-{n}")), closing.clone()).await.context(over)?;
            boards.join(board.work());
        }
        people.join(Admin::enter(founder, account, floaters, addresses).work());
        Ok(Self { people: people.begin(), boards: boards.begin() })
    }

    /// Waits for everybody, but for the boards, which stay. Says who panicked, or does not come.
    async fn go_home(mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        let deadline = tokio::time::Instant::now() + CLOSING_TIME;
        loop {
            match tokio::time::timeout_at(deadline, self.people.join_next()).await {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(error))) => complaints.push(format!("somebody panicked: {error}")),
                Ok(None) => break,
                Err(_) => {
                    complaints.push(format!("{} people still wait for a response", self.people.len()));
                    break;
                }
            }
        }
        self.boards.detach_all();
        complaints
    }
}

/// Those who wait to begin.
#[derive(Default)]
struct Shift(Vec<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Shift {
    fn join(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.push(Box::pin(work));
    }

    fn begin(self) -> JoinSet<()> {
        self.0.into_iter().collect()
    }
}

/// An event that was delivered.
fn note(body: &[u8], history: &History) {
    match event_of(body) {
        Some(event) => {
            let place = Place { client: ClientId(0), server: None };
            history.receive(place, Caller::Receiver, Request::Webhook(event));
        }
        None => history.complain(format!("no event of the contract: {}", String::from_utf8_lossy(body))),
    }
}

fn event_of(body: &[u8]) -> Option<WebhookEvent> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let of_order = event["type"].as_str()?.starts_with("order.");
    let data = |name: &str| Some(event["data"][name].clone()).filter(|_| of_order);
    Some(WebhookEvent {
        receiver: super::RECEIVER.to_owned(),
        id: serde_json::from_value(event["id"].clone()).ok()?,
        kind: event["type"].as_str()?.to_owned(),
        subject: serde_json::from_value(event["subject"].clone()).ok()?,
        time_ms: shown::milliseconds(&event["time"])?,
        status: data("status").and_then(|status| serde_json::from_value(status).ok()),
        version: data("version").and_then(|version| serde_json::from_value(version).ok()),
        payment: serde_json::from_value(event["data"]["payment"]["id"].clone()).ok(),
    })
}
