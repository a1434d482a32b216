-- name: furnish
-- Makes the service's own organisation, unit and test contact.
WITH organisation_of_ours AS (
    INSERT INTO organisation (id, kind, name) VALUES (%(id)s, 'commissioner', 'Threshold itself')
    ON CONFLICT (id) DO NOTHING
), unit_of_ours AS (
    INSERT INTO hub (id, scheme, heartbeat_every) VALUES (%(id)s, %(id)s, 'PT1M')
    ON CONFLICT (id) DO NOTHING
)
INSERT INTO contact (organisation_id, position, name, webhook_url, webhook_secret)
VALUES (%(id)s, 1, 'Test contact', %(url)s, %(secret)s)
ON CONFLICT (organisation_id, name) DO UPDATE
SET webhook_url = excluded.webhook_url, webhook_secret = excluded.webhook_secret,
    disabled_at = CASE WHEN contact.webhook_url = excluded.webhook_url THEN contact.disabled_at END;

-- name: one_presser
-- Lets one copy at a time decide whether it is its turn; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('threshold: who presses', 0));

-- name: begin_press
-- Begins a press, unless one began since a moment.
INSERT INTO watch_press (id, pressed_at)
SELECT %(id)s, %(now)s
WHERE NOT EXISTS (SELECT FROM watch_press WHERE pressed_at > %(since)s)
RETURNING id;

-- name: press_progress
-- When a press was stored, when its alert was raised, and when the test contact was told.
SELECT receipt.received_at AS stored_at, alert.noticed_at AS raised_at, min(delivery.delivered_at) AS told_at
FROM receipt
LEFT JOIN alert ON alert.dedupe_key = %(key)s AND alert.closed_at IS NULL
LEFT JOIN delivery ON delivery.alert_id = alert.id
WHERE receipt.hub_id = %(id)s AND receipt.event_id = %(press)s
GROUP BY receipt.received_at, alert.noticed_at;

-- name: finish_press
-- Keeps what became of a press.
UPDATE watch_press SET finished_at = %(now)s, seconds = %(seconds)s, fault = %(fault)s WHERE id = %(id)s;

-- name: close_presses
-- Ends what presses have raised: nobody is to answer it.
WITH ended AS (
    UPDATE duty SET state = 'closed', closed_by = 'threshold', closed_at = %(now)s, outcome = 'test', next_check_at = NULL
    WHERE organisation_id = %(id)s AND state <> 'closed'
    RETURNING alert_id
)
UPDATE alert SET closed_at = %(now)s, is_test = true FROM ended WHERE alert.id = ended.alert_id;

-- name: forget_press_alerts
-- Removes the alerts of presses of long ago, with all that belongs to them.
DELETE FROM alert USING duty
WHERE duty.alert_id = alert.id AND duty.organisation_id = %(id)s AND duty.raised_at < %(before)s;

-- name: forget_presses
-- Removes presses of long ago.
DELETE FROM watch_press WHERE pressed_at < %(before)s;

-- name: unwatched_duties
-- Open duties that nothing will look at again, locked; rows that somebody works on are skipped.
SELECT duty.id, duty.alert_id, duty.organisation_id, duty.state, duty.eta FROM duty
WHERE duty.next_check_at IS NULL
  AND (duty.state = 'open' OR (duty.state = 'acknowledged' AND duty.eta IS NOT NULL))
ORDER BY duty.priority, duty.id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: watch_duties
-- Lets the sweep look at these duties at once.
UPDATE duty SET next_check_at = %(now)s WHERE id = ANY (%(ids)s);

-- name: stranded_messages
-- Messages in the outbox that nothing will take up, due at once from now on.
UPDATE delivery SET next_attempt_at = %(now)s
WHERE (state IN ('pending', 'sending') OR state = 'sent') AND next_attempt_at IS NULL
RETURNING id, alert_id;

-- name: duties_left_behind
-- How many open duties have been due for longer than the sweep may take.
SELECT count(*) AS duties, min(next_check_at) AS since FROM duty WHERE next_check_at < %(before)s;

-- name: ownerless_alerts
-- Open alerts in which nobody has a duty, of the last day.
SELECT count(*) AS alerts FROM alert
WHERE closed_at IS NULL AND raised_at > %(since)s AND suppressed IS NULL
  AND NOT EXISTS (SELECT FROM duty WHERE duty.alert_id = alert.id);
