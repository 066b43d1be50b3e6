use std::{sync::Arc, time::Duration};

use comanda_proof::StreamMessage;
use comanda_tests::{Client, EventStream, Told};
use rand::RngExt;
use tokio::sync::watch;

use crate::prove::{
    account::Account,
    history::Place,
    person::{Call, Credential, Person},
    shown,
};

/// A screen in the kitchen, which shows tickets as they change and comes again when it is cut off.
pub struct Board {
    person: Person,
    account: Account,
    closing: watch::Receiver<bool>,
}

impl Board {
    const PATH: &str = "/v1/kitchen/events";

    /// It stays until `closing`: everybody else goes home first.
    pub async fn enter(mut person: Person, closing: watch::Receiver<bool>) -> Option<Self> {
        let (email, password) = person.scene.admin.clone();
        let mut account = Account::known(&email, &password);
        account.sign_in(&mut person).await?;
        Some(Self { person, account, closing })
    }

    pub async fn work(mut self) {
        let mut last = None;
        while !*self.closing.borrow() {
            let server = self.person.server();
            // It is switched off now and then, so that it has to go on after the last event.
            let on_for = Duration::from_millis(self.person.random.random_range(500..8000));
            let mut closing = self.closing.clone();
            let goes_on = self.person.goes_on();
            let off = async {
                tokio::select! {
                    _ = closing.wait_for(|closing| *closing) => {}
                    () = tokio::time::sleep(on_for), if goes_on => {}
                }
            };
            let ended = watch(&mut self.person, server, Self::PATH, &self.account.credential, &mut last, off).await;
            if ended == Ended::Unauthenticated && self.account.sign_in(&mut self.person).await.is_none() {
                return;
            }
            self.person.think(100).await;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Unauthenticated,
    Otherwise,
}

/// Watches something new for up to two seconds.
pub async fn watch_for_a_while(person: &mut Person, server: usize, path: &str, credential: &Credential) {
    let time = Duration::from_millis(person.random.random_range(100..2000));
    watch(person, server, path, credential, &mut None, tokio::time::sleep(time)).await;
}

/// Writes down what a stream says, until it ends or `off` does.
async fn watch(
    person: &mut Person,
    server: usize,
    path: &str,
    credential: &Credential,
    last: &mut Option<String>,
    off: impl Future<Output = ()>,
) -> Ended {
    let scene = Arc::clone(&person.scene);
    let client = Client::anonymous(&format!("http://{}", scene.addresses[server])).with_token(&credential.token);
    let place = Place { client: person.client, server: scene.process(server) };
    let mut call = Call::get(path).by(credential);
    call.tag.clone_from(last);
    let begun = scene.history.begin();
    tokio::pin!(off);
    let opened = tokio::select! {
        opened = EventStream::attempt(&client, path, last.as_deref()) => opened,
        () = &mut off => return Ended::Otherwise,
    };
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(refusal) => {
            scene.history.refuse(begun, place, &call, refusal);
            return if refusal == Some(401) { Ended::Unauthenticated } else { Ended::Otherwise };
        }
    };
    let stream_number = begun.sequence;
    scene.history.tell(begun, place, &call, stream_number, StreamMessage::Opened { resumed: last.is_some() });
    let tell = |message| scene.history.tell(scene.history.begin(), place, &call, stream_number, message);
    loop {
        let told = tokio::select! {
            told = stream.event() => told,
            () = &mut off => break,
        };
        let (name, id, data) = match told {
            Told::Event { name, id, data } => (name, id, data),
            Told::Comment | Told::Retry(_) => continue,
            Told::End => break,
        };
        let shown = shown::message(&data);
        tell(match name.as_str() {
            "reset" => StreamMessage::Reset,
            "snapshot" => StreamMessage::Snapshot(shown),
            _ => StreamMessage::Changed(shown),
        });
        if id.is_some() {
            *last = id;
        }
    }
    tell(StreamMessage::Closed);
    Ended::Otherwise
}
