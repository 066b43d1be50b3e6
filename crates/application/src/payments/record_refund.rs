use comanda_domain::{
    IntentRefund, RefundId, Timestamp,
    ports::{MadeRefund, Recorded, RefundReport, Refunds, Unavailable},
};

/// Records what the gateway says about a refund that has an id of ours. If the books do not know it (they were restored
/// from an older copy, or somebody has copied the id), it is one that was made at the gateway, recorded under `new_id`.
pub(super) async fn record_refund(
    refunds: &dyn Refunds,
    report: RefundReport,
    new_id: RefundId,
    now: Timestamp,
) -> Result<Recorded, Unavailable> {
    let (status, made) = (report.status, report.made.clone());
    let recorded = refunds.record_refund(report, now).await?;
    match (recorded, made) {
        (Recorded::NotOurs, Some(MadeRefund { id, intent, amount })) => {
            let refund = IntentRefund { id, refund_id: None, amount, status };
            refunds.record_gateway_refund(intent, refund, new_id, now).await
        }
        (recorded, _) => Ok(recorded),
    }
}
