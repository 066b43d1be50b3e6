//! Whom to sign in as, which may change while a server runs.

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use comanda_tls::SettingFile;
use tokio_postgres::config::Config;

use super::{
    DatabaseUrl,
    parameters::{Parts, TlsParameters},
};

/// Whom to sign in as.
#[derive(Clone, PartialEq)]
pub(super) struct Credentials {
    user: Option<String>,
    password: Option<Vec<u8>>,
}

/// What a URL says beside that.
#[derive(Clone, PartialEq)]
pub(super) struct Elsewise {
    config: Config,
    mode: Option<String>,
    authorities: Option<String>,
}

impl Credentials {
    pub(super) fn of(config: &Config) -> Self {
        Self { user: config.get_user().map(str::to_owned), password: config.get_password().map(<[u8]>::to_owned) }
    }

    fn apply(&self, server: &mut Config) {
        self.user.as_ref().map(|user| server.user(user));
        self.password.as_ref().map(|password| server.password(password));
    }

    /// Whether `other` lacks what there is here: a connection cannot forget it.
    fn is_more_than(&self, other: &Self) -> bool {
        (self.user.is_some() && other.user.is_none()) || (self.password.is_some() && other.password.is_none())
    }
}

impl Elsewise {
    pub(super) fn of(config: &Config, tls: &TlsParameters<'_>) -> Self {
        let mut config = config.clone();
        // Whatever they were.
        config.user("").password("");
        let (mode, authorities) = tls.named();
        Self { config, mode, authorities }
    }
}

impl DatabaseUrl {
    /// The URL, which a file holds: when the user or the password in it is replaced, new connections sign in with the
    /// new one.
    #[must_use]
    pub fn kept_in(mut self, setting: &'static str, file: &Path) -> Self {
        let credentials = self.servers.first().map(Credentials::of);
        self.file = credentials.map(|credentials| Arc::new(SettingFile::new(setting, file, credentials)));
        self
    }

    /// Looks at the file that holds the URL, if one does, and logs what is new or wrong. Each new connection does so by
    /// itself.
    pub fn look_again(&self) {
        drop(self.credentials());
    }

    /// New connections trust from now on the authorities that `anew` trusts: the same URL, whose files were read again.
    /// Does nothing if it is another URL, which takes a restart.
    pub fn trust_as(&self, anew: &Self) {
        if self.elsewise == anew.elsewise {
            let connector = anew.connector.read().unwrap_or_else(PoisonError::into_inner).clone();
            *self.connector.write().unwrap_or_else(PoisonError::into_inner) = connector;
        }
    }

    /// The servers, with whom to sign in as there now.
    pub(super) fn servers(&self) -> Vec<Config> {
        let mut servers = self.servers.clone();
        if let Some(credentials) = self.credentials() {
            for server in &mut servers {
                credentials.apply(server);
            }
        }
        servers
    }

    fn credentials(&self) -> Option<Credentials> {
        let (file, before) = (self.file.as_ref()?, Credentials::of(self.servers.first()?));
        Some(file.now(|text| {
            let Parts { config, tls, .. } = Parts::of(text).map_err(|error| error.to_string())?;
            let credentials = Credentials::of(&config);
            if Elsewise::of(&config, &tls) != *self.elsewise || before.is_more_than(&credentials) {
                return Err("differs in more than the user and the password, which takes a restart".to_owned());
            }
            Ok(credentials)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_a_file_may_change_in_its_user_and_its_password_alone() {
        let path = std::env::temp_dir().join(format!("comanda-url-{}", std::process::id()));
        let first = "postgres://ana:hunter2@localhost/comanda?application_name=a&sslmode=disable";
        let url: DatabaseUrl = first.parse().unwrap();
        let url = url.kept_in("DATABASE_URL_FILE", &path);
        let now = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let server = url.servers().remove(0);
            let (user, password) = (server.get_user().unwrap(), server.get_password().unwrap());
            format!("{user}:{}", String::from_utf8_lossy(password))
        };
        assert_eq!(now(first), "ana:hunter2");
        assert_eq!(now(&first.replace("hunter2", "hunter%33")), "ana:hunter3");
        for other in [
            first.replace("localhost", "db.example"),
            first.replace("/comanda", "/kitchen"),
            first.replace("disable", "prefer"),
            first.replace("name=a", "name=b"),
            first.replace(":hunter2", ""),
            "ana:hunter2".to_owned(),
            String::new(),
        ] {
            assert_eq!(now(&other), "ana:hunter3", "{other}");
        }
        assert_eq!(now(&first.replace("ana", "ben")), "ben:hunter2");
        std::fs::remove_file(&path).unwrap();
    }
}
