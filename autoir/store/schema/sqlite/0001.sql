-- Schema v1, embedded. Differences from TiDB: rowid tables (ids arrive in random order: a rowid table appends, and
-- its indexes hold a rowid instead of id and time), text with CHECK for ENUM, float32 BLOB for VECTOR, no partitions.
CREATE TABLE autoir_events (
  id TEXT NOT NULL PRIMARY KEY,
  ts_ms INTEGER NOT NULL,
  log_group TEXT NOT NULL,
  stream_id INTEGER NOT NULL,
  level INTEGER NOT NULL,
  pattern_id INTEGER NOT NULL,
  message TEXT NOT NULL COLLATE NOCASE
);
CREATE INDEX k_events_group_ts ON autoir_events (log_group, ts_ms, level);
CREATE INDEX k_events_pattern_ts ON autoir_events (pattern_id, ts_ms);

CREATE TABLE autoir_streams (
  stream_id INTEGER NOT NULL PRIMARY KEY,
  log_group TEXT NOT NULL,
  log_stream TEXT NOT NULL
);

CREATE TABLE autoir_patterns (
  pattern_id INTEGER NOT NULL PRIMARY KEY,
  family_id INTEGER NOT NULL,
  mask_version TEXT NOT NULL,
  log_group TEXT NOT NULL,
  level INTEGER NOT NULL,
  kind INTEGER NOT NULL DEFAULT 0,
  component TEXT NOT NULL DEFAULT '',
  template TEXT NOT NULL COLLATE NOCASE,
  status TEXT NOT NULL DEFAULT 'normal' CHECK (status IN ('normal', 'suspect', 'muted', 'known_failure')),
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  total INTEGER NOT NULL DEFAULT 0,
  recipe_hash TEXT NOT NULL,
  embed_state TEXT NOT NULL DEFAULT 'pending' CHECK (embed_state IN ('pending', 'done', 'failed')),
  embed_tries INTEGER NOT NULL DEFAULT 0,
  embed_lease_ms INTEGER NOT NULL DEFAULT 0,
  embed_error TEXT,
  embedded_ms INTEGER,
  model TEXT,
  embedding BLOB CHECK (embedding IS NULL OR length(embedding) = 1536)
);
CREATE INDEX k_patterns_group ON autoir_patterns (log_group, last_ms);
CREATE INDEX k_patterns_family ON autoir_patterns (family_id);
CREATE INDEX k_patterns_embed ON autoir_patterns (embed_state, last_ms);
CREATE INDEX k_patterns_embedded ON autoir_patterns (embedded_ms);

CREATE TABLE autoir_counts (
  log_group TEXT NOT NULL,
  minute INTEGER NOT NULL,
  level INTEGER NOT NULL,
  pattern_id INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (log_group, minute, level, pattern_id)
) WITHOUT ROWID;
CREATE INDEX k_counts_pattern ON autoir_counts (pattern_id, minute);

CREATE TABLE autoir_groups (
  log_group TEXT NOT NULL PRIMARY KEY,
  mask_version TEXT NOT NULL,
  since_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE autoir_family_stats (
  family_id INTEGER NOT NULL PRIMARY KEY,
  log_group TEXT NOT NULL,
  severity_class INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'normal' CHECK (status IN ('normal', 'suspect', 'muted', 'known_failure')),
  muted_until INTEGER,
  first_minute INTEGER,
  last_minute INTEGER,
  s INTEGER NOT NULL DEFAULT 0,
  q INTEGER NOT NULL DEFAULT 0,
  m1 INTEGER NOT NULL DEFAULT 0,
  m2 INTEGER NOT NULL DEFAULT 0,
  blocks INTEGER NOT NULL DEFAULT 0,
  gaps INTEGER NOT NULL DEFAULT 0,
  gap_max INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX k_family_group ON autoir_family_stats (log_group);

CREATE TABLE autoir_group_stats (
  log_group TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('all', 'class2')),
  s INTEGER NOT NULL DEFAULT 0,
  q INTEGER NOT NULL DEFAULT 0,
  m1 INTEGER NOT NULL DEFAULT 0,
  m2 INTEGER NOT NULL DEFAULT 0,
  low1 INTEGER,
  low2 INTEGER,
  blocks INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (log_group, kind)
) WITHOUT ROWID;

CREATE TABLE autoir_candidates (
  minute INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  log_group TEXT NOT NULL,
  family_id INTEGER NOT NULL DEFAULT 0,
  severity_class INTEGER NOT NULL,
  observed INTEGER NOT NULL,
  expected REAL NOT NULL,
  neg_log10_p REAL NOT NULL,
  score REAL NOT NULL,
  window_from INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  fold TEXT NOT NULL DEFAULT '',
  sample_ids TEXT NOT NULL DEFAULT '[]',
  incident_id TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (minute, kind, subject)
) WITHOUT ROWID;
CREATE INDEX k_candidates_incident ON autoir_candidates (incident_id);
CREATE INDEX k_candidates_family ON autoir_candidates (family_id, minute);

CREATE TABLE autoir_incidents (
  id TEXT NOT NULL PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'ack', 'resolved', 'dismissed')),
  severity TEXT NOT NULL CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical')),
  title TEXT NOT NULL,
  summary TEXT,
  environment TEXT NOT NULL DEFAULT '',
  affected_group TEXT,
  affected_stream TEXT,
  first_ts_ms INTEGER,
  last_ts_ms INTEGER,
  event_count INTEGER,
  sample_ids TEXT,
  vector_context TEXT,
  dedupe_key TEXT UNIQUE,
  fingerprint TEXT NOT NULL,
  last_hit_ms INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 1,
  paged_ms INTEGER,
  detection_confidence INTEGER NOT NULL DEFAULT 0,
  explanation_confidence INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT 'unexplained'
    CHECK (outcome IN ('unexplained', 'inconclusive', 'partial', 'explained')),
  investigation TEXT NOT NULL DEFAULT 'none'
    CHECK (investigation IN ('none', 'queued', 'running', 'done', 'retry', 'skipped')),
  investigation_note TEXT,
  log_groups TEXT,
  report TEXT,
  history TEXT,
  previous_id TEXT
);
CREATE INDEX k_incidents_status ON autoir_incidents (status, updated_ms);
CREATE INDEX k_incidents_finger ON autoir_incidents (fingerprint, last_ts_ms);

CREATE TABLE autoir_feedback (
  id TEXT NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  incident_id TEXT NOT NULL DEFAULT '',
  family_id INTEGER NOT NULL DEFAULT 0,
  verdict TEXT NOT NULL CHECK (verdict IN ('normal', 'suspect', 'muted', 'known_failure')),
  until_ms INTEGER,
  author TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  applied_minute INTEGER
);
CREATE INDEX k_feedback_applied ON autoir_feedback (applied_minute, at_ms);

CREATE TABLE autoir_evidence (
  incident_id TEXT NOT NULL,
  entry TEXT NOT NULL,
  tool TEXT NOT NULL,
  arguments TEXT NOT NULL,
  statement TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  row_ids TEXT NOT NULL,
  body TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (incident_id, entry)
) WITHOUT ROWID;

CREATE TABLE autoir_outbox (
  id TEXT NOT NULL PRIMARY KEY,
  incident_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  channel TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  next_ms INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  sent_ms INTEGER,
  gave_up_ms INTEGER,
  UNIQUE (incident_id, revision, channel, kind)
);
CREATE INDEX k_outbox_due ON autoir_outbox (sent_ms, next_ms);

CREATE TABLE autoir_cursors (
  source TEXT NOT NULL,
  log_group TEXT NOT NULL,
  watermark_ms INTEGER NOT NULL,
  from_ms INTEGER,
  until_ms INTEGER,
  token TEXT,
  swept_ms INTEGER NOT NULL DEFAULT 0,
  newest_ingest_ms INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  commits INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (source, log_group)
) WITHOUT ROWID;

CREATE TABLE autoir_quarantine (
  id TEXT NOT NULL PRIMARY KEY,
  seen_ms INTEGER NOT NULL,
  log_group TEXT NOT NULL,
  log_stream TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  body TEXT
);
CREATE INDEX k_quarantine_seen ON autoir_quarantine (seen_ms);

CREATE TABLE autoir_meta (
  k TEXT NOT NULL PRIMARY KEY,
  v TEXT NOT NULL
) WITHOUT ROWID;

CREATE VIEW autoir_log_events AS
SELECT e.id, e.log_group,
  (SELECT s.log_stream FROM autoir_streams s WHERE s.stream_id = e.stream_id) AS log_stream,
  e.ts_ms, e.message,
  (SELECT p.embedding FROM autoir_patterns p WHERE p.pattern_id = e.pattern_id) AS embedding,
  e.level, e.pattern_id
FROM autoir_events e;

CREATE VIEW autoir_log_patterns AS
SELECT pattern_id, family_id, log_group, level, kind, component, template, status, first_ms, last_ms, total, embedding
FROM autoir_patterns;

CREATE VIEW autoir_log_counts AS
SELECT log_group, minute, level, pattern_id, n FROM autoir_counts;
