-- A sweep walks along visit_due from its beginning, over the entries of visits that have just been judged and
-- are due later now. Left to a fifth of the table, vacuum would come when there are days of them.
ALTER TABLE visit SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
-- Rows of these live for seconds; their number says nothing of how many have gone.
ALTER TABLE recheck SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
