DROP TRIGGER keep_refund_times ON refunds;
DROP FUNCTION keep_refund_times();
