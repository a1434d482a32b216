-- name: organisation_kind
-- What an organisation is, held so that two tokens made at once cannot take one name.
SELECT kind, name FROM organisation WHERE id = %(organisation)s FOR UPDATE;

-- name: names_in_use
-- Names that tokens of an organisation carry.
SELECT name FROM token WHERE organisation_id = %(organisation)s;

-- name: insert_token
-- Keeps a new token's hash; the token itself is kept nowhere.
INSERT INTO token (organisation_id, role, name, hash, created_at)
VALUES (%(organisation)s, %(role)s, %(name)s, %(hash)s, %(now)s);

-- name: caller_of_token
-- Who holds the token with this hash, unless it was withdrawn.
SELECT id, organisation_id, role, name, last_used_at FROM token WHERE hash = %(hash)s AND revoked_at IS NULL;

-- name: token_is_good
-- The token, unless it was withdrawn.
SELECT id FROM token WHERE id = %(id)s AND revoked_at IS NULL;

-- name: touch_token
-- Notes that a token is in use, unless another request has just noted it.
UPDATE token SET last_used_at = %(now)s
WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s);

-- name: insert_session
-- Signs a browser in.
INSERT INTO session (hash, token_id, csrf, created_at, expires_at)
VALUES (%(hash)s, %(token)s, %(csrf)s, %(now)s, %(expires)s);

-- name: session_of_cookie
-- Who is signed in by the cookie with this hash, as long as session and token are good.
SELECT token.id, token.organisation_id, token.role, token.name, session.csrf,
       organisation.name AS organisation_name, organisation.kind
FROM session JOIN token ON token.id = session.token_id JOIN organisation ON organisation.id = token.organisation_id
WHERE session.hash = %(hash)s AND session.expires_at > %(now)s AND token.revoked_at IS NULL;

-- name: delete_session
-- Signs a browser out.
DELETE FROM session WHERE hash = %(hash)s;
