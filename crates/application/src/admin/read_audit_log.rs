use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    audit::AuditEntry,
    page::Page,
    ports::{AuditLog, AuditQuery, Unavailable},
};

/// Shows who did what to whom, when and why, the newest first.
pub struct ReadAuditLog {
    log: Arc<dyn AuditLog>,
}

impl ReadAuditLog {
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self { log }
    }

    pub async fn execute(&self, _by: Administrator, query: AuditQuery) -> Result<Page<AuditEntry>, Unavailable> {
        self.log.entries(query).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{page::PageLimit, ports::MockAuditLog};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn goes_on_where_the_page_before_ended() {
        let mut log = MockAuditLog::new();
        log.expect_entries()
            .once()
            .withf(|query| query.before == Some(7))
            .returning(|_| Ok(Page { entries: vec![], has_more: false }));
        let read = ReadAuditLog::new(Arc::new(log));
        let query =
            AuditQuery { action: None, actor: None, target: None, before: Some(7), limit: PageLimit::default() };
        assert!(read.execute(sample::admin(), query).await.is_ok());
    }
}
