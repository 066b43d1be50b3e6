use comanda_domain::{OptionGroup, OptionGroupId, ports::Unavailable};

use super::row::{GroupLock, read_groups};
use crate::Database;

pub(super) async fn find(database: &Database, id: OptionGroupId) -> Result<Option<OptionGroup>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let groups = read_groups(&mut connection, &[id.as_uuid()], GroupLock::None).await.map_err(Unavailable::new)?;
    let group = groups.into_iter().next();
    Ok(group.map(|group| group.into_group(database.currency())).transpose()?)
}
