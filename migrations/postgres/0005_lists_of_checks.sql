-- Lists of checks, whose pages cost the same however many checks there are: an index for each order
-- that pings do not change, the tags as rows, and the number of a project's checks kept with it.
CREATE INDEX checks_project ON checks (project_id, check_id);
CREATE INDEX checks_name ON checks (project_id, check_name COLLATE "C", check_id);
CREATE INDEX checks_created ON checks (project_id, created_at, check_id);

-- What a check is found by; checks.tags has the same in the order in which they were given.
CREATE TABLE check_tags (
    check_id BIGINT NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    project_id BIGINT NOT NULL,
    PRIMARY KEY (check_id, tag)
);
CREATE INDEX check_tags_tag ON check_tags (project_id, tag, check_id);
INSERT INTO check_tags (check_id, tag, project_id)
    SELECT DISTINCT c.check_id, t.tag, c.project_id
    FROM checks c, unnest(string_to_array(btrim(c.tags), ' ')) AS t (tag)
    WHERE c.tags <> '';

ALTER TABLE projects ADD COLUMN check_count BIGINT NOT NULL DEFAULT 0;
UPDATE projects SET check_count =
    (SELECT COUNT(*) FROM checks c WHERE c.project_id = projects.project_id);
