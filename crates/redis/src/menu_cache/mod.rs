//! Copies of the menu that all servers share.
//!
//! | key | holds |
//! | --- | --- |
//! | `cache:menu:current` | the number of the newest version; a script moves it, only forwards |
//! | `cache:menu:items:v{n}` | the whole menu of version n, with its epoch |
//! | `cache:menu:item:{id}` | a version's number, its epoch, and the item as it was then; a script keeps the newer one |
//! | `cache:menu:tag:category:{name}` | ids of the items that are, or lately were, in the category |
//! | `cache:menu:tag:availability:{name}` | ids of the items that have, or lately had, the availability |
//! | `cache:menu:lease` | the token of the server that is loading |
//!
//! Every command and script touches one key, so that in a cluster each goes to its own slot.

mod definition;
mod notifications;
mod stored;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    Availability, MenuItem, MenuItemId,
    ports::{ItemChanges, LoadLease, MenuCache, MenuCopy, MenuEpoch, MenuSubscriber, MenuTag, Unavailable},
};
use rand::RngExt;
use redis::{AsyncCommands, Script};
use uuid::Uuid;

use self::stored::{Entry, StoredCopy, StoredEntry, StoredItem, Unreadable, read, report};
use crate::RedisConnections;

const CURRENT: &str = "cache:menu:current";
const LEASE: &str = "cache:menu:lease";
/// The message that no copy can be trusted.
const RENEW: &str = "renew";

static STORE_ITEM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("store_item.lua")));
static ADVANCE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("advance.lua")));
static RETURN_LEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("return_lease.lua")));

/// Where servers notify each other. Channels, unlike keys, are shared by all numbered databases, hence the number.
fn channel(connections: &RedisConnections) -> String {
    format!("cache:menu:news:{}", connections.number())
}

/// Copies under `cache:menu:`.
pub struct RedisMenuCache {
    connections: RedisConnections,
    lifetime: Duration,
}

impl RedisMenuCache {
    /// Longer than a menu takes to load, or PostgreSQL takes to give up.
    const LEASE_TIME: Duration = Duration::from_secs(3);

    /// How long the copy before the newest is kept, for servers that are about to read it.
    const REPLACED_TIME: Duration = Duration::from_secs(10);

    /// Copies expire after `lifetime`, plus or minus a tenth, so that they do not all expire at once.
    pub fn new(connections: RedisConnections, lifetime: Duration) -> Self {
        Self { connections, lifetime }
    }

    /// Passes notifications from other servers on to `subscriber`; never returns. It reconnects by itself and may be
    /// dropped at any point. Calls `on_success` whenever it has connected, and after every notification.
    pub async fn listen(&self, subscriber: &dyn MenuSubscriber, on_success: impl FnMut()) {
        notifications::listen(&self.connections, subscriber, on_success).await;
    }

    fn lifetime_ms(&self) -> u64 {
        milliseconds(self.lifetime.mul_f64(rand::rng().random_range(0.9..1.1)))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn whole_key(version: u64) -> String {
    format!("cache:menu:items:v{version}")
}

fn item_key(id: MenuItemId) -> String {
    format!("cache:menu:item:{id}")
}

fn tag_key(tag: &MenuTag) -> String {
    match tag {
        MenuTag::Category(category) => format!("cache:menu:tag:category:{category}"),
        MenuTag::Availability(availability) => format!("cache:menu:tag:availability:{}", availability.as_str()),
    }
}

/// All items that have entries, and perhaps some that had one: each is under an availability.
async fn tagged(connection: &mut impl AsyncCommands) -> Result<Vec<MenuItemId>, Unavailable> {
    let mut ids = Vec::new();
    for availability in Availability::ALL {
        let members: Vec<String> =
            connection.smembers(tag_key(&MenuTag::Availability(availability))).await.map_err(Unavailable::new)?;
        ids.extend(members.iter().filter_map(|id| id.parse().ok()).map(MenuItemId::new));
    }
    Ok(ids)
}

/// What a key holds. One of another type, which another program has written, is as good as none.
async fn get(connection: &mut impl AsyncCommands, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
    let got: redis::RedisResult<Option<Vec<u8>>> = connection.get(key).await;
    match got {
        Err(error) if error.code() == Some("WRONGTYPE") => {
            report(key, &error);
            Ok(None)
        }
        got => got.map_err(Unavailable::new),
    }
}

/// The newest version.
async fn current(connection: &mut impl AsyncCommands) -> Result<Option<u64>, Unavailable> {
    let version = get(connection, CURRENT).await?;
    let read = |version: Vec<u8>| {
        let version = str::from_utf8(&version).map_err(Unreadable::from)?;
        version.parse().map_err(Unreadable::from)
    };
    Ok(version.and_then(|version| read(version).map_err(|error| report(CURRENT, &*error)).ok()))
}

#[async_trait]
impl MenuCache for RedisMenuCache {
    async fn version(&self) -> Result<Option<u64>, Unavailable> {
        let mut connection = self.connections.take().await?;
        current(&mut *connection).await
    }

    async fn whole(&self) -> Result<Option<MenuCopy>, Unavailable> {
        let mut connection = self.connections.take().await?;
        let Some(version) = current(&mut *connection).await? else { return Ok(None) };
        let key = whole_key(version);
        let text = get(&mut *connection, &key).await?;
        Ok(text.and_then(|text| read::<StoredCopy, Option<MenuCopy>>(&key, &text)).flatten())
    }

    async fn item(&self, id: MenuItemId, epoch: MenuEpoch) -> Result<Option<MenuItem>, Unavailable> {
        let mut connection = self.connections.take().await?;
        let key = item_key(id);
        let entry = get(&mut *connection, &key).await?;
        // The version comes first, and then a space.
        let item = entry.map(|entry| entry.into_iter().skip_while(|byte| *byte != b' ').collect::<Vec<_>>());
        let entry = item.and_then(|item| read::<StoredEntry, Entry>(&key, &item));
        Ok(entry.filter(|entry| entry.epoch == Some(epoch.as_uuid())).map(|entry| entry.item))
    }

    async fn publish(&self, copy: &MenuCopy, changes: &ItemChanges) -> Result<(), Unavailable> {
        let MenuCopy { menu, .. } = copy;
        let lifetime = self.lifetime_ms();
        let mut connection = self.connections.take().await?;
        // The items' own entries come first: whoever sees the new version must not find older ones.
        let mut pipeline = redis::pipe();
        pipeline.load_script(&STORE_ITEM).ignore();
        let (renewed, gone): (Vec<&MenuItem>, Vec<MenuItemId>) = match changes {
            ItemChanges::Everything => {
                let known: HashSet<MenuItemId> = menu.items.iter().map(|item| item.id).collect();
                let tagged = tagged(&mut *connection).await?;
                (menu.items.iter().collect(), tagged.into_iter().filter(|id| !known.contains(id)).collect())
            }
            ItemChanges::Partial { changed, gone } => {
                (menu.items.iter().filter(|item| changed.contains(&item.id)).collect(), gone.clone())
            }
        };
        for item in renewed {
            let entry = StoredEntry { epoch: Some(menu.version.epoch.as_uuid()), item: StoredItem::from(item) };
            let entry = serde_json::to_string(&entry).map_err(Unavailable::new)?;
            let mut call = STORE_ITEM.key(item_key(item.id));
            pipeline.invoke_script(call.arg(menu.version.number).arg(entry).arg(lifetime)).ignore();
            let id = item.id.to_string();
            let availability = item.availability();
            for other in Availability::ALL.into_iter().filter(|other| *other != availability) {
                pipeline.srem(tag_key(&MenuTag::Availability(other)), &id).ignore();
            }
            for tag in [MenuTag::Availability(availability), MenuTag::Category(item.details.category.clone())] {
                let key = tag_key(&tag);
                pipeline.sadd(&key, &id).ignore();
                pipeline.pexpire(key, i64::try_from(lifetime).unwrap_or(i64::MAX)).ignore();
            }
        }
        for id in gone {
            pipeline.unlink(item_key(id)).ignore();
            for availability in Availability::ALL {
                pipeline.srem(tag_key(&MenuTag::Availability(availability)), id.to_string()).ignore();
            }
        }
        let whole = serde_json::to_vec(&StoredCopy::from(copy)).map_err(Unavailable::new)?;
        pipeline.pset_ex(whole_key(menu.version.number), whole, lifetime).ignore();
        let () = pipeline.query_async(&mut *connection).await.map_err(Unavailable::new)?;

        let mut call = ADVANCE.key(CURRENT);
        let replaced: Option<u64> = call
            .arg(menu.version.number)
            .arg(lifetime)
            .arg(channel(&self.connections))
            .invoke_async(&mut *connection)
            .await
            .map_err(Unavailable::new)?;
        if let Some(replaced) = replaced {
            let time = i64::try_from(milliseconds(Self::REPLACED_TIME)).unwrap_or(i64::MAX);
            let () = connection.pexpire(whole_key(replaced), time).await.map_err(Unavailable::new)?;
        }
        Ok(())
    }

    async fn discard(&self, number: u64) -> Result<(), Unavailable> {
        let mut connection = self.connections.take().await?;
        // Should another version take its place in between, it is published again.
        if current(&mut *connection).await? == Some(number) {
            let mut pipeline = redis::pipe();
            // Their numbers would keep later ones out, too.
            for id in tagged(&mut *connection).await? {
                pipeline.unlink(item_key(id)).ignore();
            }
            let () = pipeline.unlink(CURRENT).ignore().query_async(&mut *connection).await.map_err(Unavailable::new)?;
        }
        connection.unlink(whole_key(number)).await.map_err(Unavailable::new)
    }

    async fn take_lease(&self) -> Result<Option<LoadLease>, Unavailable> {
        let mut connection = self.connections.take().await?;
        let token = Uuid::now_v7().to_string();
        let time = milliseconds(Self::LEASE_TIME);
        let set: Option<String> = redis::cmd("SET")
            .arg(LEASE)
            .arg(&token)
            .arg("NX")
            .arg("PX")
            .arg(time)
            .query_async(&mut *connection)
            .await
            .map_err(Unavailable::new)?;
        Ok(set.map(|_| LoadLease(token)))
    }

    async fn return_lease(&self, lease: LoadLease) -> Result<(), Unavailable> {
        let mut connection = self.connections.take().await?;
        let mut call = RETURN_LEASE.key(LEASE);
        call.arg(lease.0).invoke_async(&mut *connection).await.map_err(Unavailable::new)
    }

    async fn invalidate(&self, tag: &MenuTag) -> Result<u64, Unavailable> {
        let mut connection = self.connections.take().await?;
        let ids: Vec<Uuid> = connection
            .smembers::<_, Vec<String>>(tag_key(tag))
            .await
            .map_err(Unavailable::new)?
            .iter()
            .filter_map(|id| id.parse().ok())
            .collect();
        let mut pipeline = redis::pipe();
        for id in &ids {
            pipeline.unlink(item_key(MenuItemId::new(*id)));
        }
        pipeline.unlink(tag_key(tag)).ignore().publish(channel(&self.connections), RENEW).ignore();
        let dropped: Vec<u64> = pipeline.query_async(&mut *connection).await.map_err(Unavailable::new)?;
        Ok(dropped.into_iter().sum())
    }
}
