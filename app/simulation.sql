-- name: alerts_for_score
-- Every alert, as far as a score needs it, oldest first, and when the monitoring centre first took it.
SELECT kind, visit_ref, hub_id AS hub, raised_at, noticed_at, coalesce(stood_down_at, closed_at) AS stood_down_at,
       (SELECT min(history.at) FROM alert_history AS history JOIN duty ON duty.id = history.duty_id
        WHERE history.alert_id = alert.id AND duty.role = 'monitoring_centre'
          AND history.what IN ('claimed', 'acknowledged', 'closed')) AS answered_at
FROM alert ORDER BY raised_at, id;

-- name: visits_for_score
-- Every visit with what is concluded of it, as far as a score needs it.
SELECT ref AS visit_ref, state, attendance, arrived_at FROM visit ORDER BY start_at, ref;

-- name: stored_for_score
-- The ids of all events that are kept and how often each is, by hub.
SELECT hub_id, id, count(*) AS times FROM event GROUP BY hub_id, id;
