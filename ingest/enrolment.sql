-- name: bridge_of
-- The base topic of a hub that is a bridge of another maker, null for any other hub.
SELECT adapter ->> 'base' AS base FROM hub WHERE id = %(hub)s;

-- name: keep_certificate
-- Keeps what a certificate is known by; the certificate and its key are the hub's alone.
INSERT INTO hub_certificate (serial, hub_id, issued_at, expires_at)
VALUES (%(serial)s, %(hub)s, %(now)s, %(expires_at)s);

-- name: mark_enrolled
-- A hub that shows a certificate is enrolled.
UPDATE hub SET enrolled_at = %(now)s, revoked_at = NULL WHERE id = %(hub)s RETURNING id;

-- name: withdraw_certificates
-- Withdraws every certificate of a hub.
UPDATE hub_certificate SET revoked_at = %(now)s WHERE hub_id = %(hub)s AND revoked_at IS NULL;

-- name: withdrawn_certificates
-- Certificates that would still be valid if they had not been withdrawn.
SELECT serial, revoked_at FROM hub_certificate
WHERE revoked_at IS NOT NULL AND expires_at > %(now)s
ORDER BY revoked_at, serial;

-- name: certificates_ending
-- Hubs whose newest certificate ends before a moment, and when.
SELECT hub_id, max(expires_at) AS expires_at FROM hub_certificate
WHERE revoked_at IS NULL
GROUP BY hub_id HAVING max(expires_at) < %(before)s
ORDER BY 2, 1;

-- name: begin_rotation
-- Records that a hub was handed a new password; the password itself is in no table.
INSERT INTO command (id, hub_id, type, issued_at, expires_at, issued_by, sent_at, state)
VALUES (%(id)s, %(hub)s, %(type)s, %(now)s, %(expires)s, 'threshold hub rotate', %(now)s, 'sent');

-- name: answer_to
-- What a hub has answered to a command so far.
SELECT state, reason FROM command WHERE id = %(id)s;
