//! What a running server reads again when it is told to.

use std::sync::Arc;

use anyhow::Context;
use comanda_identity::{SecretKeys, TokenKeys};
use comanda_redis::RedisConnections;

use crate::config::{Config, DatabaseSettings};

/// Keys and certificates that can be replaced while a server serves.
pub struct Reloads {
    pub(super) database: DatabaseSettings,
    pub(super) redis: RedisConnections,
    pub(super) secrets: SecretKeys,
    pub(super) tokens: Arc<TokenKeys>,
}

impl Reloads {
    /// From now on those of `config` count, of which everything else is left alone. Either all of them do, or none.
    pub fn follow(&self, config: &Config) -> anyhow::Result<()> {
        let tokens = config.tokens.keys()?;
        self.redis.trust(config.redis.authorities.as_ref()).context("REDIS_CA")?;
        self.database.trust_as(&config.database);
        let tokens = self.tokens.replace(&tokens);
        let secrets = self.secrets.replace(config.http.secret_keys());
        if tokens || secrets {
            tracing::info!(tokens, secrets, "there are other keys than before");
        }
        Ok(())
    }

    /// Looks at the files that say whom to sign in as.
    pub fn look_again(&self) {
        self.database.look_again();
        self.redis.look_again();
    }
}
