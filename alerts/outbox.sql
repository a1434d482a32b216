-- name: due_urgent
-- Due life-safety messages of one channel, and those whose contact has left the estate; each goes by itself.
SELECT id, contact_id, priority, leased_by, state FROM delivery
WHERE channel = %(channel)s AND state IN ('pending', 'sending') AND next_attempt_at <= %(now)s
  AND (priority = 1 OR contact_id IS NULL)
  AND (lease_until IS NULL OR lease_until <= %(now)s)
ORDER BY priority, next_attempt_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: due_receivers
-- Contacts with due messages of one channel, the most urgent first, held while their messages are leased; not those
-- with a message on its way, nor those who were written to since a moment.
SELECT contact.id FROM contact
JOIN (SELECT contact_id, min(priority) AS priority, min(next_attempt_at) AS since FROM delivery
      WHERE channel = %(channel)s AND state IN ('pending', 'sending') AND next_attempt_at <= %(now)s
        AND (lease_until IS NULL OR lease_until <= %(now)s) AND priority > 1
      GROUP BY contact_id) AS due ON due.contact_id = contact.id
WHERE NOT EXISTS (SELECT FROM delivery AS busy
                  WHERE busy.contact_id = contact.id AND busy.channel = %(channel)s
                    AND busy.state IN ('pending', 'sending') AND busy.lease_until > %(now)s)
  AND NOT EXISTS (SELECT FROM delivery AS handed
                  WHERE handed.contact_id = contact.id AND handed.channel = %(channel)s
                    AND handed.delivered_at > %(written_since)s AND handed.priority > 1)
  AND NOT EXISTS (SELECT FROM delivery AS handed
                  WHERE handed.contact_id = contact.id AND handed.channel = %(channel)s
                    AND handed.sent_at > %(written_since)s AND handed.priority > 1)
ORDER BY due.priority, due.since, contact.id
LIMIT %(limit)s
FOR NO KEY UPDATE OF contact SKIP LOCKED;

-- name: due_of_receivers
-- The due messages of these contacts by one channel, but those of life safety.
SELECT id, contact_id, priority, leased_by, state FROM delivery
WHERE contact_id = ANY (%(contacts)s) AND channel = %(channel)s AND state IN ('pending', 'sending')
  AND next_attempt_at <= %(now)s AND priority > 1
  AND (lease_until IS NULL OR lease_until <= %(now)s)
ORDER BY priority, next_attempt_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: lease_deliveries
-- Leases these messages.
UPDATE delivery SET state = 'sending', leased_by = new.lease, lease_until = %(until)s, attempts = attempts + 1,
    channel_since = coalesce(channel_since, %(now)s),
    maybe_told = maybe_told OR state = 'sending'  -- a lease that ran out: the message may have left
FROM jsonb_to_recordset(%(rows)s) AS new (id bigint, lease text)
WHERE delivery.id = new.id;

-- name: leased_deliveries
-- What was just leased, with the address, and whether it is still asked for.
SELECT delivery.*, contact.name AS contact_name, contact.email, contact.webhook_url, contact.webhook_secret,
       contact.phone, contact.push_url, contact.language,
       contact.disabled_at IS NOT NULL AS webhook_disabled, alert.kind, alert.raised_at,
       duty.state <> 'open' AS answered, alert.stood_down_at IS NOT NULL AS alert_over,
       corrected.state AS corrected_state, corrected.maybe_told AS corrected_maybe
FROM delivery
JOIN alert ON alert.id = delivery.alert_id
JOIN duty ON duty.id = delivery.duty_id
LEFT JOIN contact ON contact.id = delivery.contact_id
LEFT JOIN delivery AS corrected ON corrected.id = delivery.corrects
WHERE delivery.id = ANY (%(ids)s)
ORDER BY delivery.priority, delivery.id;

-- name: let_go
-- Gives back leased messages that were not begun.
UPDATE delivery SET state = 'pending', leased_by = NULL, lease_until = NULL, attempts = attempts - 1
WHERE id = ANY (%(ids)s) AND leased_by = %(lease)s AND state = 'sending';

-- name: still_wanted
-- Which of these leased messages are still asked for by their duties.
SELECT delivery.id FROM delivery
JOIN duty ON duty.id = delivery.duty_id
JOIN alert ON alert.id = delivery.alert_id
WHERE delivery.id = ANY (%(ids)s)
  AND (delivery.purpose = 'stand_down' OR (duty.state = 'open' AND alert.stood_down_at IS NULL));

-- name: record_attempt
-- Writes what became of an attempt, unless the lease has passed to another.
UPDATE delivery SET state = %(state)s, next_attempt_at = %(next_attempt_at)s, leased_by = NULL, lease_until = NULL,
    channel = %(channel)s, failover = %(failover)s, passed = %(passed)s, delivered_at = %(delivered_at)s,
    sent_at = CASE WHEN %(moved)s THEN NULL ELSE coalesce(%(sent_at)s, sent_at) END,
    maybe_told = maybe_told OR %(maybe)s, provider_ref = %(provider_ref)s,
    last_error = %(last_error)s, attempts = %(attempts)s,
    channel_since = CASE WHEN %(moved)s THEN NULL ELSE channel_since END
WHERE id = %(id)s AND leased_by = %(lease)s AND state = 'sending';

-- name: hand_over
-- Keeps the provider's own number for a message that it took.
INSERT INTO handover (channel, ref, delivery_id, sent_at) VALUES (%(channel)s, %(ref)s, %(delivery)s, %(now)s)
ON CONFLICT (channel, ref, delivery_id) DO NOTHING;

-- name: disable_webhook
-- The receiver answered that its address is gone for good.
UPDATE contact SET disabled_at = %(now)s, disabled_reason = %(reason)s
WHERE id = %(contact)s AND webhook_url = %(url)s;

-- name: due_for_a_word
-- Messages whose provider has not said what became of them, where it is time to look; rows of another are skipped.
SELECT delivery.id, delivery.channel, delivery.provider_ref FROM delivery
WHERE state = 'sent' AND next_attempt_at <= %(now)s
ORDER BY priority, next_attempt_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: look_later
-- Puts the look at these messages off: whoever looks at them now has so long.
UPDATE delivery SET next_attempt_at = %(until)s WHERE id = ANY (%(ids)s) AND state = 'sent';

-- name: sent_messages
-- Messages that a provider took under a number of its own, locked, with whether they are still asked for.
SELECT delivery.*, contact.name AS contact_name,
       delivery.purpose = 'stand_down' OR (duty.state = 'open' AND alert.stood_down_at IS NULL) AS wanted
FROM handover
JOIN delivery ON delivery.id = handover.delivery_id
JOIN duty ON duty.id = delivery.duty_id
JOIN alert ON alert.id = delivery.alert_id
LEFT JOIN contact ON contact.id = delivery.contact_id
WHERE handover.channel = ANY (%(channels)s) AND handover.ref = %(ref)s
ORDER BY delivery.id
FOR UPDATE OF delivery;

-- name: message_of_key
-- The message with this key, if a provider may have it though its answer was lost.
SELECT id FROM delivery WHERE idempotency_key = %(key)s AND channel = ANY (%(channels)s)
  AND state IN ('pending', 'sending') AND maybe_told;

-- name: take_for_sent
-- A message whose answer was lost: the provider has it after all, and need not be given it again.
UPDATE delivery SET state = 'sent', provider_ref = %(ref)s, sent_at = %(now)s, next_attempt_at = %(now)s,
    leased_by = NULL, lease_until = NULL
WHERE id = %(id)s AND state = 'pending';

-- name: keep_word
-- Keeps what the provider said; its first final word stands.
UPDATE handover SET word = %(word)s, word_at = %(now)s, why = %(why)s
WHERE channel = ANY (%(channels)s) AND ref = %(ref)s AND word IS NULL;

-- name: record_word
-- Writes what becomes of a message after its provider's word.
UPDATE delivery SET state = %(state)s, next_attempt_at = %(next_attempt_at)s, channel = %(channel)s,
    failover = %(failover)s, passed = %(passed)s, delivered_at = %(delivered_at)s, last_error = %(last_error)s,
    maybe_told = maybe_told OR %(maybe)s,
    attempts = CASE WHEN %(moved)s THEN 0 ELSE attempts END,
    sent_at = CASE WHEN %(moved)s THEN NULL ELSE sent_at END,  -- by the new channel nobody was written to yet
    channel_since = CASE WHEN %(moved)s THEN NULL ELSE channel_since END
WHERE id = %(id)s;

-- name: dead_messages
-- Messages that reached nobody, newest first, with whether their duty still asks for them.
SELECT delivery.id, delivery.alert_id, alert.kind, delivery.organisation_id, contact.name AS contact, delivery.channel,
       delivery.purpose, delivery.priority, delivery.created_at, delivery.attempts, delivery.last_error,
       delivery.purpose = 'stand_down' OR (duty.state = 'open' AND alert.stood_down_at IS NULL) AS wanted
FROM delivery
JOIN alert ON alert.id = delivery.alert_id
JOIN duty ON duty.id = delivery.duty_id
LEFT JOIN contact ON contact.id = delivery.contact_id
WHERE delivery.state = 'dead' AND (%(organisation)s::text IS NULL OR delivery.organisation_id = %(organisation)s)
ORDER BY delivery.id DESC
LIMIT %(limit)s;

-- name: lock_message
-- One message, locked, with whether its duty still asks for it.
SELECT delivery.*, contact.name AS contact_name,
       delivery.purpose = 'stand_down' OR (duty.state = 'open' AND alert.stood_down_at IS NULL) AS wanted
FROM delivery
JOIN alert ON alert.id = delivery.alert_id
JOIN duty ON duty.id = delivery.duty_id
LEFT JOIN contact ON contact.id = delivery.contact_id
WHERE delivery.id = %(id)s
FOR UPDATE OF delivery;

-- name: revive
-- Puts a dead message back into the outbox, with the channels that it passed through before.
UPDATE delivery SET state = 'pending', next_attempt_at = %(now)s, attempts = 0, channel_since = NULL, last_error = NULL,
    replayed_by = %(by)s, channel = coalesce(passed[1], channel),
    failover = CASE WHEN passed = '{}' THEN failover ELSE passed[2:] || channel || failover END, passed = '{}'
WHERE id = %(id)s AND state = 'dead';
