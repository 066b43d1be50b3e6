DROP TRIGGER choices_are_summarized ON sales_summarized;
DROP FUNCTION refuse_to_leave_out_choices();
