"""What must hold in every store, whatever was killed when: as sentences with their SQL.

Each query gives what breaks the sentence, and nothing where it holds. They read the tables as
they are and none of the code that writes them, so that a mistake there does not hide itself; the
columns that are derived are derived here once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compline.store.summary import SCANNERS, SIGHT


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that must hold."""

    name: str
    sentence: str
    remedy: str
    """What to do when it does not."""
    query: str | Mapping[str, str]
    """SQL, or one for each dialect that it concerns."""

    def sql(self, dialect: str) -> str | None:
        """The query; None where the database itself sees to it."""
        query = self.query if isinstance(self.query, str) else self.query.get(dialect)
        if query is None or dialect != "sqlite":
            return query
        # SQLite knows the standard's words since 3.39 only.
        return query.replace("IS NOT DISTINCT FROM", "IS").replace("IS DISTINCT FROM", "IS NOT")


REPORT = "this is a fault of Compline: keep a copy of the store and report it with this output"
MEND = "run `compline db check --mend`: these columns can be derived again"
RESCAN = "scan the target again, fresh; if it stays, report it with this output"

_GONE = "SELECT 1 FROM witnesses w WHERE w.finding_id = f.id AND w.state <> 'gone'"
_EVENTS = "(SELECT count(*) FROM events e WHERE e.finding_id = f.id AND e.kind = '{}')"
_FACETS = ("target_id", "kind", "state", "severity", "scanners", "sight")
_COUNTED = (
    f"SELECT {', '.join(_FACETS)}, count(*) AS number FROM findings"
    f" WHERE merged_into IS NULL GROUP BY {', '.join(_FACETS)}"
)
_TOTALS = f"SELECT {', '.join(_FACETS)}, number FROM totals"
_SCAN = (
    "SELECT 1 FROM ledger s WHERE s.run_id = {run} AND s.target_id = {row}.target_id"
    " AND s.scanner = {row}.scanner AND s.outcome = 'completed' AND s.reused_from IS NULL"
)

INVARIANTS = (
    Invariant(
        "file",
        "The database file is whole.",
        "restore the last backup; a store on a network disk is not safe",
        {"sqlite": "SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'"},
    ),
    Invariant(
        "references",
        "Every reference leads somewhere.",
        REPORT,
        {
            "sqlite": 'SELECT "table", rowid, parent FROM pragma_foreign_key_check',
        },
    ),
    Invariant(
        "open-is-seen",
        "An open finding has a witness that is present.",
        RESCAN,
        "SELECT f.id FROM findings f WHERE f.state = 'open' AND f.merged_into IS NULL"
        f" AND NOT EXISTS ({_GONE})",
    ),
    Invariant(
        "resolved-is-gone",
        "A resolved finding has no witness that is present.",
        RESCAN,
        f"SELECT f.id FROM findings f WHERE f.state = 'resolved' AND EXISTS ({_GONE})",
    ),
    Invariant(
        "resolved-says-why",
        "A resolved finding has a run, a time and a cause of it, and an open one has none.",
        REPORT,
        "SELECT id, state, cause FROM findings WHERE merged_into IS NULL AND (state = 'resolved')"
        " <> (resolved_run IS NOT NULL AND resolved_at IS NOT NULL AND cause <> '')",
    ),
    Invariant(
        "merged-leads-on",
        "A merged finding leads to one of the same target that is not merged itself.",
        REPORT,
        "SELECT f.id, f.merged_into FROM findings f WHERE f.merged_into IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM findings o WHERE o.id = f.merged_into AND o.merged_into IS NULL"
        " AND o.target_id = f.target_id)",
    ),
    Invariant(
        "merged-is-empty",
        "A merged finding has no witnesses: they went to the older one.",
        REPORT,
        "SELECT f.id FROM findings f WHERE f.merged_into IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM witnesses w WHERE w.finding_id = f.id)",
    ),
    Invariant(
        "parted-stay-apart",
        "Two findings that a person has parted are not merged again.",
        "part them again: compline part ID",
        "SELECT p.first, p.second FROM partings p JOIN findings f ON f.id IN (p.first, p.second)"
        " WHERE f.merged_into IN (p.first, p.second)",
    ),
    Invariant(
        "witness-at-home",
        "A witness belongs to the target of its finding.",
        REPORT,
        "SELECT w.id, w.finding_id FROM witnesses w JOIN findings f ON f.id = w.finding_id"
        " WHERE f.target_id <> w.target_id",
    ),
    Invariant(
        "seen-has-no-end",
        "A witness that is seen has no time at which it was last seen.",
        REPORT,
        "SELECT id, finding_id FROM witnesses WHERE state = 'seen' AND last_seen IS NOT NULL",
    ),
    Invariant(
        "opened-once",
        "Every finding was opened once.",
        REPORT,
        f"SELECT f.id FROM findings f WHERE {_EVENTS.format('opened')} <> 1",
    ),
    Invariant(
        "every-change-told",
        "Every resolution and reopening has its event, so that they lead to the finding's state.",
        REPORT,
        "SELECT f.id, f.state FROM findings f WHERE f.merged_into IS NULL AND"
        f" {_EVENTS.format('resolved')} - {_EVENTS.format('reopened')}"
        " <> CASE f.state WHEN 'resolved' THEN 1 ELSE 0 END",
    ),
    Invariant(
        "merging-told",
        "A merged finding has the event of it.",
        REPORT,
        "SELECT f.id FROM findings f WHERE f.merged_into IS NOT NULL"
        f" AND {_EVENTS.format('merged')} = 0",
    ),
    Invariant(
        "rank-of-severity",
        "A finding's rank is that of its severity.",
        REPORT,
        "SELECT id, severity, rank FROM findings WHERE rank <> CASE severity WHEN 'critical' THEN 4"
        " WHEN 'high' THEN 3 WHEN 'unknown' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1"
        " WHEN 'info' THEN 0 ELSE -1 END",
    ),
    Invariant(
        "scanners-named",
        "A finding's row names the scanners of its witnesses, and how well they see it.",
        MEND,
        {
            dialect: "SELECT id, scanners, sight FROM findings WHERE"
            f" scanners <> {scanners} OR sight <> {SIGHT}"
            for dialect, scanners in SCANNERS.items()
        },
    ),
    Invariant(
        "totals-agree",
        "The totals are the numbers of findings.",
        MEND,
        f"SELECT * FROM ({_COUNTED} EXCEPT {_TOTALS}) missing UNION ALL"
        f" SELECT * FROM ({_TOTALS} EXCEPT {_COUNTED}) wrong",
    ),
    Invariant(
        "waived-agrees",
        "A finding is waived until the last waiver in force for it ends.",
        MEND,
        "SELECT f.id, f.waived_until FROM findings f LEFT JOIN (SELECT w.finding_id AS id,"
        " max(a.expires_at) AS until FROM waived w JOIN waivers a ON a.id = w.waiver_id"
        " WHERE w.voided_at IS NULL AND a.state = 'active' GROUP BY w.finding_id) held"
        " ON held.id = f.id WHERE f.waived_until IS DISTINCT FROM held.until",
    ),
    Invariant(
        "heads-agree",
        "A scanner's head at a target is its newest look in the ledger.",
        RESCAN,
        "SELECT h.target_id, h.scanner, h.run_id FROM heads h WHERE NOT EXISTS (SELECT 1"
        " FROM ledger l WHERE l.run_id = h.run_id AND l.target_id = h.target_id"
        " AND l.scanner = h.scanner AND l.outcome = h.outcome AND l.looked_at = h.looked_at"
        " AND l.result IN ('recorded', 'held')) OR EXISTS (SELECT 1 FROM ledger l"
        " WHERE l.target_id = h.target_id AND l.scanner = h.scanner"
        " AND l.looked_at > h.looked_at AND l.result IN ('recorded', 'held'))",
    ),
    Invariant(
        "heads-were-scanned",
        "What a head takes for known was really scanned.",
        RESCAN,
        "SELECT h.target_id, h.scanner, h.scanned_run FROM heads h WHERE"
        " (h.completed_at IS NULL) <> (h.scanned_run IS NULL) OR (h.scanned_run IS NOT NULL"
        f" AND NOT EXISTS ({_SCAN.format(run='h.scanned_run', row='h')}))",
    ),
    Invariant(
        "seen-by-a-look",
        "A witness that is seen has a head with a completed look of its scanner.",
        RESCAN,
        "SELECT w.id, w.finding_id FROM witnesses w LEFT JOIN heads h ON h.target_id = w.target_id"
        " AND h.scanner = w.scanner WHERE w.state = 'seen' AND h.completed_at IS NULL",
    ),
    Invariant(
        "facts-of-a-look",
        "A fact has a head with a completed look of its scanner, and a run not after that.",
        RESCAN,
        "SELECT f.target_id, f.scanner, f.key FROM facts f LEFT JOIN heads h"
        " ON h.target_id = f.target_id AND h.scanner = f.scanner"
        " WHERE h.completed_at IS NULL OR f.since > h.looked_at OR f.gone_at > h.looked_at",
    ),
    Invariant(
        "facts-are-told-once",
        "A run tells of a subject's permission once, and not as a new finding as well.",
        REPORT,
        "SELECT r.run_id, r.target_id, r.scanner, r.subject FROM regressions r"
        " JOIN regressions o ON o.run_id = r.run_id AND o.target_id = r.target_id"
        " AND o.scanner = r.scanner AND o.subject = r.subject AND o.id <> r.id"
        " WHERE r.kind IN ('permission-widened', 'model-changed')"
        " AND o.kind IN (r.kind, 'new', 'reopened', 'severity-raised')",
    ),
    Invariant(
        "reused-was-scanned",
        "A reused result leads to the run that really scanned the same.",
        REPORT,
        "SELECT l.run_id, l.target_id, l.scanner, l.reused_from FROM ledger l"
        " WHERE l.reused_from IS NOT NULL"
        f" AND NOT EXISTS ({_SCAN.format(run='l.reused_from', row='l')}"
        " AND s.revision = l.revision AND s.gap_set IS NOT DISTINCT FROM l.gap_set)",
    ),
    Invariant(
        "finished-has-result",
        "A run is finished when it has a result.",
        REPORT,
        "SELECT id, result FROM runs WHERE (finished IS NULL) <> (result IS NULL)",
    ),
    Invariant(
        "shards-under-lease",
        "A shard at work has an owner and the end of its lease; a finished one has its time.",
        REPORT,
        "SELECT run_id, number, state FROM shards WHERE (state = 'done') <> (done_at IS NOT NULL)"
        " OR (lease_until IS NOT NULL AND (owner IS NULL OR state = 'done'))",
    ),
    Invariant(
        "deliveries-under-lease",
        "A delivery on its way has an owner and the end of its lease; an ended one has neither.",
        REPORT,
        "SELECT id, state FROM deliveries WHERE (lease_owner IS NULL) <> (lease_until IS NULL)"
        " OR (state <> 'pending' AND lease_owner IS NOT NULL)"
        " OR (state = 'delivered') <> (delivered_at IS NOT NULL)",
    ),
    Invariant(
        "deliveries-have-threads",
        "A delivery that waits belongs to a thread of its channel, unless it is about many.",
        REPORT,
        "SELECT d.id, d.channel, d.subject FROM deliveries d WHERE d.state = 'pending'"
        " AND d.thread <> '' AND d.subject NOT LIKE 'flood:%' AND d.subject NOT LIKE 'digest:%'"
        " AND NOT EXISTS (SELECT 1 FROM threads t WHERE t.channel = d.channel"
        " AND (t.root = d.thread OR t.subject = d.subject))",
    ),
    Invariant(
        "threads-have-regressions",
        "A thread tells of a regression.",
        REPORT,
        "SELECT t.channel, t.subject FROM threads t"
        " WHERE t.about NOT IN (SELECT r.subject FROM regressions r)",
    ),
    Invariant(
        "waiting-is-routed",
        "What waits for a digest was routed.",
        REPORT,
        "SELECT d.id, d.regression_id FROM digest_entries d"
        " JOIN regressions r ON r.id = d.regression_id WHERE NOT r.routed",
    ),
    Invariant(
        "chain-is-whole",
        "Every manifest follows the one before it, without a hole.",
        "run `compline evidence verify`, and restore the store if it agrees",
        "SELECT m.number FROM manifests m LEFT JOIN manifests p ON p.number = m.number - 1"
        " WHERE m.previous <> coalesce(p.digest, '') OR (m.number > 1 AND p.number IS NULL)",
    ),
)
"""Everything that is checked, what is lost first."""
