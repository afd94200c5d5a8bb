-- Two more reasons why nothing is sent to a webhook any more: 2 its messages are not taken, 3 its address must be set again.
ALTER TABLE webhooks DROP CONSTRAINT webhooks_stopped_check;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_stopped_check CHECK (stopped BETWEEN 0 AND 3);
