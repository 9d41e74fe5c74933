-- A record as version 10 of the schema has it: version 8's, brought over.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE machine (
    id INTEGER PRIMARY KEY,
    -- Tells one machine, as it is equipped, from another.
    fingerprint TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    inventory TEXT NOT NULL,
    first_seen REAL NOT NULL
);
INSERT INTO machine VALUES(1,'f00d','host','{"cpu":{"model":"Zen"}}',1764000000.0);
CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (machine_id, name, description)
);
INSERT INTO meter VALUES(1,1,'b/pkg','{}');
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
, source TEXT NOT NULL DEFAULT 'taskwatt', import_id INTEGER REFERENCES import, preflight TEXT, label TEXT);
INSERT INTO suite_run VALUES(1,'b5f0c9c4-5c1f-4f7e-9d53-0d3a6f1a7e01',1,'quick','runs: []','{}','{}','0.7.0',1764000000.0,1764000200.0,'completed',NULL,'taskwatt',NULL,NULL,NULL);
CREATE TABLE sample (
    id INTEGER PRIMARY KEY,
    -- NULL for samples outside any run.
    run_id INTEGER REFERENCES run ON DELETE CASCADE,
    meter TEXT NOT NULL,
    wall_time REAL NOT NULL,
    monotonic_ns INTEGER NOT NULL,
    energy_uj INTEGER,
    power_uw INTEGER
, edge TEXT);
INSERT INTO sample VALUES(1,2,'b/pkg',1764000000.5,54780196105838,100,NULL,NULL);
INSERT INTO sample VALUES(2,2,'b/pkg',1764000001.5,54781196105838,200,NULL,NULL);
INSERT INTO sample VALUES(3,NULL,'b/pkg',1764000002.4999999999,54782196105838,300,NULL,NULL);
CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    imported_at REAL NOT NULL
);
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
CREATE TABLE condensed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    until INTEGER NOT NULL
);
INSERT INTO condensed VALUES(1,0);
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
CREATE TABLE job_count (state TEXT PRIMARY KEY, total INTEGER NOT NULL);
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1 first light');
INSERT INTO grdb_migrations VALUES('2 metrics');
INSERT INTO grdb_migrations VALUES('3 sources');
INSERT INTO grdb_migrations VALUES('4 keeping');
INSERT INTO grdb_migrations VALUES('5 jobs');
INSERT INTO grdb_migrations VALUES('6 how many jobs ended');
INSERT INTO grdb_migrations VALUES('7 labels');
INSERT INTO grdb_migrations VALUES('8 typed columns');
INSERT INTO grdb_migrations VALUES('9 sums');
INSERT INTO grdb_migrations VALUES('10 outbox');
CREATE TABLE IF NOT EXISTS "run" (
    id INTEGER PRIMARY KEY,
    suite_run_id INTEGER NOT NULL REFERENCES suite_run ON DELETE CASCADE,
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    repeat INTEGER,
    -- NULL of idle windows, as all of the workload's is.
    task TEXT,
    plugin TEXT,
    plugin_version TEXT,
    model TEXT,
    dataset TEXT,
    size TEXT,
    device TEXT,
    precision TEXT,
    batch INTEGER,
    engine TEXT,
    model_sha256 TEXT,
    program_sha256 TEXT,
    parameter_count INTEGER,
    operations_per_inference REAL,
    seed INTEGER,
    -- A JSON object.
    parameters TEXT,
    -- Seconds since 1970.
    started_at REAL,
    duration_ns INTEGER,
    completed INTEGER,
    failed INTEGER,
    -- Of the total: those of other scopes are in scope_energy, those of its meters in domain_energy.
    scope TEXT NOT NULL,
    provenance TEXT NOT NULL,
    energy_uj INTEGER,
    -- The half-width of the 95 % interval; the next two are standard uncertainties.
    uncertainty_uj INTEGER,
    accuracy_uj INTEGER,
    common_uj INTEGER,
    scaled_uj INTEGER,
    coverage REAL,
    -- JSON arrays of text.
    energy_flags TEXT,
    domain_ids TEXT,
    -- How many rows of scope_energy there are.
    other_scopes INTEGER NOT NULL,
    interval_s REAL,
    jitter REAL,
    idle_power_uw INTEGER,
    idle_uncertainty_uw INTEGER,
    idle_degrees_of_freedom REAL,
    idle_rounding_uw INTEGER,
    latency_mean_s REAL,
    latency_median_s REAL,
    latency_p95_s REAL,
    latency_min_s REAL,
    latency_max_s REAL,
    -- A JSON object of numbers; NULL of none.
    metrics TEXT,
    other_cpu_share REAL,
    steal_share REAL,
    -- A JSON array of text.
    flags TEXT,
    error TEXT
) STRICT;
INSERT INTO run VALUES(1,1,'idle','completed',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1764000000.0,30000000000,0,0,'components','measured',1,0,0,0,NULL,1.0,'[]','[]',0,0.10000000000000000555,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'[]',NULL);
INSERT INTO run VALUES(2,1,'query','completed',2,'fill-mask','onnx-proxies','1.0.0','bert \ "base" ''é''','synthetic','tiny','cuda','int8',4,'ONNX Runtime 1.32.0','abababababababababababababababababababababababababababababababab','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',177704,2.4999999999999999581e+23,-7,'{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5}',1764000000.1234569549,1013563594,1000000000000,3,'components','measured',999999999999999,12500000,3500000,250000,1000000123500000,0.99499999999999999555,'["bridged"]','["b/pkg","a/dram"]',1,0.10000000000000000555,0.012500000000000000693,-250000,1,12.5,2000,0.0020397344517453790298,0.00064090200000000005151,0.5,0.0,1.0,'{"output_tokens":120,"time_to_first_token_s":0.125}',0.68472906403940891895,0.0,'["contended","sampler-late"]',NULL);
INSERT INTO run VALUES(3,1,'query','failed',1,'my-own-task','p',NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,'{}',1764000100.0,0,0,0,'wall','estimated',0,0,0,0,NULL,0.0,'["gap","incomplete"]','["m"]',0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["incomplete"]',replace('it broke,\n"badly"','\n',char(10)));
INSERT INTO run VALUES(5,1,'query','completed',2,'fill-mask','onnx-proxies',NULL,'bert \ "base" ''é''','synthetic','tiny',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1764000000.1234569549,1013563594,1000000000000,NULL,'components','measured',999999999999999,NULL,NULL,0,NULL,0.99499999999999999555,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"output_tokens":120,"time_to_first_token_s":0.125}',NULL,NULL,NULL,NULL);
INSERT INTO run VALUES(6,1,'query','completed',2,'fill-mask','onnx-proxies',NULL,'bert \ "base" ''é''','synthetic','tiny',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1764000000.1234569549,1013563594,1000000000000,NULL,'components','measured',999999999999999,NULL,NULL,0,NULL,0.99499999999999999555,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"output_tokens":120,"time_to_first_token_s":0.125}',NULL,NULL,NULL,NULL);
INSERT INTO run VALUES(7,1,'query','completed',2,'fill-mask','onnx-proxies','1.0.0','bert \ "base" ''é''','synthetic','tiny','cuda','int8',NULL,'ONNX Runtime 1.32.0','abababababababababababababababababababababababababababababababab','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',177704,2.4999999999999999581e+23,-7,'{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5}',1764000000.1234569549,1013563594,1000000000000,3,'components','measured',999999999999999,12500000,3500000,250000,1000000123500000,0.99499999999999999555,'["bridged"]','["b/pkg","a/dram"]',2,0.10000000000000000555,0.012500000000000000693,-250000,1,12.5,2000,NULL,NULL,NULL,NULL,NULL,'{"output_tokens":120,"time_to_first_token_s":0.125}',0.68472906403940891895,0.0,'{"a":1}',NULL);
INSERT INTO run VALUES(8,1,'query','completed',2,'fill-mask','onnx-proxies','1.0.0','bert \ "base" ''é''','synthetic','tiny','cuda','int8',4,'ONNX Runtime 1.32.0','abababababababababababababababababababababababababababababababab','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',177704,2.4999999999999999581e+23,-7,'{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5}',NULL,9223372036854775807,9223372036854775807,3,'components','measured',NULL,12500000,3500000,250000,1000000123500000,0.99499999999999999555,'["bridged"]','["b/pkg","a/dram"]',1,0.10000000000000000555,0.012500000000000000693,-250000,1,12.5,2000,0.0020397344517453790298,0.00064090200000000005151,0.5,0.0,1.0,'{"output_tokens":120,"time_to_first_token_s":0.125}',0.68472906403940891895,0.0,'["contended","sampler-late"]',NULL);
CREATE TABLE run_record (
    run_id INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    procedure TEXT,
    machine_before TEXT,
    machine_after TEXT,
    record TEXT NOT NULL
) STRICT;
INSERT INTO run_record VALUES(1,NULL,NULL,NULL,'{"completed_inferences":0,"energy":{"domains":[],"interval_s":0.1,"other_scopes":[],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":1,"domain_ids":[],"energy_j":1e-06,"flags":[],"provenance":"measured","scope":"components","uncertainty_j":0},"window":{"duration_s":30,"end_monotonic_s":40,"start_monotonic_s":10}},"failed_inferences":0,"flags":[],"metrics":{},"stage":"idle","started_at_unix_s":1764000000,"status":"completed"}');
INSERT INTO run_record VALUES(2,'{}','{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}}','{"accelerators":[],"temperatures_c":{}}','{"completed_inferences":1000000000000,"energy":{"domains":[{"accuracy_standard_uncertainty_j":3,"common_standard_uncertainty_j":0.25,"coverage":1,"energy_j":999999999,"flags":["wrapped"],"id":"b/pkg","in_total":true,"kind":"counter","name":"pkg","provenance":"measured","scope":"package","uncertainty_j":10},{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0.995,"energy_j":0.999999,"flags":["bridged"],"id":"a/dram","in_total":true,"kind":"gauge","name":"dram","provenance":"measured","scope":"dram","uncertainty_j":1e-06},{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"energy_j":4500,"flags":[],"id":"plug","in_total":false,"kind":"gauge","name":"plug","provenance":"measured","scope":"wall","uncertainty_j":45}],"interval_s":0.1,"jitter":0.0125,"other_scopes":[{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"domain_ids":["plug"],"energy_j":4500,"flags":[],"provenance":"measured","scope":"wall","uncertainty_j":45}],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":3.5,"common_standard_uncertainty_j":0.25,"coverage":0.995,"domain_ids":["b/pkg","a/dram"],"energy_j":999999999.999999,"flags":["bridged"],"provenance":"measured","scaled_energy_j":1000000123.5,"scope":"components","uncertainty_j":12.5},"window":{"duration_s":1.013563594,"end_monotonic_s":54781.209669432,"start_monotonic_s":54780.196105838}},"failed_inferences":3,"flags":["contended","sampler-late"],"idle_power_degrees_of_freedom":12.5,"idle_power_rounding_standard_uncertainty_w":0.002,"idle_power_standard_uncertainty_w":1e-06,"idle_power_w":-0.25,"latency":{"max_s":1,"mean_s":0.002039734451745379,"median_s":0.000640902,"min_s":0,"p95_s":0.5},"machine_after":{"accelerators":[],"temperatures_c":{}},"machine_before":{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}},"metrics":{"output_tokens":120,"time_to_first_token_s":0.125},"other_cpu_share":0.6847290640394089,"procedure":{},"repeat":2,"stage":"query","started_at_unix_s":1764000000.123457,"status":"completed","steal_share":0,"workload":{"batch":4,"dataset":"synthetic","device":"cuda","engine":"ONNX Runtime 1.32.0","model":"bert \\ \"base\" ''é''","model_sha256":"abababababababababababababababababababababababababababababababab","operations_per_inference":2.5e+23,"parameter_count":177704,"parameters":{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5},"plugin":"onnx-proxies","plugin_version":"1.0.0","precision":"int8","program_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","seed":-7,"size":"tiny","task":"fill-mask"}}');
INSERT INTO run_record VALUES(3,NULL,NULL,NULL,'{"completed_inferences":0,"energy":{"domains":[],"interval_s":0,"other_scopes":[],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0,"domain_ids":["m"],"energy_j":0,"flags":["gap","incomplete"],"provenance":"estimated","scope":"wall","uncertainty_j":0},"window":{"duration_s":0,"end_monotonic_s":0,"start_monotonic_s":0}},"error":"it broke,\n\"badly\"","failed_inferences":0,"flags":["incomplete"],"metrics":{},"repeat":1,"stage":"query","started_at_unix_s":1764000100,"status":"failed","workload":{"batch":1,"parameters":{},"plugin":"p","task":"my-own-task"}}');
INSERT INTO run_record VALUES(5,NULL,NULL,NULL,'null');
INSERT INTO run_record VALUES(6,NULL,NULL,NULL,'[]');
INSERT INTO run_record VALUES(7,'{}','{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}}','{"accelerators":[],"temperatures_c":{}}','{"completed_inferences":1000000000000,"energy":{"domains":[{"accuracy_standard_uncertainty_j":3,"common_standard_uncertainty_j":0.25,"coverage":1,"energy_j":"much","flags":["wrapped"],"id":"b/pkg","in_total":true,"kind":"counter","name":"pkg","provenance":"measured","scope":"package","uncertainty_j":10},{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0.995,"energy_j":0.999999,"flags":["bridged"],"id":"a/dram","in_total":true,"kind":"gauge","name":"dram","provenance":"measured","scope":"dram","uncertainty_j":1e-06},{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"energy_j":4500,"flags":[],"id":"plug","in_total":false,"kind":"gauge","name":"plug","provenance":"measured","scope":"wall","uncertainty_j":45}],"interval_s":0.1,"jitter":0.0125,"other_scopes":[7,{"scope":5}],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":3.5,"common_standard_uncertainty_j":0.25,"coverage":0.995,"domain_ids":["b/pkg","a/dram"],"energy_j":999999999.999999,"flags":["bridged"],"provenance":"measured","scaled_energy_j":1000000123.5,"scope":"components","uncertainty_j":12.5},"window":{"duration_s":1.013563594,"end_monotonic_s":54781.209669432,"start_monotonic_s":54780.196105838}},"failed_inferences":3,"flags":{"a":1},"idle_power_degrees_of_freedom":12.5,"idle_power_rounding_standard_uncertainty_w":0.002,"idle_power_standard_uncertainty_w":1e-06,"idle_power_w":-0.25,"latency":7,"machine_after":{"accelerators":[],"temperatures_c":{}},"machine_before":{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}},"metrics":{"output_tokens":120,"time_to_first_token_s":0.125},"other_cpu_share":0.6847290640394089,"procedure":{},"repeat":2,"stage":"query","started_at_unix_s":1764000000.123457,"status":"completed","steal_share":0,"workload":{"batch":"two","dataset":"synthetic","device":"cuda","engine":"ONNX Runtime 1.32.0","model":"bert \\ \"base\" ''é''","model_sha256":"abababababababababababababababababababababababababababababababab","operations_per_inference":2.5e+23,"parameter_count":177704,"parameters":{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5},"plugin":"onnx-proxies","plugin_version":"1.0.0","precision":"int8","program_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","seed":-7,"size":"tiny","task":"fill-mask"}}');
INSERT INTO run_record VALUES(8,'{}','{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}}','{"accelerators":[],"temperatures_c":{}}','{"completed_inferences":1000000000000,"energy":{"domains":[{"accuracy_standard_uncertainty_j":3,"common_standard_uncertainty_j":0.25,"coverage":1,"energy_j":999999999,"flags":["wrapped"],"id":"b/pkg","in_total":true,"kind":"counter","name":"pkg","provenance":"measured","scope":"package","uncertainty_j":10},{"accuracy_standard_uncertainty_j":0,"common_standard_uncertainty_j":0,"coverage":0.995,"energy_j":0.999999,"flags":["bridged"],"id":"a/dram","in_total":true,"kind":"gauge","name":"dram","provenance":"measured","scope":"dram","uncertainty_j":1e-06},{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"energy_j":4500,"flags":[],"id":"plug","in_total":false,"kind":"gauge","name":"plug","provenance":"measured","scope":"wall","uncertainty_j":45}],"interval_s":0.1,"jitter":0.0125,"other_scopes":[{"accuracy_standard_uncertainty_j":9,"common_standard_uncertainty_j":1,"coverage":1,"domain_ids":["plug"],"energy_j":4500,"flags":[],"provenance":"measured","scope":"wall","uncertainty_j":45}],"reconciliations":[],"total":{"accuracy_standard_uncertainty_j":3.5,"common_standard_uncertainty_j":0.25,"coverage":0.995,"domain_ids":["b/pkg","a/dram"],"energy_j":999999999.999999,"flags":["bridged"],"provenance":"measured","scaled_energy_j":1000000123.5,"scope":"components","uncertainty_j":12.5},"window":{"duration_s":1.013563594,"end_monotonic_s":54781.209669432,"start_monotonic_s":54780.196105838}},"failed_inferences":3,"flags":["contended","sampler-late"],"idle_power_degrees_of_freedom":12.5,"idle_power_rounding_standard_uncertainty_w":0.002,"idle_power_standard_uncertainty_w":1e-06,"idle_power_w":-0.25,"latency":{"max_s":1,"mean_s":0.002039734451745379,"median_s":0.000640902,"min_s":0,"p95_s":0.5},"machine_after":{"accelerators":[],"temperatures_c":{}},"machine_before":{"accelerators":[],"temperatures_c":{"k10temp/Tctl \"x\"":40.5}},"metrics":{"output_tokens":120,"time_to_first_token_s":0.125},"other_cpu_share":0.6847290640394089,"procedure":{},"repeat":2,"stage":"query","started_at_unix_s":1764000000.123457,"status":"completed","steal_share":0,"workload":{"batch":4,"dataset":"synthetic","device":"cuda","engine":"ONNX Runtime 1.32.0","model":"bert \\ \"base\" ''é''","model_sha256":"abababababababababababababababababababababababababababababababab","operations_per_inference":2.5e+23,"parameter_count":177704,"parameters":{"batch":4,"big":9223372036854775807,"list":[1,"two"],"name":"a, \"b\"","none":null,"on":true,"scale":7.5},"plugin":"onnx-proxies","plugin_version":"1.0.0","precision":"int8","program_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","seed":-7,"size":"tiny","task":"fill-mask"}}');
CREATE TABLE IF NOT EXISTS "domain_energy" (
    run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    meter TEXT NOT NULL,
    -- Among the window's, from 0.
    position INTEGER NOT NULL,
    name TEXT,
    scope TEXT,
    kind TEXT,
    provenance TEXT,
    energy_uj INTEGER,
    uncertainty_uj INTEGER,
    accuracy_uj INTEGER,
    common_uj INTEGER,
    coverage REAL,
    flags TEXT,
    in_total INTEGER,
    PRIMARY KEY (run_id, meter)
) STRICT, WITHOUT ROWID;
INSERT INTO domain_energy VALUES(2,'a/dram',1,'dram','dram','gauge','measured',999999,1,0,0,0.99499999999999999555,'["bridged"]',1);
INSERT INTO domain_energy VALUES(2,'b/pkg',0,'pkg','package','counter','measured',999999999000000,10000000,3000000,250000,1.0,'["wrapped"]',1);
INSERT INTO domain_energy VALUES(2,'plug',2,'plug','wall','gauge','measured',4500000000,45000000,9000000,1000000,1.0,'[]',0);
INSERT INTO domain_energy VALUES(5,'a/dram',0,NULL,'dram',NULL,'measured',999999,1,NULL,NULL,0.99499999999999999555,NULL,NULL);
INSERT INTO domain_energy VALUES(5,'b/pkg',1,NULL,'package',NULL,'measured',999999999000000,10000000,NULL,NULL,1.0,NULL,NULL);
INSERT INTO domain_energy VALUES(5,'plug',2,NULL,'wall',NULL,'measured',4500000000,45000000,NULL,NULL,1.0,NULL,NULL);
INSERT INTO domain_energy VALUES(6,'a/dram',0,NULL,'dram',NULL,'measured',999999,1,NULL,NULL,0.99499999999999999555,NULL,NULL);
INSERT INTO domain_energy VALUES(6,'b/pkg',1,NULL,'package',NULL,'measured',999999999000000,10000000,NULL,NULL,1.0,NULL,NULL);
INSERT INTO domain_energy VALUES(6,'plug',2,NULL,'wall',NULL,'measured',4500000000,45000000,NULL,NULL,1.0,NULL,NULL);
INSERT INTO domain_energy VALUES(7,'a/dram',1,'dram','dram','gauge','measured',999999,1,0,0,0.99499999999999999555,'["bridged"]',1);
INSERT INTO domain_energy VALUES(7,'b/pkg',0,'pkg','package','counter','measured',NULL,10000000,3000000,250000,1.0,'["wrapped"]',1);
INSERT INTO domain_energy VALUES(7,'plug',2,'plug','wall','gauge','measured',4500000000,45000000,9000000,1000000,1.0,'[]',0);
INSERT INTO domain_energy VALUES(8,'a/dram',1,'dram','dram','gauge','measured',999999,1,0,0,0.99499999999999999555,'["bridged"]',1);
INSERT INTO domain_energy VALUES(8,'b/pkg',0,'pkg','package','counter','measured',999999999000000,10000000,3000000,250000,1.0,'["wrapped"]',1);
INSERT INTO domain_energy VALUES(8,'plug',2,'plug','wall','gauge','measured',4500000000,45000000,9000000,1000000,1.0,'[]',0);
CREATE TABLE scope_energy (
    run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    position INTEGER NOT NULL,
    scope TEXT,
    provenance TEXT,
    energy_uj INTEGER,
    uncertainty_uj INTEGER,
    accuracy_uj INTEGER,
    common_uj INTEGER,
    scaled_uj INTEGER,
    coverage REAL,
    flags TEXT,
    domain_ids TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO scope_energy VALUES(2,0,'wall','measured',4500000000,45000000,9000000,1000000,NULL,1.0,'[]','["plug"]');
INSERT INTO scope_energy VALUES(7,1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO scope_energy VALUES(8,0,'wall','measured',4500000000,45000000,9000000,1000000,NULL,1.0,'[]','["plug"]');
CREATE TABLE result_group (
    id INTEGER PRIMARY KEY,
    -- All that a window tells of it, and what of that a model's file goes with, as one text each.
    key TEXT NOT NULL,
    file_key TEXT NOT NULL,
    task TEXT NOT NULL,
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    provenance TEXT NOT NULL,
    plugin TEXT NOT NULL,
    model TEXT,
    dataset TEXT,
    size TEXT,
    device TEXT,
    precision TEXT,
    batch INTEGER NOT NULL,
    engine TEXT,
    suite TEXT NOT NULL,
    label TEXT,
    -- Of the machine.
    fingerprint TEXT NOT NULL,
    -- JSON: the plugin's parameters; the total's meters; how well each measures.
    settings TEXT NOT NULL,
    meters TEXT NOT NULL,
    accuracies TEXT NOT NULL,
    program_sha256 TEXT,
    model_sha256 TEXT
);
INSERT INTO result_group VALUES(1,'9:fill-mask8:taskwatt10:components8:measured12:onnx-proxies19:=bert \ "base" ''é''5:=tiny5:=cuda5:=int81:420:=ONNX Runtime 1.32.04:f00d5:batch1:43:big19:92233720368547758074:list8:[1, two]4:name6:a, "b"4:none4:null2:on4:true5:scale3:7.51:76:a/dram5:b/pkg5:quick0:10:=synthetic','9:fill-mask8:taskwatt10:components8:measured12:onnx-proxies19:=bert \ "base" ''é''5:=tiny5:=cuda5:=int81:420:=ONNX Runtime 1.32.04:f00d5:batch1:43:big19:92233720368547758074:list8:[1, two]4:name6:a, "b"4:none4:null2:on4:true5:scale3:7.51:76:a/dram5:b/pkg','fill-mask','taskwatt','components','measured','onnx-proxies','bert \ "base" ''é''','synthetic','tiny','cuda','int8',4,'ONNX Runtime 1.32.0','quick',NULL,'f00d','{"batch":"4","big":"9223372036854775807","list":"[1, two]","name":"a, \"b\"","none":"null","on":"true","scale":"7.5"}','["a/dram","b/pkg"]','[{"meter":"a/dram"},{"meter":"b/pkg","relative":0}]','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','abababababababababababababababababababababababababababababababab');
INSERT INTO result_group VALUES(2,'11:my-own-task8:taskwatt4:wall9:estimated1:p0:0:0:0:1:10:4:f00d1:01:m5:quick0:0:','11:my-own-task8:taskwatt4:wall9:estimated1:p0:0:0:0:1:10:4:f00d1:01:m','my-own-task','taskwatt','wall','estimated','p',NULL,NULL,NULL,NULL,NULL,1,NULL,'quick',NULL,'f00d','{}','["m"]','[]',NULL,NULL);
CREATE TABLE edition (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO edition VALUES('file 9:fill-mask8:taskwatt10:components8:measured12:onnx-proxies19:=bert \ "base" ''é''5:=tiny5:=cuda5:=int81:420:=ONNX Runtime 1.32.04:f00d5:batch1:43:big19:92233720368547758074:list8:[1, two]4:name6:a, "b"4:none4:null2:on4:true5:scale3:7.51:76:a/dram5:b/pkg','abababababababababababababababababababababababababababababababab');
INSERT INTO edition VALUES('program 12:onnx-proxies4:f00d','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd');
CREATE TABLE sum_name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO sum_name VALUES(1,'failed');
INSERT INTO sum_name VALUES(2,'contended');
INSERT INTO sum_name VALUES(3,'sampler-late');
INSERT INTO sum_name VALUES(4,'0.7.0');
INSERT INTO sum_name VALUES(5,'wall');
INSERT INTO sum_name VALUES(6,'wall components');
CREATE TABLE summed_session (
    suite_run_id INTEGER PRIMARY KEY,
    -- Of the first window with a workload, in days since 1970 (UTC), and the earliest and the latest begin of one; NULL
    -- while there is none.
    day INTEGER,
    first_at REAL,
    last_at REAL,
    -- What the idle baselines say.
    contended INTEGER NOT NULL DEFAULT 0,
    drifted INTEGER NOT NULL DEFAULT 0,
    autocorrelated INTEGER NOT NULL DEFAULT 0,
    baseline_s REAL,
    baseline_degrees REAL
);
INSERT INTO summed_session VALUES(1,20416,1764000000.1234569549,1764000100.0,0,0,0,30.0,29.0);
CREATE TABLE session_sums (
    suite_run_id INTEGER NOT NULL,
    -- 0 of gross, 1 of net energies.
    net INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (suite_run_id, net, group_id)
) WITHOUT ROWID;
INSERT INTO session_sums VALUES(1,0,1,20416,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e00000000000000000000000000000000000000000000000000000000000000006a84efad14b6500f0000000000000000000000000000f07f00000000000000000000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO session_sums VALUES(1,0,2,20416,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000006a84efad14b6500f0000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO session_sums VALUES(1,1,1,20416,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e00000000000000000000000000000000000000000000000000000000000000006a84efad14b6500f0000000000000000000000000000f07f00000000000000000000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO session_sums VALUES(1,1,2,20416,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000006a84efad14b6500f0000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
CREATE TABLE period_sums (
    level INTEGER NOT NULL,
    net INTEGER NOT NULL,
    period INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (level, net, period, group_id)
) WITHOUT ROWID;
INSERT INTO period_sums VALUES(0,0,20416,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(0,0,20416,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(0,1,20416,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(0,1,20416,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(1,0,5104,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(1,0,5104,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(1,1,5104,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(1,1,5104,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(2,0,1276,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(2,0,1276,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(2,1,1276,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(2,1,1276,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(3,0,319,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(3,0,319,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(3,1,319,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(3,1,319,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(4,0,79,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(4,0,79,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(4,1,79,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(4,1,79,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(5,0,19,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(5,0,19,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(5,1,19,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(5,1,19,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(6,0,0,1,X'010000000000000002000000000000000200000000000000000000000000f03ff060bfbc2fa4923e0000000000000000f060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923ef060bfbc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03ff060bfbc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000be2a008d9583d13c22c324a11804943c0000000000000000000000000000000000000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(6,0,0,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
INSERT INTO period_sums VALUES(6,1,0,1,X'010000000000000002000000000000000200000000000000000000000000f03f89aad3bc2fa4923e000000000000000089aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e89aad3bc2fa4923e00000000000000000000000000000000f060bfbc2fa4923e000000000000f03f89aad3bc2fa4923e0000000000000000000000000000f03f89aad3bc2fa4923e00000000000000006a84efad14b6500f000000000000f03f000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000403a138d9583d13c22c324a11804943c000000000000000072317e383ec6243c00000000000029400000000000000000ffffbf3d65cdcd41ed568a758e37f03f000000a2941a6d420000000000000840000000000000f03f000000000000f03fe32079cff9124847000000000000f03f4ab4ef2cf864de414f503c7528aac03e1c6fe03d65cdcd41b8e607402049da41b8e607402049da41d7a3703d0ad7ef3f000000a2941a6d42000000a2941a6d420000000000003e400000000000003e4000000000000000000200000000000000000000000000f03f00000000000000000300000000000000000000000000f03f0200000000000000040000000000000003000000000000000500000000000000000000000000f03f966479e17ffd753d04000000000000000600000000000000f8ffff355ccdcdc14c52060a17a97d4000000000000022400000000000000c40000000000094b140');
INSERT INTO period_sums VALUES(6,1,0,2,X'0100000000000000ffffffffffffff7f0000000000000080000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f0ff000000000000f07f000000000000f07f0000000000000000000000000000f07f000000000000000001000000000000000100000000000000000000000000f03f');
CREATE TABLE damaged_run (run_id INTEGER PRIMARY KEY, suite_run_id INTEGER NOT NULL);
INSERT INTO damaged_run VALUES(5,1);
INSERT INTO damaged_run VALUES(6,1);
INSERT INTO damaged_run VALUES(7,1);
INSERT INTO damaged_run VALUES(8,1);
CREATE TABLE summed (id INTEGER PRIMARY KEY CHECK (id = 1), last_run INTEGER NOT NULL);
INSERT INTO summed VALUES(1,8);
CREATE TABLE stale_session (suite_run_id PRIMARY KEY) WITHOUT ROWID;
DELETE FROM sqlite_sequence;
CREATE INDEX sample_by_run ON sample (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX sample_alone ON sample (wall_time) WHERE run_id IS NULL;
CREATE INDEX job_by_schedule ON job (schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX job_to_do ON job (id) WHERE state IN ('queued', 'running');
CREATE TRIGGER job_ends AFTER UPDATE OF state ON job
    WHEN new.state NOT IN ('queued', 'running') AND old.state IN ('queued', 'running')
BEGIN
    INSERT INTO job_count VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET total = total + 1;
END;
CREATE INDEX suite_run_by_label ON suite_run (label) WHERE label IS NOT NULL;
CREATE INDEX run_by_suite_run ON run (suite_run_id);
CREATE INDEX run_by_task ON run (stage, task);
CREATE INDEX result_group_by_key ON result_group (key);
CREATE INDEX result_group_by_file ON result_group (file_key);
CREATE INDEX result_group_by_plugin ON result_group (plugin, fingerprint);
CREATE INDEX summed_session_by_time ON summed_session (first_at, last_at);
CREATE INDEX summed_session_flagged ON summed_session (suite_run_id)
    WHERE contended OR drifted OR autocorrelated;
CREATE INDEX session_sums_by_day ON session_sums (net, group_id, day);
CREATE INDEX damaged_run_by_suite ON damaged_run (suite_run_id);
CREATE TRIGGER run_changes AFTER UPDATE ON run BEGIN
    INSERT OR IGNORE INTO stale_session VALUES (old.suite_run_id), (new.suite_run_id);
END;
CREATE TRIGGER run_goes AFTER DELETE ON run BEGIN
    INSERT OR IGNORE INTO stale_session VALUES (old.suite_run_id);
    -- Its number may be given anew.
    UPDATE summed SET last_run = coalesce((SELECT max(id) FROM run WHERE id < old.id), 0) WHERE last_run = old.id;
END
;
CREATE TRIGGER run_comes_late AFTER INSERT ON run WHEN new.id <= (SELECT last_run FROM summed) BEGIN
    INSERT OR IGNORE INTO stale_session VALUES (new.suite_run_id);
END;
CREATE TRIGGER scope_changes AFTER UPDATE ON scope_energy BEGIN
    INSERT OR IGNORE INTO stale_session SELECT suite_run_id FROM run WHERE id IN (old.run_id, new.run_id);
END;
CREATE TRIGGER scope_goes AFTER DELETE ON scope_energy BEGIN
    INSERT OR IGNORE INTO stale_session SELECT suite_run_id FROM run WHERE id = old.run_id;
END;
CREATE TRIGGER scope_comes_late AFTER INSERT ON scope_energy
    WHEN new.run_id <= (SELECT last_run FROM summed)
BEGIN
    INSERT OR IGNORE INTO stale_session SELECT suite_run_id FROM run WHERE id = new.run_id;
END;
CREATE TRIGGER suite_run_comes AFTER INSERT ON suite_run BEGIN
    INSERT OR IGNORE INTO stale_session VALUES (new.id);
END;
CREATE TRIGGER suite_run_changes
    AFTER UPDATE OF id, uuid, machine_id, suite, taskwatt_version, source, label ON suite_run
BEGIN
    INSERT OR IGNORE INTO stale_session VALUES (old.id), (new.id);
END;
CREATE TRIGGER suite_run_goes AFTER DELETE ON suite_run BEGIN
    INSERT OR IGNORE INTO stale_session VALUES (old.id);
END;
CREATE TRIGGER machine_comes AFTER INSERT ON machine BEGIN
    INSERT OR IGNORE INTO stale_session SELECT id FROM suite_run WHERE machine_id = new.id;
END;
CREATE TRIGGER machine_changes AFTER UPDATE OF id, fingerprint, name, inventory ON machine BEGIN
    INSERT OR IGNORE INTO stale_session SELECT id FROM suite_run WHERE machine_id IN (old.id, new.id);
END;
CREATE INDEX suite_run_by_peak
    ON suite_run (machine_id, instr(machine_state, '"device_peaks":[{') > 0, started_at);
-- Suites that a collector or a shared directory is still to have.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    -- The UUID of a suite_run.
    suite_run TEXT NOT NULL,
    destination TEXT NOT NULL,
    added_at REAL NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Why it is still here; NULL where nobody has tried.
    problem TEXT,
    -- 1 of one that was refused, and is not sent again by itself.
    parked INTEGER NOT NULL DEFAULT 0,
    UNIQUE (suite_run, destination)
);
CREATE INDEX outbox_to_send ON outbox (destination, parked, id);
COMMIT;
