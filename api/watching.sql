-- name: last_press
-- The last test press that has ended, and how.
SELECT pressed_at, finished_at, seconds, fault FROM watch_press
WHERE finished_at IS NOT NULL
ORDER BY pressed_at DESC LIMIT 1;
