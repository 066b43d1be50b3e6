use comanda_domain::{
    Administrator, AuditEntry, Page,
    ports::{AuditQuery, Unavailable},
};

use super::Operations;

impl Operations {
    /// Reads who did what to whom, when and why, the newest first, a page at a time.
    pub async fn read_audit_log(
        &self,
        _by: Administrator,
        query: AuditQuery,
    ) -> Result<Page<AuditEntry, i64>, Unavailable> {
        self.audit_log.entries(query).await
    }
}
