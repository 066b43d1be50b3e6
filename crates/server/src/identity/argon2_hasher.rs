use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use async_trait::async_trait;
use comanda_domain::{
    password::{Password, PasswordHash},
    ports::{HashPasswordError, PasswordHasher, Unavailable, Verification},
};
use tokio::sync::Semaphore;

/// Argon2id with OWASP's first choice of parameters: 19 MiB, 2 passes, 1 lane
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>), which are the crate's defaults.
///
/// So many passwords at a time, and so many waiting; the next is [`HashPasswordError::Busy`].
pub struct Argon2Hasher {
    argon2: Argon2<'static>,
    threads: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    /// Compared with when there is no hash, so that an unknown address takes as long as a known one.
    nobody: PasswordHash,
}

/// A place in the queue, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Argon2Hasher {
    pub fn new(threads: NonZeroUsize, queue: usize) -> Result<Self, Unavailable> {
        let argon2 = Argon2::default();
        let nobody = hash(&argon2, b"no account has this password")?;
        Ok(Self {
            argon2,
            threads: Arc::new(Semaphore::new(threads.get())),
            waiting: Arc::default(),
            queue: queue + threads.get(),
            nobody,
        })
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, HashPasswordError> {
        let place = Place(Arc::clone(&self.waiting));
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
            return Err(HashPasswordError::Busy);
        }
        let thread = Arc::clone(&self.threads).acquire_owned().await.map_err(Unavailable::new)?;
        let argon2 = self.argon2.clone();
        let work = move || {
            // Held by the work itself: a client that hangs up does not make room for another before the thread is free.
            let (_thread, _place) = (thread, place);
            work(argon2)
        };
        Ok(tokio::task::spawn_blocking(work).await.map_err(Unavailable::new)??)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<PasswordHash, Unavailable> {
    let hash: phc::PasswordHash = argon2.hash_password(password).map_err(|e| Unavailable::new(e.to_string()))?;
    Ok(PasswordHash::new(hash.to_string()))
}

fn is_outdated(hash: &phc::PasswordHash) -> bool {
    let current = |params: &Params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            == (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST)
    };
    hash.algorithm != argon2::Algorithm::Argon2id.ident() || !Params::try_from(hash).is_ok_and(|p| current(&p))
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashPasswordError> {
        self.on_a_thread(move |argon2| hash(&argon2, password.expose().as_bytes())).await
    }

    async fn verify(&self, password: Password, known: Option<PasswordHash>) -> Result<Verification, HashPasswordError> {
        let exists = known.is_some();
        let compared = known.unwrap_or_else(|| self.nobody.clone());
        self.on_a_thread(move |argon2| {
            let hash = phc::PasswordHash::new(compared.expose()).map_err(|e| Unavailable::new(e.to_string()))?;
            match argon2.verify_password(password.expose().as_bytes(), &hash) {
                Ok(()) if exists => Ok(Verification::Match { outdated: is_outdated(&hash) }),
                Ok(()) | Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verification::Mismatch),
                Err(error) => Err(Unavailable::new(error.to_string())),
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(threads: usize, queue: usize) -> Argon2Hasher {
        Argon2Hasher::new(NonZeroUsize::new(threads).unwrap(), queue).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::attempt(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn knows_the_password_and_nothing_else() {
        let hasher = hasher(2, 10);
        let hash = hasher.hash(password("correct horse battery")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
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
        let hash = hash(&weaker, b"correct horse battery").unwrap();
        let verification = hasher(1, 1).verify(password("correct horse battery"), Some(hash)).await.unwrap();
        assert_eq!(verification, Verification::Match { outdated: true });
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
        assert!((1..=6).contains(&busy), "one hashes, one waits, {busy} were turned away");
        assert_eq!(hasher.waiting.load(Ordering::Relaxed), 0);
    }
}
