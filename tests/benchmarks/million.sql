-- A full store, statement by statement; see million.py, which puts in the numbers and the @words.

-- Everything that is drawn by lot. The largest target has the cube root of 1/1000, a tenth; what is
-- merged lies where the older one is.
CREATE TEMPORARY TABLE seed AS SELECT s.n AS n,
  'CMP-' || upper(substr(md5(s.n), 1, 12)) AS id,
  1 + :targets * @PLACE * @PLACE * @PLACE / 1000000000000 AS target,
  CASE WHEN @DICE1 < 550000 THEN 'code' WHEN @DICE1 < 870000 THEN 'dependency'
    WHEN @DICE1 < 930000 THEN 'misconfiguration' WHEN @DICE1 < 965000 THEN 'license'
    WHEN @DICE1 < 990000 THEN 'secret' ELSE 'access' END AS kind,
  CASE WHEN @DICE2 < 40000 THEN 'critical' WHEN @DICE2 < 240000 THEN 'high'
    WHEN @DICE2 < 640000 THEN 'medium' WHEN @DICE2 < 900000 THEN 'low'
    WHEN @DICE2 < 960000 THEN 'info' ELSE 'unknown' END AS drawn,
  @DICE3 AS seen_by, @DICE4 AS luck,
  CASE WHEN s.n <= :open THEN 'open' WHEN s.n <= :known THEN 'resolved' ELSE 'merged' END
    AS fate,
  CASE WHEN s.n <= :open THEN 1 + s.n * (:nights - 1) / :open
    ELSE 1 + s.n % 30 END AS first_run
FROM @SERIES;

CREATE INDEX seed_n ON seed (n);

CREATE TEMPORARY TABLE drawn AS SELECT seed.*,
  CASE WHEN kind = 'secret' THEN 'critical' WHEN kind = 'license' THEN 'low'
    ELSE drawn END AS severity,
  CASE WHEN kind = 'code' AND seen_by < 550000 THEN 'semgrep'
    WHEN kind = 'code' AND seen_by < 900000 THEN 'bandit'
    WHEN kind = 'code' THEN 'bandit semgrep'
    WHEN kind = 'dependency' AND seen_by < 450000 THEN 'pip-audit'
    WHEN kind = 'dependency' AND seen_by < 750000 THEN 'trivy'
    WHEN kind = 'dependency' AND seen_by < 900000 THEN 'trivy-image'
    WHEN kind = 'dependency' THEN 'pip-audit trivy'
    WHEN kind = 'access' AND seen_by < 500000 THEN 'registry-permissions'
    WHEN kind = 'access' THEN 'data-expectations'
    WHEN seen_by < 800000 THEN 'trivy' ELSE 'trivy-image' END AS scanners,
  CASE WHEN fate <> 'open' THEN 'gone' WHEN luck < 2000 THEN 'held'
    WHEN luck < 12000 THEN 'unseen' ELSE 'seen' END AS sight,
  CASE WHEN fate = 'open' AND luck >= 970000 THEN 1 ELSE 0 END AS is_waived
FROM seed;

DROP TABLE seed;

CREATE TEMPORARY TABLE seed AS SELECT drawn.*,
  CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'unknown' THEN 3
    WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END AS rank
FROM drawn;

DROP TABLE drawn;

CREATE INDEX seed_number ON seed (n);

INSERT INTO findings (id, target_id, kind, state, severity, rank, confidence, title, first_seen,
  first_revision, first_run, opened_run, opened_at, resolved_run, resolved_at, cause, merged_into,
  risk,
  due_at, waived_until, scanners, sight)
SELECT seed.id, target, seed.kind, CASE fate WHEN 'resolved' THEN 'resolved' ELSE 'open' END,
  severity, rank, CASE WHEN luck % 3 = 0 THEN 'high' ELSE 'medium' END,
  CASE seed.kind WHEN 'code' THEN 'Text is run as code' WHEN 'dependency'
    THEN 'jinja2 2.11.2: a sandbox can be left by a format string' ELSE
    'The container runs as root and nothing says why' END,
  runs.started, substr(md5(first_run) || md5(target), 1, 40), first_run, first_run, runs.started,
  CASE fate WHEN 'resolved' THEN first_run + 30 END,
  CASE fate WHEN 'resolved' THEN ended.started END,
  CASE fate WHEN 'resolved' THEN 'code' ELSE '' END,
  CASE fate WHEN 'merged' THEN (SELECT id FROM seed older WHERE older.n = seed.n - :known) END,
  rank * 1000000 + CASE WHEN seed.kind = 'dependency' THEN luck % 1000 * 10 ELSE 0 END
    + CASE WHEN seed.kind = 'dependency' AND luck % 100 = 0 THEN 100000 ELSE 0 END + target % 4,
  CASE WHEN rank >= 2 THEN runs.started END,
  CASE WHEN is_waived = 1 THEN (SELECT expires_at FROM waivers) END,
  CASE fate WHEN 'merged' THEN '' ELSE scanners END, sight
FROM seed JOIN runs ON runs.id = first_run JOIN runs ended ON ended.id = 1 + (first_run + 29) % 60;

INSERT INTO witnesses (finding_id, target_id, scanner, state, key, observation, first_seen,
  first_revision, first_run, last_seen)
SELECT seed.id, target, scanner, CASE fate WHEN 'resolved' THEN 'gone' ELSE sight END, md5(n),
  '{"scanner":"' || scanner || '","rule":"python.exec-used","kind":"' || seed.kind ||
  '","severity":"' || severity || '","confidence":"medium","title":"Text is run as code",' ||
  '"place":{"path":"service' || (n % 37) || '/module_' || (n % 977) || '.py","line":' || (n % 900) ||
  ',"end_line":' || (n % 900) || ',"column":5,"end_column":40,"symbol":"Service.load_' || (n % 50) ||
  '","blob":"' || substr(md5((n % 977)) || md5(target), 1, 40) || '"},' ||
  CASE WHEN seed.kind IN ('code', 'misconfiguration') THEN '' ELSE
    '"subject":"' || seed.kind || ':' || md5(n) || '",' END ||
  '"fingerprints":[["py-ast/1","' || md5(n) || '"],["tokens/1","' || md5(-n) || '"]],' ||
  '"cwe":["CWE-95"],"details":[["reference",' ||
  '"https://cwe.mitre.org/data/definitions/95"]]}',
  runs.started, substr(md5(first_run) || md5(target), 1, 40), first_run,
  CASE WHEN sight IN ('held', 'unseen') OR fate = 'resolved' THEN runs.started END
FROM seed JOIN runs ON runs.id = first_run
  JOIN (SELECT DISTINCT tool AS scanner FROM scan_keys) known
    ON ' ' || seed.scanners || ' ' LIKE '% ' || scanner || ' %'
WHERE fate <> 'merged' ORDER BY n;

INSERT INTO events (finding_id, run_id, at, kind, data)
SELECT seed.id, first_run, started, 'opened',
  ('{"scanners": ["semgrep"], "revision": "' || substr(md5(n) || md5(target), 1, 40) ||
  '", "severity": "' || severity || '", "cause": "code"}')@JSON
FROM seed JOIN runs ON runs.id = first_run ORDER BY n;

INSERT INTO events (finding_id, run_id, at, kind, data)
SELECT seed.id, runs.id, started, 'resolved',
  ('{"scanner": "semgrep", "revision": "' || substr(md5(n) || md5(target), 1, 40) ||
  '", "path": "service/module.py", "cause": "code"}')@JSON
FROM seed JOIN runs ON runs.id = first_run + 30 WHERE fate = 'resolved' ORDER BY n;

INSERT INTO events (finding_id, run_id, at, kind, data)
SELECT seed.id, runs.id, started, 'merged', ('{"into": "' || older.id || '"}')@JSON
FROM seed JOIN seed older ON older.n = seed.n - :known JOIN runs ON runs.id = seed.first_run + 30
WHERE seed.fate = 'merged';

INSERT INTO events (finding_id, run_id, at, kind, data)
SELECT older.id, runs.id, started, 'merged', ('{"from": "' || seed.id || '"}')@JSON
FROM seed JOIN seed older ON older.n = seed.n - :known JOIN runs ON runs.id = seed.first_run + 30
WHERE seed.fate = 'merged';

INSERT INTO events (finding_id, run_id, at, kind, data)
SELECT seed.id, runs.id, started, 'moved',
  ('{"from": "service' || (n % 37) || '/module_' || ((n + k) % 977) || '.py", "to": "service' ||
  (n % 37) || '/module_' || ((n + k + 1) % 977) || '.py"}')@JSON
FROM seed CROSS JOIN @STEPS
  JOIN runs ON runs.id = CASE WHEN first_run + k < :nights THEN first_run + k ELSE :nights END
WHERE k <= CASE WHEN n % 20 = 0 THEN :often ELSE 1 + n % 2 END ORDER BY n;

INSERT INTO heads (target_id, scanner, outcome, run_id, looked_at, stale_advisories, held_lost,
  completed_at, scanned_run, revision, ref, scan_key, tool_version, advisory_date, sandbox,
  observations)
SELECT target_id, scanner, 'completed', :nights, last.started, @FALSE, 0,
  CASE WHEN target_id % 97 = 0 THEN first.started ELSE last.started END, :scanned,
  substr(md5(target_id) || md5(-target_id), 1, 40), 'refs/heads/main', digest, '1.0', '', '',
  count(*)
FROM witnesses JOIN scan_keys ON tool = scanner JOIN runs last ON last.id = :nights
  JOIN runs first ON first.id = :scanned
GROUP BY target_id, scanner, last.started, first.started, digest;

INSERT INTO ledger (run_id, target_id, scanner, outcome, result, reason, warnings, revision, ref,
  scan_key, tool_version, advisory_date, reused_from, sandbox, seconds, changed, fresh,
  observations, looked_at, recorded_at)
SELECT runs.id, target_id, scanner, 'completed', 'recorded', '', '[]'@JSON, revision, ref,
  scan_key, tool_version, advisory_date, CASE WHEN runs.id > :scanned THEN :scanned END, '',
  0.0, 0.0, @FALSE, observations, started, started
FROM heads CROSS JOIN runs WHERE runs.id >= :scanned;

INSERT INTO waived (waiver_id, finding_id, since, rank, code, void_reason)
SELECT waivers.id, seed.id, created_at, rank, '[]'@JSON, '' FROM seed CROSS JOIN waivers
WHERE is_waived = 1;
