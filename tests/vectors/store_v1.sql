BEGIN TRANSACTION;
CREATE TABLE cues (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, decided_utc TEXT NOT NULL,
    t_s REAL, kind TEXT, fault TEXT, side TEXT, context TEXT, text TEXT
);
INSERT INTO "cues" VALUES(3,'20260301T070000000Z-ann',1,'2026-03-01T07:00:02.100Z',2.0,'cue','overstride','left','uphill','Land under your hips');
CREATE TABLE cursors (sink TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('mqtt:here',3);
CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even after rows were deleted
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('started', 'ended', 'stride', 'cue'))
);
INSERT INTO "log" VALUES(1,'20260301T070000000Z-ann','started');
INSERT INTO "log" VALUES(2,'20260301T070000000Z-ann','stride');
INSERT INTO "log" VALUES(3,'20260301T070000000Z-ann','cue');
INSERT INTO "log" VALUES(4,'20260301T070000000Z-ann','stride');
INSERT INTO "log" VALUES(5,'20260301T070000000Z-ann','ended');
CREATE TABLE profiles (
    runner TEXT PRIMARY KEY, baseline TEXT NOT NULL, updated_utc TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "profiles" VALUES('ann','{"version": 1}','2026-11-28T00:52:32.796Z');
CREATE TABLE sessions (
    session TEXT NOT NULL, runner TEXT NOT NULL, started_utc TEXT NOT NULL, source TEXT NOT NULL, recording TEXT NOT NULL,
    ended_utc TEXT,           -- NULL while the session runs
    cut INTEGER NOT NULL DEFAULT 0,  -- 1: it was never ended; closed at its last stride by a later start
    summary TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (session)
) WITHOUT ROWID;
INSERT INTO "sessions" VALUES('20260301T070000000Z-ann','ann','2026-03-01T07:00:00.000Z','pods','/data/20260301T070000000Z-ann.mcap','2026-03-01T07:30:00.000Z',0,'{"running_s": 1700.0}');
CREATE TABLE strides (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, side TEXT, ic_s REAL, tc_s REAL, next_ic_s REAL, cadence_spm REAL, contact_time_ms REAL, flight_time_ms REAL, duty_factor REAL, tibial_inclination_ic_deg REAL, foot_ahead_of_pelvis_mm REAL, pelvic_tilt_deg REAL, pelvic_tilt_range_deg REAL, pelvic_drop_deg REAL, pelvic_rotation_range_deg REAL, pelvic_rotation_lag_percent REAL, speed_mps REAL, grade_percent REAL, turn_rate_dps REAL, shank_retraction_dps REAL, shank_mid_stance_deg REAL, pelvis_over_foot_percent REAL, vertical_oscillation_mm REAL, ic_sd_ms REAL, tc_sd_ms REAL, tibial_inclination_ic_sd_deg REAL, pelvic_tilt_sd_deg REAL, foot_ahead_of_pelvis_sd_mm REAL, quality TEXT, decided_s REAL
);
INSERT INTO "strides" VALUES(2,'20260301T070000000Z-ann',1,'left',1.5,1.53125,2.2,1.5625,1.578125,1.59375,1.609375,1.625,1.640625,1.65625,1.671875,NULL,1.703125,1.71875,1.734375,1.75,1.765625,1.78125,1.796875,1.8125,1.828125,1.84375,1.859375,1.875,1.890625,1.90625,'',1.9375);
INSERT INTO "strides" VALUES(4,'20260301T070000000Z-ann',2,'right',2.5,2.53125,3.2,2.5625,2.578125,2.59375,2.609375,2.625,2.640625,2.65625,2.671875,NULL,2.703125,2.71875,2.734375,2.75,2.765625,2.78125,2.796875,2.8125,2.828125,2.84375,2.859375,2.875,2.890625,2.90625,'gap|walking',2.9375);
CREATE INDEX strides_of_session ON strides (of_session, number);
CREATE INDEX cues_of_session ON cues (of_session, number);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('log',8);
COMMIT;
PRAGMA application_id = 1751215475;
PRAGMA user_version = 1;
