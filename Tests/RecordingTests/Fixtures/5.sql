-- A record as version 5 of the schema has it: two windows that are whole, one that stands for a failure, and four that were damaged.
CREATE TABLE machine (
    id INTEGER PRIMARY KEY,
    -- Tells one machine, as it is equipped, from another.
    fingerprint TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    inventory TEXT NOT NULL,
    first_seen REAL NOT NULL
);
CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (machine_id, name, description)
);
CREATE TABLE suite_run (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    machine_id INTEGER NOT NULL REFERENCES machine,
    suite TEXT NOT NULL,
    suite_text TEXT NOT NULL,
    options TEXT NOT NULL,
    machine_state TEXT NOT NULL,
    taskwatt_version TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    status TEXT NOT NULL,
    error TEXT
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    suite_run_id INTEGER NOT NULL REFERENCES suite_run ON DELETE CASCADE,
    stage TEXT NOT NULL,
    repeat INTEGER,
    task TEXT,
    model TEXT,
    dataset TEXT,
    plugin TEXT,
    size TEXT,
    started_at REAL NOT NULL,
    duration_s REAL NOT NULL,
    completed INTEGER NOT NULL,
    energy_j REAL NOT NULL,
    scope TEXT NOT NULL,
    provenance TEXT NOT NULL,
    coverage REAL NOT NULL,
    status TEXT NOT NULL,
    -- The whole record as JSON; the columns above are what is searched by.
    record TEXT NOT NULL
);
CREATE INDEX run_by_suite_run ON run (suite_run_id);
CREATE INDEX run_by_task ON run (stage, task);
CREATE TABLE domain_energy (
    run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    meter TEXT NOT NULL,
    scope TEXT NOT NULL,
    provenance TEXT NOT NULL,
    energy_j REAL NOT NULL,
    uncertainty_j REAL NOT NULL,
    coverage REAL NOT NULL,
    PRIMARY KEY (run_id, meter)
) WITHOUT ROWID;
CREATE TABLE sample (
    id INTEGER PRIMARY KEY,
    -- NULL for samples outside any run.
    run_id INTEGER REFERENCES run ON DELETE CASCADE,
    meter TEXT NOT NULL,
    wall_time REAL NOT NULL,
    monotonic_ns INTEGER NOT NULL,
    energy_uj INTEGER,
    power_uw INTEGER
);
CREATE INDEX sample_by_time ON sample (wall_time);
CREATE INDEX sample_by_run ON sample (run_id) WHERE run_id IS NOT NULL;
-- What the plugin counted or timed, a JSON object of numbers; NULL of none. It is in `record` too, and
-- here for queries such as `metrics ->> 'output_tokens'`.
ALTER TABLE run ADD COLUMN metrics TEXT;
-- A file that records were brought from.
CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    imported_at REAL NOT NULL
);
-- Who measured it: a RecordSource.
ALTER TABLE suite_run ADD COLUMN source TEXT NOT NULL DEFAULT 'taskwatt';
-- NULL of what was measured here.
ALTER TABLE suite_run ADD COLUMN import_id INTEGER REFERENCES import;
-- What `doctor` said before it began, a JSON array; NULL of records from before there was one.
ALTER TABLE suite_run ADD COLUMN preflight TEXT;
-- Of a reading for the edge of a window: `start` or `end`; NULL of the regular ones.
ALTER TABLE sample ADD COLUMN edge TEXT;
ALTER TABLE run ADD COLUMN device TEXT
    GENERATED ALWAYS AS (json_extract(record, '$.workload.device')) VIRTUAL;
-- What meters saw, by the minute and of long ago by the hour, made of the samples outside of runs.
CREATE TABLE stretch (
    -- 60 or 3600.
    seconds INTEGER NOT NULL,
    meter TEXT NOT NULL,
    -- Seconds since 1970, a multiple of `seconds`.
    start INTEGER NOT NULL,
    -- What was seen, and for how long of the stretch.
    energy_uj INTEGER NOT NULL,
    seen_s REAL NOT NULL,
    least_uw INTEGER NOT NULL,
    most_uw INTEGER NOT NULL,
    PRIMARY KEY (seconds, start, meter)
) WITHOUT ROWID;
-- Until when minutes have been made, in seconds since 1970.
CREATE TABLE condensed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    until INTEGER NOT NULL
);
INSERT INTO condensed VALUES (1, 0);
-- Only those outside of runs are looked for by time, and those of runs grow for years.
DROP INDEX sample_by_time;
CREATE INDEX sample_alone ON sample (wall_time) WHERE run_id IS NULL;
-- The daemon's queue, which outlives the daemon, and how its jobs ended.
CREATE TABLE job (
    -- Never used twice: whoever follows a job knows it by this.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- queued, running, completed, failed, interrupted or skipped.
    state TEXT NOT NULL,
    -- JSON.
    request TEXT NOT NULL,
    -- The timer that asked for it; NULL of a user's own.
    schedule TEXT,
    submitted_at REAL NOT NULL,
    -- How often it has begun, and when the last time.
    attempts INTEGER NOT NULL DEFAULT 0,
    started_at REAL,
    ended_at REAL,
    -- The suite's record, once it has begun.
    suite_run TEXT,
    -- What went wrong, a JSON array of text.
    failures TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX job_by_schedule ON job (schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX job_to_do ON job (id) WHERE state IN ('queued', 'running');
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES ('1 first light'), ('2 metrics'), ('3 sources'), ('4 keeping'), ('5 jobs');
INSERT INTO machine VALUES (1, 'f00d', 'host', '{"cpu":{"model":"Zen"}}', 1764000000);
INSERT INTO meter VALUES (1, 1, 'b/pkg', '{}');
INSERT INTO suite_run (id, uuid, machine_id, suite, suite_text, options, machine_state, taskwatt_version, started_at, ended_at, status)
    VALUES (1, 'b5f0c9c4-5c1f-4f7e-9d53-0d3a6f1a7e01', 1, 'quick', 'runs: []', '{}', '{}', '0.5.0', 1764000000, 1764000200, 'completed');
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (1, 1, 'idle', NULL, NULL, NULL, NULL, NULL, NULL, 1764000000, 30, 0, 1e-06, 'components', 'measured', 1, 'completed', '{"completed_inferences":0,"energy":{"domains":[],"interval_s":0.1,"other_scopes":[],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":1,"domain_ids":[],"energy_j":1e-06,"flags":[],"provenance":"measured","scope":"components","uncertainty_j":0},"window":{"duration_s":30,"end_monotonic_s":40,"start_monotonic_s":10}},"failed_inferences":0,"flags":[],"metrics":{},"stage":"idle","started_at_unix_s":1764000000,"status":"completed"}', NULL);
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (2, 1, 'query', 2, 'fill-mask', 'bert \ "base" ''é''', 'synthetic', 'onnx-proxies', 'tiny', 1764000000.123457, 1.013563594, 1000000000000, 999999999.999999, 'components', 'measured', 0.995, 'completed', '{"completed_inferences":1000000000000,"energy":{"domains":[{"accuracy_standard_uncertainty_j":3,"common_standard_uncertainty_j":0.25,"coverage":1,"energy_j":999999999,"flags":["wrapped"],"id":"b/pkg","in_total":true,"kind":"counter","name":"pkg","provenance":"measured","scope":"package","uncertainty_j":10},{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0.995,"energy_j":0.999999,"flags":["bridged"],"id":"a/dram","in_total":true,"kind":"gauge","name":"dram","provenance":"measured","scope":"dram","uncertainty_j":1e-06},{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"energy_j":4500,"flags":[],"id":"plug","in_total":false,"kind":"gauge","name":"plug","provenance":"measured","scope":"wall","uncertainty_j":45}],"interval_s":0.1,"jitter":0.0125,"other_scopes":[{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"domain_ids":["plug"],"energy_j":4500,"flags":[],"provenance":"measured","scope":"wall","uncertainty_j":45}],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":3.5,"common_standard_uncertainty_j":0.25,"coverage":0.995,"domain_ids":["b/pkg","a/dram"],"energy_j":999999999.999999,"flags":["bridged"],"provenance":"measured","scaled_energy_j":1000000123.5,"scope":"components","uncertainty_j":12.5},"window":{"duration_s":1.013563594,"end_monotonic_s":54781.209669432,"start_monotonic_s":54780.196105838}},"failed_inferences":3,"flags":["contended","sampler-late"],"idle_power_standard_uncertainty_w":1e-06,"idle_power_w":-0.25,"latency":{"max_s":1,"mean_s":0.002039734451745379,"median_s":0.000640902,"min_s":0,"p95_s":0.5},"machine_after":{"accelerators":[],"temperatures_c":{}},"machine_before":{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}},"metrics":{"output_tokens":120,"time_to_first_token_s":0.125},"other_cpu_share":0.6847290640394089,"procedure":{},"repeat":2,"stage":"query","started_at_unix_s":1764000000.123457,"status":"completed","steal_share":0,"workload":{"batch":4,"dataset":"synthetic","device":"cuda","engine":"ONNX Runtime 1.32.0","model":"bert \\ \"base\" ''é''","model_sha256":"abababababababababababababababababababababababababababababababab","operations_per_inference":2.5e+23,"parameter_count":177704,"parameters":{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5},"plugin":"onnx-proxies","plugin_version":"1.0.0","precision":"int8","seed":-7,"size":"tiny","task":"fill-mask"}}', '{"output_tokens":120,"time_to_first_token_s":0.125}');
INSERT INTO domain_energy VALUES (2, 'b/pkg', 'package', 'measured', 999999999, 10, 1);
INSERT INTO domain_energy VALUES (2, 'a/dram', 'dram', 'measured', 0.999999, 1e-06, 0.995);
INSERT INTO domain_energy VALUES (2, 'plug', 'wall', 'measured', 4500, 45, 1);
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (3, 1, 'query', 1, 'my-own-task', NULL, NULL, 'p', NULL, 1764000100, 0, 0, 0, 'wall', 'estimated', 0, 'failed', '{"completed_inferences":0,"energy":{"domains":[],"interval_s":0,"other_scopes":[],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0,"domain_ids":["m"],"energy_j":0,"flags":["gap","incomplete"],"provenance":"estimated","scope":"wall","uncertainty_j":0},"window":{"duration_s":0,"end_monotonic_s":0,"start_monotonic_s":0}},"error":"it broke,\n\"badly\"","failed_inferences":0,"flags":["incomplete"],"metrics":{},"repeat":1,"stage":"query","started_at_unix_s":1764000100,"status":"failed","workload":{"batch":1,"parameters":{},"plugin":"p","task":"my-own-task"}}', NULL);
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (5, 1, 'query', 2, 'fill-mask', 'bert \ "base" ''é''', 'synthetic', 'onnx-proxies', 'tiny', 1764000000.123457, 1.013563594, 1000000000000, 999999999.999999, 'components', 'measured', 0.995, 'completed', 'null', '{"output_tokens":120,"time_to_first_token_s":0.125}');
INSERT INTO domain_energy VALUES (5, 'b/pkg', 'package', 'measured', 999999999, 10, 1);
INSERT INTO domain_energy VALUES (5, 'a/dram', 'dram', 'measured', 0.999999, 1e-06, 0.995);
INSERT INTO domain_energy VALUES (5, 'plug', 'wall', 'measured', 4500, 45, 1);
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (6, 1, 'query', 2, 'fill-mask', 'bert \ "base" ''é''', 'synthetic', 'onnx-proxies', 'tiny', 1764000000.123457, 1.013563594, 1000000000000, 999999999.999999, 'components', 'measured', 0.995, 'completed', '[]', '{"output_tokens":120,"time_to_first_token_s":0.125}');
INSERT INTO domain_energy VALUES (6, 'b/pkg', 'package', 'measured', 999999999, 10, 1);
INSERT INTO domain_energy VALUES (6, 'a/dram', 'dram', 'measured', 0.999999, 1e-06, 0.995);
INSERT INTO domain_energy VALUES (6, 'plug', 'wall', 'measured', 4500, 45, 1);
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (7, 1, 'query', 2, 'fill-mask', 'bert \ "base" ''é''', 'synthetic', 'onnx-proxies', 'tiny', 1764000000.123457, 1.013563594, 1000000000000, 999999999.999999, 'components', 'measured', 0.995, 'completed', '{"completed_inferences":1000000000000,"energy":{"domains":[{"accuracy_standard_uncertainty_j":3,"common_standard_uncertainty_j":0.25,"coverage":1,"energy_j":"much","flags":["wrapped"],"id":"b/pkg","in_total":true,"kind":"counter","name":"pkg","provenance":"measured","scope":"package","uncertainty_j":10},{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0.995,"energy_j":0.999999,"flags":["bridged"],"id":"a/dram","in_total":true,"kind":"gauge","name":"dram","provenance":"measured","scope":"dram","uncertainty_j":1e-06},{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"energy_j":4500,"flags":[],"id":"plug","in_total":false,"kind":"gauge","name":"plug","provenance":"measured","scope":"wall","uncertainty_j":45}],"interval_s":0.1,"jitter":0.0125,"other_scopes":[7,{"scope":5}],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":3.5,"common_standard_uncertainty_j":0.25,"coverage":0.995,"domain_ids":["b/pkg","a/dram"],"energy_j":999999999.999999,"flags":["bridged"],"provenance":"measured","scaled_energy_j":1000000123.5,"scope":"components","uncertainty_j":12.5},"window":{"duration_s":1.013563594,"end_monotonic_s":54781.209669432,"start_monotonic_s":54780.196105838}},"failed_inferences":3,"flags":{"a":1},"idle_power_standard_uncertainty_w":1e-06,"idle_power_w":-0.25,"latency":7,"machine_after":{"accelerators":[],"temperatures_c":{}},"machine_before":{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}},"metrics":{"output_tokens":120,"time_to_first_token_s":0.125},"other_cpu_share":0.6847290640394089,"procedure":{},"repeat":2,"stage":"query","started_at_unix_s":1764000000.123457,"status":"completed","steal_share":0,"workload":{"batch":"two","dataset":"synthetic","device":"cuda","engine":"ONNX Runtime 1.32.0","model":"bert \\ \"base\" ''é''","model_sha256":"abababababababababababababababababababababababababababababababab","operations_per_inference":2.5e+23,"parameter_count":177704,"parameters":{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5},"plugin":"onnx-proxies","plugin_version":"1.0.0","precision":"int8","seed":-7,"size":"tiny","task":"fill-mask"}}', '{"output_tokens":120,"time_to_first_token_s":0.125}');
INSERT INTO domain_energy VALUES (7, 'b/pkg', 'package', 'measured', 'much', 10, 1);
INSERT INTO domain_energy VALUES (7, 'a/dram', 'dram', 'measured', 0.999999, 1e-06, 0.995);
INSERT INTO domain_energy VALUES (7, 'plug', 'wall', 'measured', 4500, 45, 1);
INSERT INTO run (id, suite_run_id, stage, repeat, task, model, dataset, plugin, size, started_at, duration_s, completed, energy_j, scope, provenance, coverage, status, record, metrics)
    VALUES (8, 1, 'query', 2, 'fill-mask', 'bert \ "base" ''é''', 'synthetic', 'onnx-proxies', 'tiny', 'soon', 1e+300, 9223372036854775807, 'x', 'components', 'measured', 0.995, 'completed', '{"completed_inferences":1000000000000,"energy":{"domains":[{"accuracy_standard_uncertainty_j":3,"common_standard_uncertainty_j":0.25,"coverage":1,"energy_j":999999999,"flags":["wrapped"],"id":"b/pkg","in_total":true,"kind":"counter","name":"pkg","provenance":"measured","scope":"package","uncertainty_j":10},{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0.995,"energy_j":0.999999,"flags":["bridged"],"id":"a/dram","in_total":true,"kind":"gauge","name":"dram","provenance":"measured","scope":"dram","uncertainty_j":1e-06},{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"energy_j":4500,"flags":[],"id":"plug","in_total":false,"kind":"gauge","name":"plug","provenance":"measured","scope":"wall","uncertainty_j":45}],"interval_s":0.1,"jitter":0.0125,"other_scopes":[{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"domain_ids":["plug"],"energy_j":4500,"flags":[],"provenance":"measured","scope":"wall","uncertainty_j":45}],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":3.5,"common_standard_uncertainty_j":0.25,"coverage":0.995,"domain_ids":["b/pkg","a/dram"],"energy_j":999999999.999999,"flags":["bridged"],"provenance":"measured","scaled_energy_j":1000000123.5,"scope":"components","uncertainty_j":12.5},"window":{"duration_s":1.013563594,"end_monotonic_s":54781.209669432,"start_monotonic_s":54780.196105838}},"failed_inferences":3,"flags":["contended","sampler-late"],"idle_power_standard_uncertainty_w":1e-06,"idle_power_w":-0.25,"latency":{"max_s":1,"mean_s":0.002039734451745379,"median_s":0.000640902,"min_s":0,"p95_s":0.5},"machine_after":{"accelerators":[],"temperatures_c":{}},"machine_before":{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}},"metrics":{"output_tokens":120,"time_to_first_token_s":0.125},"other_cpu_share":0.6847290640394089,"procedure":{},"repeat":2,"stage":"query","started_at_unix_s":1764000000.123457,"status":"completed","steal_share":0,"workload":{"batch":4,"dataset":"synthetic","device":"cuda","engine":"ONNX Runtime 1.32.0","model":"bert \\ \"base\" ''é''","model_sha256":"abababababababababababababababababababababababababababababababab","operations_per_inference":2.5e+23,"parameter_count":177704,"parameters":{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5},"plugin":"onnx-proxies","plugin_version":"1.0.0","precision":"int8","seed":-7,"size":"tiny","task":"fill-mask"}}', '{"output_tokens":120,"time_to_first_token_s":0.125}');
INSERT INTO domain_energy VALUES (8, 'b/pkg', 'package', 'measured', 999999999, 10, 1);
INSERT INTO domain_energy VALUES (8, 'a/dram', 'dram', 'measured', 0.999999, 1e-06, 0.995);
INSERT INTO domain_energy VALUES (8, 'plug', 'wall', 'measured', 4500, 45, 1);
INSERT INTO sample (id, run_id, meter, wall_time, monotonic_ns, energy_uj, power_uw) VALUES (1, 2, 'b/pkg', 1764000000.5, 54780196105838, 100, NULL);
INSERT INTO sample (id, run_id, meter, wall_time, monotonic_ns, energy_uj, power_uw) VALUES (2, 2, 'b/pkg', 1764000001.5, 54781196105838, 200, NULL);
INSERT INTO sample (id, run_id, meter, wall_time, monotonic_ns, energy_uj, power_uw) VALUES (3, NULL, 'b/pkg', 1764000002.5, 54782196105838, 300, NULL);
