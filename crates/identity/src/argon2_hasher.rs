use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        PasswordVerifier as _,
        phc::{self, Output, ParamsString, Salt},
    },
};
use async_trait::async_trait;
use comanda_domain::{
    ClientNetwork, Password, PasswordHash,
    ports::{HashPasswordError, PasswordHasher, Unavailable, Verification},
};
use comanda_task::Panic;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    fair_queue::{Entry, FairQueue},
    on_behalf::client,
};

/// Is given the function, or nothing if it has to make room for somebody else.
type Job = Box<dyn FnOnce(Option<&mut Argon2id>) + Send>;

/// Whose passwords wait together: those of one IPv4 address, or of one /48 network, which is what a provider gives to
/// one customer at most. `None`: the server's own.
type Group = Option<IpAddr>;

fn group_of(client: Option<ClientNetwork>) -> Group {
    client.map(|client| match client.address() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 80 << 80).into()),
        v4 @ IpAddr::V4(_) => v4,
    })
}

/// The passwords that wait.
struct Waiting {
    jobs: Mutex<FairQueue<Group, Job>>,
    /// As many permits as there are jobs. Closed when no more can come.
    ready: Semaphore,
}

impl Waiting {
    fn push(&self, job: Job) {
        let group = group_of(client());
        let entry = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(group, job);
        match entry {
            Entry::Waits => self.ready.add_permits(1),
            Entry::Replaced(other) => other(None),
            Entry::Refused(job) => job(None),
        }
    }

    /// `None`: there are no more, and no more can come.
    async fn next(&self) -> Option<Job> {
        if let Ok(ready) = self.ready.acquire().await {
            ready.forget();
        }
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Argon2id with OWASP's first choice of parameters: 19 MiB, 2 passes, 1 lane
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>), which are the crate's
/// defaults.
///
/// A password waits in a queue until a [`HashingThread`] takes it. Clients are served in turn, however many passwords
/// each of them sends; see [`hashing_for`](crate::hashing_for). When the queue is full, whoever waits with the most
/// others of the same client gets [`HashPasswordError::Busy`].
pub struct Argon2Hasher {
    waiting: Arc<Waiting>,
    /// Stands in where there is no hash, so that an unknown address takes as long as a known one.
    nobody: PasswordHash,
}

/// What hashes the passwords that wait. Each clone hashes one at a time.
#[derive(Clone)]
pub struct HashingThread {
    waiting: Arc<Waiting>,
}

impl HashingThread {
    /// Hashes until the hasher is dropped; calls `on_success` after every password. Hashing does not yield, so this
    /// belongs on a thread of its own. It may be dropped while it waits, and run again after a panic.
    pub async fn run(&self, mut on_success: impl FnMut()) {
        let mut argon2 = Argon2id::default();
        while let Some(job) = self.waiting.next().await {
            job(Some(&mut argon2));
            on_success();
        }
    }
}

impl Argon2Hasher {
    /// At most `queue` passwords wait, and at least one may. They are hashed only while a [`HashingThread`] runs.
    pub fn new(queue: usize) -> Result<(Self, HashingThread), Unavailable> {
        let waiting = Arc::new(Waiting { jobs: Mutex::new(FairQueue::new(queue.max(1))), ready: Semaphore::new(0) });
        let nobody = Argon2id::default().hash(b"no account has this password")?;
        Ok((Self { waiting: Arc::clone(&waiting), nobody }, HashingThread { waiting }))
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Argon2id) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, HashPasswordError> {
        let (sender, result) = oneshot::channel();
        let job = move |argon2: Option<&mut Argon2id>| {
            // The client may have hung up meanwhile.
            if !sender.is_closed() {
                // If it has, the panic is reported here. The thread goes on.
                let _ = sender.send(Panic::catch(|| -> Result<T, HashPasswordError> {
                    Ok(work(argon2.ok_or(HashPasswordError::Busy)?)?)
                }));
            }
        };
        self.waiting.push(Box::new(job));
        match result.await.map_err(Unavailable::new)? {
            Ok(outcome) => outcome,
            Err(panic) => panic.resume(),
        }
    }
}

impl Drop for Argon2Hasher {
    fn drop(&mut self) {
        self.waiting.ready.close();
    }
}

/// The function and its working memory, which is kept: allocating and freeing 19 MiB per password fragments the heap by
/// hundreds of MiB.
struct Argon2id {
    function: Argon2<'static>,
    memory: Vec<Block>,
}

impl Default for Argon2id {
    fn default() -> Self {
        let function = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let memory = vec![Block::default(); function.params().block_count()];
        Self { function, memory }
    }
}

impl Argon2id {
    fn hash(&mut self, password: &[u8]) -> Result<PasswordHash, Unavailable> {
        let salt = Salt::generate();
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(self.function.params()).map_err(Unavailable::new)?,
            salt: Some(salt),
            hash: Some(self.digest(password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
        };
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn verify(&mut self, password: &[u8], hash: &PasswordHash) -> Result<Verification, Unavailable> {
        let hash = phc::PasswordHash::new(hash.expose()).map_err(Unavailable::new)?;
        match (hash.salt, hash.hash) {
            // The comparison takes the same time whatever differs.
            (Some(salt), Some(expected)) if is_current(&hash) => {
                let same = self.digest(password, &salt, expected.len())? == expected;
                Ok(if same { Verification::Match { outdated: false } } else { Verification::Mismatch })
            }
            _ => match self.function.verify_password(password, &hash) {
                Ok(()) => Ok(Verification::Match { outdated: true }),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verification::Mismatch),
                Err(error) => Err(Unavailable::new(error)),
            },
        }
    }

    /// Compares the password in its one form, and then as it was typed, where that differs: the hash may be older than
    /// the form. How often it compares depends on what was typed alone.
    fn verify_either(&mut self, password: &Password, hash: &PasswordHash) -> Result<Verification, Unavailable> {
        let prepared = self.verify(password.expose().as_bytes(), hash)?;
        let Some(typed) = password.expose_as_typed() else { return Ok(prepared) };
        let typed = self.verify(typed.as_bytes(), hash)?;
        Ok(match (prepared, typed) {
            (Verification::Mismatch, Verification::Match { .. }) => Verification::Match { outdated: true },
            _ => prepared,
        })
    }

    fn digest(&mut self, password: &[u8], salt: &[u8], length: usize) -> Result<Output, Unavailable> {
        let mut bytes = [0; Output::MAX_LENGTH];
        let bytes = bytes.get_mut(..length).ok_or_else(|| Unavailable::new("a hash of an impossible length"))?;
        self.function
            .hash_password_into_with_memory(password, salt, bytes, &mut self.memory)
            .map_err(Unavailable::new)?;
        Output::new(bytes).map_err(Unavailable::new)
    }
}

/// Whether today's parameters made the hash.
fn is_current(hash: &phc::PasswordHash) -> bool {
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && Params::try_from(hash).is_ok_and(|params| costs(&params) == costs(&Params::DEFAULT))
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashPasswordError> {
        self.on_a_thread(move |argon2| argon2.hash(password.expose().as_bytes())).await
    }

    async fn verify(&self, password: Password, known: Option<PasswordHash>) -> Result<Verification, HashPasswordError> {
        let exists = known.is_some();
        let compared = known.unwrap_or_else(|| self.nobody.clone());
        let verify = move |argon2: &mut Argon2id| argon2.verify_either(&password, &compared);
        let verification = self.on_a_thread(verify).await?;
        tracing::debug!("a password was checked");
        Ok(if exists { verification } else { Verification::Mismatch })
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use argon2::password_hash::PasswordHasher as _;

    use super::*;
    use crate::hashing_for;

    fn hasher(threads: usize, queue: usize) -> Argon2Hasher {
        let (hasher, thread) = Argon2Hasher::new(queue).unwrap();
        for _ in 0..threads {
            let thread = thread.clone();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            std::thread::spawn(move || runtime.block_on(thread.run(|| {})));
        }
        hasher
    }

    fn password(text: &str) -> Password {
        Password::attempt(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn knows_the_password_and_nothing_else() {
        let hasher = hasher(2, 10);
        let hash = hasher.hash(password("correct horse battery")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let others = phc::PasswordHash::new(hash.expose()).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery", &others).is_ok(), "any argon2 can read it");
        let right = hasher.verify(password("correct horse battery"), Some(hash.clone())).await.unwrap();
        assert_eq!(right, Verification::Match { outdated: false });
        let wrong = hasher.verify(password("correct horse batterx"), Some(hash)).await.unwrap();
        assert_eq!(wrong, Verification::Mismatch);
        let nobody = hasher.verify(password("no account has this password"), None).await.unwrap();
        assert_eq!(nobody, Verification::Mismatch);
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_outdated() {
        let weaker = Argon2::from(Params::new(8192, 1, 1, None).unwrap());
        let hash: phc::PasswordHash = weaker.hash_password(b"correct horse battery").unwrap();
        let hash = PasswordHash::new(hash.to_string());
        let verification = hasher(1, 1).verify(password("correct horse battery"), Some(hash)).await.unwrap();
        assert_eq!(verification, Verification::Match { outdated: true });
    }

    fn from(address: &str) -> ClientNetwork {
        ClientNetwork::of(address.parse().unwrap())
    }

    #[tokio::test]
    async fn one_client_does_not_keep_another_waiting() {
        let hasher = Arc::new(hasher(1, 25));
        let hash = |client| {
            let hasher = Arc::clone(&hasher);
            hashing_for(client, async move { hasher.hash(password("correct horse battery")).await })
        };
        // More than may wait: the last of these make room.
        let mut flood = Vec::new();
        for _ in 0..40 {
            let mut attempt = Box::pin(hash(from("192.0.2.1")));
            if futures_util::poll!(attempt.as_mut()).is_pending() {
                flood.push(attempt);
            }
        }
        for address in ["192.0.2.2", "2001:db8::1"] {
            assert!(hash(from(address)).await.is_ok(), "{address}");
        }
        let mut served = 0;
        for attempt in &mut flood {
            served += usize::from(matches!(futures_util::poll!(attempt.as_mut()), Poll::Ready(Ok(_))));
        }
        assert!(served <= 5, "{served} of the others were served before");
    }

    #[test]
    fn the_networks_of_one_customer_wait_together() {
        let group = |address| group_of(Some(from(address)));
        assert_eq!(group("2001:db8:1:2::3"), group("2001:db8:1:ffff::4"));
        assert_ne!(group("2001:db8:1:2::3"), group("2001:db8:2:2::3"));
        assert_ne!(group("192.0.2.1"), group("192.0.2.2"));
        assert_ne!(group("192.0.2.1"), group_of(None));
    }

    #[tokio::test]
    async fn a_hash_of_what_was_typed_is_outdated_and_one_of_its_form_is_not() {
        let (composed, decomposed) = ("caf\u{e9} con leche", "cafe\u{301} con leche");
        let hasher = hasher(1, 10);
        let older: phc::PasswordHash = Argon2::default().hash_password(decomposed.as_bytes()).unwrap();
        let older = PasswordHash::new(older.to_string());
        let newer = hasher.hash(password(decomposed)).await.unwrap();
        for (hash, typed, expected) in [
            (&older, decomposed, Verification::Match { outdated: true }),
            (&older, composed, Verification::Mismatch),
            (&newer, decomposed, Verification::Match { outdated: false }),
            (&newer, composed, Verification::Match { outdated: false }),
            (&newer, "cafe con leche", Verification::Mismatch),
        ] {
            let verification = hasher.verify(password(typed), Some(hash.clone())).await.unwrap();
            assert_eq!(verification, expected, "{typed:?}");
        }
    }

    #[tokio::test]
    async fn more_than_may_wait_are_turned_away_and_their_places_return() {
        let hasher = Arc::new(hasher(1, 1));
        let attempts = (0..8).map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.hash(password("correct horse battery")).await })
        });
        let mut busy = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            busy += usize::from(matches!(attempt.await.unwrap(), Err(HashPasswordError::Busy)));
        }
        assert!((1..=7).contains(&busy), "one waits, one may hash already, {busy} were turned away");
        assert!(hasher.hash(password("correct horse battery")).await.is_ok(), "there is room again");
    }
}
