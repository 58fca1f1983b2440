// The statements on the table `job`, whose columns pg-boss documents for SQL ("SQL" in its documentation), for what its functions cannot do:
// receipts, delays by the worker, attempts that do not count, locks that are renewed, keys until the end, failures.
//
// A fetch counts `retry_count` up, so its value is the number of the lease. `data` says how many leases were settled: what is missing
// are workers that died. `singleton_on` makes the key unique, and is taken away at the end.

/** Inserts the rows of a JSON array. A job that is there, or whose key an unfinished one has, is left as it is. */
export function insertJobs(schema: string): string {
  return `INSERT INTO ${schema}.job
(id, name, priority, data, retry_limit, retry_delay, retry_backoff, singleton_key, singleton_on, keep_until, policy)
SELECT id, $1, priority, data, 1000000000, 0, false, key, CASE WHEN key IS NOT NULL THEN timestamp 'epoch' END,
timestamptz '9999-01-01 00:00Z', 'standard'
FROM json_to_recordset($2) AS given(id uuid, priority integer, data jsonb, key text)
ON CONFLICT DO NOTHING
RETURNING id`;
}

type Name =
  | "insert"
  | "find"
  | "settle"
  | "renew"
  | "expire"
  | "sweep"
  | "remove"
  | "counts"
  | "failures"
  | "retry"
  | "discard";

export type Statements = Readonly<Record<Name, string>>;

export function statements(schema: string): Statements {
  const job = `${schema}.job`;
  const waits = "state < 'active'";
  return {
    insert: insertJobs(schema),
    /** The jobs with these ids, and the unfinished ones with these keys. */
    find: `SELECT id, data->>'id' AS task, singleton_key AS key FROM ${job} WHERE name = $1 AND (id = ANY($2)
OR (singleton_on = timestamp 'epoch' AND state <> 'cancelled' AND COALESCE(singleton_key, '') = ANY($3)))`,
    settle: `UPDATE ${job} AS j SET state = given.state::${schema}.job_state,
start_after = CASE WHEN given.state = 'retry' THEN now() + given.delay * interval '1 ms' ELSE j.start_after END,
completed_on = CASE WHEN given.state = 'completed' THEN now() END,
singleton_on = CASE WHEN given.state = 'retry' THEN j.singleton_on END,
output = given.output,
data = CASE WHEN given.state = 'completed' THEN j.data
ELSE j.data || jsonb_build_object('tries', given.tries, 'settled', COALESCE((j.data->>'settled')::integer, 0) + 1) END
FROM json_to_recordset($2) AS given(id uuid, lease integer, state text, delay float8, tries integer, output jsonb)
WHERE j.name = $1 AND j.id = given.id AND j.retry_count = given.lease AND j.state = 'active'
RETURNING j.id`,
    /** pg-boss has no locks that are renewed: a job is as old as its last renewal. */
    renew: `UPDATE ${job} AS j SET started_on = now()
FROM json_to_recordset($2) AS given(id uuid, lease integer)
WHERE j.name = $1 AND j.id = given.id AND j.retry_count = given.lease AND j.state = 'active'
RETURNING j.id`,
    expire: `UPDATE ${job} SET state = 'retry', start_after = now()
WHERE name = $1 AND state = 'active' AND started_on < now() - $2 * interval '1 ms'`,
    sweep: `DELETE FROM ${job} WHERE name = $1 AND state = 'completed' AND completed_on < now() - $2 * interval '1 ms'`,
    remove: `WITH removed AS (DELETE FROM ${job} WHERE name = $1 AND id = $2 AND ${waits} RETURNING id)
SELECT id IN (SELECT id FROM removed) AS removed FROM ${job} WHERE name = $1 AND id = $2 AND state < 'completed'`,
    counts: `SELECT count(*) FILTER (WHERE ${waits} AND start_after <= now()) AS waiting,
count(*) FILTER (WHERE ${waits} AND start_after > now()) AS delayed,
count(*) FILTER (WHERE state = 'active') AS running,
count(*) FILTER (WHERE state = 'failed') AS failed
FROM ${job} WHERE name = $1 AND state <> 'completed'`,
    failures: `SELECT id, data, output FROM ${job} WHERE name = $1 AND state = 'failed' ORDER BY created_on DESC LIMIT $2`,
    retry: `UPDATE ${job} SET state = 'retry', start_after = now(), completed_on = NULL, output = NULL,
data = data || jsonb_build_object('tries', 0, 'settled', retry_count + 1)
WHERE name = $1 AND id = $2 AND state = 'failed' RETURNING id`,
    discard: `DELETE FROM ${job} WHERE name = $1 AND id = $2 AND state = 'failed' RETURNING id`,
  };
}
