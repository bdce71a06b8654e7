BEGIN TRANSACTION;
CREATE TABLE cues (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, decided_utc TEXT NOT NULL,
    t_s REAL, kind TEXT, fault TEXT, side TEXT, context TEXT, text TEXT
);
CREATE TABLE cursors (sink TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE effects (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, cue_number INTEGER, t_s REAL, fault TEXT, side TEXT, language TEXT, text TEXT, metric TEXT, before REAL, after REAL, n_before INTEGER, n_after INTEGER
);
CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even after rows were deleted
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('started', 'ended', 'stride', 'cue', 'effect', 'pain'))
);
INSERT INTO "log" VALUES(1,'20260301T070000000Z-ann','started');
INSERT INTO "log" VALUES(2,'20260301T070000000Z-ann','pain');
INSERT INTO "log" VALUES(3,'','pain');
CREATE TABLE pain (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL,  -- '' where it belongs to none
    runner TEXT, moment TEXT, score INTEGER, noted_utc TEXT
);
INSERT INTO "pain" VALUES(2,'20260301T070000000Z-ann','ann','after',7,'2026-03-01T08:00:00.000Z');
INSERT INTO "pain" VALUES(3,'','ann','before',2,'2026-03-02T06:30:00.000Z');
CREATE TABLE profiles (
    runner TEXT PRIMARY KEY, baseline TEXT NOT NULL, updated_utc TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE runners (
    name TEXT PRIMARY KEY, leg_length_m REAL, mass_kg REAL, easy_speed_mps REAL, language TEXT, goals TEXT, muted TEXT
) WITHOUT ROWID;
CREATE TABLE sessions (
    session TEXT NOT NULL, runner TEXT NOT NULL, started_utc TEXT NOT NULL, source TEXT NOT NULL, recording TEXT NOT NULL,
    ended_utc TEXT,           -- NULL while the session runs
    cut INTEGER NOT NULL DEFAULT 0,  -- 1: it was never ended; closed at its last stride by a later start
    summary TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (session)
) WITHOUT ROWID;
INSERT INTO "sessions" VALUES('20260301T070000000Z-ann','ann','2026-03-01T07:00:00.000Z','pods','',NULL,0,'{}');
CREATE TABLE strides (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, side TEXT, ic_s REAL, tc_s REAL, next_ic_s REAL, cadence_spm REAL, contact_time_ms REAL, flight_time_ms REAL, duty_factor REAL, tibial_inclination_ic_deg REAL, foot_ahead_of_pelvis_mm REAL, pelvic_tilt_deg REAL, pelvic_tilt_range_deg REAL, pelvic_drop_deg REAL, pelvic_obliquity_range_deg REAL, pelvic_rotation_range_deg REAL, pelvic_rotation_lag_percent REAL, speed_mps REAL, grade_percent REAL, turn_rate_dps REAL, shank_retraction_dps REAL, shank_rate_early_stance_dps REAL, shank_mid_stance_deg REAL, pelvis_over_foot_percent REAL, braking_loss_mps REAL, vertical_oscillation_mm REAL, vertical_stiffness_npmkg REAL, leg_stiffness_npmkg REAL, contact_time_difference_ms REAL, tibial_inclination_difference_deg REAL, pelvic_drop_difference_deg REAL, ic_sd_ms REAL, tc_sd_ms REAL, tibial_inclination_ic_sd_deg REAL, pelvic_tilt_sd_deg REAL, foot_ahead_of_pelvis_sd_mm REAL, quality TEXT, decided_s REAL
);
CREATE INDEX strides_of_session ON strides (of_session, number);
CREATE INDEX cues_of_session ON cues (of_session, number);
CREATE INDEX effects_of_session ON effects (of_session, cue_number);
CREATE INDEX pain_of_runner ON pain (runner, noted_utc);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('log',3);
COMMIT;
PRAGMA application_id = 1751215475;
PRAGMA user_version = 3;
