-- Schema v1. What stands in braces is filled in: the columns and the clause by which old events and counts go, either
-- day partitions that an owner drops and extends, or rows that the server deletes by itself (TTL).
CREATE TABLE IF NOT EXISTS autoir_events (
  id VARBINARY(32) NOT NULL,
  ts_ms BIGINT NOT NULL,
  log_group VARCHAR(512) NOT NULL,
  stream_id BIGINT NOT NULL,
  level TINYINT NOT NULL,
  pattern_id BIGINT NOT NULL,
  message MEDIUMTEXT COLLATE utf8mb4_general_ci NOT NULL,
  {stored_at}PRIMARY KEY (id, ts_ms) CLUSTERED,
  KEY k_group_ts (log_group, ts_ms, level),
  KEY k_pattern_ts (pattern_id, ts_ms)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
{events_go};

CREATE TABLE IF NOT EXISTS autoir_streams (
  stream_id BIGINT NOT NULL PRIMARY KEY CLUSTERED,
  log_group VARCHAR(512) NOT NULL,
  log_stream VARCHAR(512) NOT NULL,
  KEY k_name (log_group, log_stream(255))
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_patterns (
  pattern_id BIGINT NOT NULL PRIMARY KEY CLUSTERED,
  family_id BIGINT NOT NULL,
  mask_version VARCHAR(16) NOT NULL,
  log_group VARCHAR(512) NOT NULL,
  level TINYINT NOT NULL,
  kind TINYINT NOT NULL DEFAULT 0,
  component VARCHAR(255) NOT NULL DEFAULT '',
  template TEXT COLLATE utf8mb4_general_ci NOT NULL,
  status ENUM('normal', 'suspect', 'muted', 'known_failure') NOT NULL DEFAULT 'normal',
  first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL,
  total BIGINT NOT NULL DEFAULT 0,
  recipe_hash VARBINARY(32) NOT NULL,
  embed_state ENUM('pending', 'done', 'failed') NOT NULL DEFAULT 'pending',
  embed_tries INT NOT NULL DEFAULT 0,
  embed_lease_ms BIGINT NOT NULL DEFAULT 0,
  embed_error VARCHAR(255),
  embedded_ms BIGINT,
  model VARCHAR(64),
  embedding VECTOR(384) NULL,
  KEY k_group (log_group, last_ms),
  KEY k_family (family_id),
  KEY k_embed (embed_state, last_ms),
  KEY k_embedded (embedded_ms),
  KEY k_recipe (recipe_hash)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_counts (
  log_group VARCHAR(512) NOT NULL,
  minute BIGINT NOT NULL,
  level TINYINT NOT NULL,
  pattern_id BIGINT NOT NULL,
  n BIGINT NOT NULL,
  {stored_at}PRIMARY KEY (log_group, minute, level, pattern_id) CLUSTERED,
  KEY k_pattern (pattern_id, minute)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
{counts_go};

CREATE TABLE IF NOT EXISTS autoir_groups (
  log_group VARCHAR(512) NOT NULL PRIMARY KEY,
  mask_version VARCHAR(16) NOT NULL,
  since_ms BIGINT NOT NULL
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_family_stats (
  family_id BIGINT NOT NULL PRIMARY KEY CLUSTERED,
  log_group VARCHAR(512) NOT NULL,
  severity_class TINYINT NOT NULL,
  status ENUM('normal', 'suspect', 'muted', 'known_failure') NOT NULL DEFAULT 'normal',
  muted_until BIGINT,
  first_minute BIGINT,
  last_minute BIGINT,
  s BIGINT NOT NULL DEFAULT 0,
  q BIGINT NOT NULL DEFAULT 0,
  m1 BIGINT NOT NULL DEFAULT 0,
  m2 BIGINT NOT NULL DEFAULT 0,
  blocks BIGINT NOT NULL DEFAULT 0,
  gaps BIGINT NOT NULL DEFAULT 0,
  gap_max BIGINT NOT NULL DEFAULT 0,
  KEY k_group (log_group),
  KEY k_status (status)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_group_stats (
  log_group VARCHAR(512) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  s BIGINT NOT NULL DEFAULT 0,
  q BIGINT NOT NULL DEFAULT 0,
  m1 BIGINT NOT NULL DEFAULT 0,
  m2 BIGINT NOT NULL DEFAULT 0,
  low1 BIGINT,
  low2 BIGINT,
  blocks BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (log_group, kind)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_candidates (
  minute BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  subject VARCHAR(700) NOT NULL,
  log_group VARCHAR(512) NOT NULL,
  family_id BIGINT NOT NULL DEFAULT 0,
  severity_class TINYINT NOT NULL,
  observed BIGINT NOT NULL,
  expected DOUBLE NOT NULL,
  neg_log10_p DOUBLE NOT NULL,
  score DOUBLE NOT NULL,
  window_from BIGINT NOT NULL,
  first_ms BIGINT NOT NULL,
  fold VARCHAR(512) NOT NULL DEFAULT '',
  sample_ids JSON NOT NULL,
  incident_id VARCHAR(64) NOT NULL DEFAULT '',
  PRIMARY KEY (minute, kind, subject),
  KEY k_incident (incident_id),
  KEY k_family (family_id, minute)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_incidents (
  id VARCHAR(64) NOT NULL PRIMARY KEY,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  status ENUM('open', 'ack', 'resolved', 'dismissed') NOT NULL DEFAULT 'open',
  severity ENUM('info', 'low', 'medium', 'high', 'critical') NOT NULL,
  title VARCHAR(255) NOT NULL,
  summary MEDIUMTEXT,
  environment VARCHAR(512) NOT NULL DEFAULT '',
  affected_group VARCHAR(512),
  affected_stream VARCHAR(512),
  first_ts_ms BIGINT,
  last_ts_ms BIGINT,
  event_count BIGINT,
  sample_ids JSON,
  vector_context JSON,
  dedupe_key VARCHAR(128),
  fingerprint VARCHAR(128) NOT NULL,
  last_hit_ms BIGINT NOT NULL DEFAULT 0,
  revision INT NOT NULL DEFAULT 1,
  paged_ms BIGINT,
  detection_confidence TINYINT NOT NULL DEFAULT 0,
  explanation_confidence TINYINT NOT NULL DEFAULT 0,
  outcome ENUM('unexplained', 'inconclusive', 'partial', 'explained') NOT NULL DEFAULT 'unexplained',
  investigation ENUM('none', 'queued', 'running', 'done', 'retry', 'skipped') NOT NULL DEFAULT 'none',
  investigation_note VARCHAR(255),
  log_groups JSON,
  report MEDIUMTEXT,
  history JSON,
  previous_id VARCHAR(64),
  UNIQUE KEY uniq_dedupe (dedupe_key),
  KEY k_status (status, updated_ms),
  KEY k_finger (fingerprint, last_ts_ms)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_feedback (
  id VARBINARY(32) NOT NULL PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  incident_id VARCHAR(64) NOT NULL DEFAULT '',
  family_id BIGINT NOT NULL DEFAULT 0,
  verdict ENUM('normal', 'suspect', 'muted', 'known_failure') NOT NULL,
  until_ms BIGINT,
  author VARCHAR(255) NOT NULL,
  note TEXT NOT NULL,
  applied_minute BIGINT,
  KEY k_applied (applied_minute, at_ms)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_evidence (
  incident_id VARCHAR(64) NOT NULL,
  entry VARCHAR(64) NOT NULL,
  tool VARCHAR(64) NOT NULL,
  arguments MEDIUMTEXT NOT NULL,
  statement MEDIUMTEXT NOT NULL,
  from_ms BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  row_ids JSON NOT NULL,
  body MEDIUMTEXT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  PRIMARY KEY (incident_id, entry)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_outbox (
  id VARBINARY(32) NOT NULL PRIMARY KEY,
  incident_id VARCHAR(64) NOT NULL,
  revision INT NOT NULL,
  channel VARCHAR(32) NOT NULL,
  kind VARCHAR(32) NOT NULL,
  body MEDIUMTEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  next_ms BIGINT NOT NULL,
  tries INT NOT NULL DEFAULT 0,
  lease_until_ms BIGINT NOT NULL DEFAULT 0,
  sent_ms BIGINT,
  gave_up_ms BIGINT,
  UNIQUE KEY uniq_message (incident_id, revision, channel, kind),
  KEY k_due (sent_ms, next_ms)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_cursors (
  source VARCHAR(64) NOT NULL,
  log_group VARCHAR(512) NOT NULL,
  watermark_ms BIGINT NOT NULL,
  from_ms BIGINT,
  until_ms BIGINT,
  token TEXT,
  swept_ms BIGINT NOT NULL DEFAULT 0,
  newest_ingest_ms BIGINT NOT NULL DEFAULT 0,
  lease_owner VARCHAR(128),
  lease_until_ms BIGINT NOT NULL DEFAULT 0,
  fence BIGINT NOT NULL DEFAULT 0,
  commits BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (source, log_group)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_quarantine (
  id VARBINARY(32) NOT NULL PRIMARY KEY,
  seen_ms BIGINT NOT NULL,
  log_group VARCHAR(512) NOT NULL,
  log_stream VARCHAR(512) NOT NULL,
  reason VARCHAR(64) NOT NULL,
  detail VARCHAR(512) NOT NULL,
  bytes BIGINT NOT NULL,
  body MEDIUMTEXT,
  KEY k_seen (seen_ms)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS autoir_meta (
  k VARCHAR(128) NOT NULL PRIMARY KEY,
  v MEDIUMTEXT NOT NULL
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW autoir_log_events AS
SELECT e.id, e.log_group, s.log_stream, e.ts_ms, e.message, p.embedding, e.level, e.pattern_id
FROM autoir_events e
LEFT JOIN autoir_streams s ON s.stream_id = e.stream_id
LEFT JOIN autoir_patterns p ON p.pattern_id = e.pattern_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW autoir_log_patterns AS
SELECT pattern_id, family_id, log_group, level, kind, component, template, status, first_ms, last_ms, total, embedding
FROM autoir_patterns;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW autoir_log_counts AS
SELECT log_group, minute, level, pattern_id, n FROM autoir_counts;
