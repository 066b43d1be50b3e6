use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    audit::AuditEntry,
    page::{Page, PageLimit},
    ports::{AuditLog, Unavailable},
};

/// Shows who did what to whom, when and why, the newest first.
pub struct ReadAuditLog {
    log: Arc<dyn AuditLog>,
}

impl ReadAuditLog {
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self { log }
    }

    pub async fn execute(
        &self,
        _by: Administrator,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Page<AuditEntry>, Unavailable> {
        self.log.entries(before, limit).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockAuditLog;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn goes_on_where_the_page_before_ended() {
        let mut log = MockAuditLog::new();
        log.expect_entries()
            .once()
            .withf(|before, _| *before == Some(7))
            .returning(|_, _| Ok(Page { entries: vec![], has_more: false }));
        let read = ReadAuditLog::new(Arc::new(log));
        assert!(read.execute(sample::admin(), Some(7), PageLimit::default()).await.is_ok());
    }
}
