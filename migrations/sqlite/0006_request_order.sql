-- The journal is read newest first by when a request came, which is not quite the order in which
-- its lines are written: a slow request is written down when it ends.
DROP INDEX requests_user;
CREATE INDEX requests_user ON requests (user_id, at, request_row_id);
