use rand::RngExt;

use crate::prove::{account::Account, person::Person};

/// Somebody who guesses the passwords of an account, several at a time, and whose account it is. Its owner has a device
/// that is known, and mistypes at times.
pub struct Guesser {
    person: Person,
    account: Account,
    /// Whether a guess is right at times, which forgives the others.
    guesses_right: bool,
}

impl Guesser {
    pub async fn enter(mut person: Person, guesses_right: bool) -> Option<Self> {
        let account = Account::register(&mut person).await?;
        Some(Self { person, account, guesses_right })
    }

    pub fn email(&self) -> String {
        self.account.email.clone()
    }

    pub async fn work(mut self) {
        while self.person.goes_on() {
            let wrong =
                [0, 1, 2].map(|_| self.account.sign_in_with(&format!("wrong {}", self.person.key()), Some(false)));
            let servers = [0, 1, 2].map(|_| self.person.server());
            match self.person.random.random_range(0..if self.guesses_right { 13 } else { 10 }) {
                0..6 => {
                    self.person.ask_at(servers[0], &wrong[0]).await;
                }
                6 => {
                    let guesses = |n: usize| self.person.ask_at(servers[n], &wrong[n]);
                    tokio::join!(guesses(0), guesses(1), guesses(2));
                }
                7 => {
                    let mistyped = self.account.sign_in_from_device("mistyped password", Some(false));
                    self.person.ask_at(servers[0], &mistyped).await;
                }
                8 | 9 => {
                    let known = self.account.sign_in_from_device(&self.account.password, Some(true));
                    self.person.ask_at(servers[0], &known).await;
                }
                _ => {
                    let right = self.account.sign_in_with(&self.account.password, Some(true));
                    self.person.ask_at(servers[0], &right).await;
                }
            }
            self.person.think(1500).await;
        }
    }
}
