-- One row per modality of one measurement, from the report of its verification.
INSERT INTO audience.meta
SELECT measurement_id, subject_pid, content_id, content_version, venue_id, seat, started_at, ended_at, tablet_id, app_version,
       os_version, device_model, device_serial_hash, firmware, layout_id, modality, samples, expected_samples, lost, duplicates,
       bad_frames, coverage, raw_uri, raw_bytes, raw_sha256, consent_id, consent_version, age_band, sex, cohort, schema_version,
       ingested_at, pipeline_version, dt, screening_id
FROM audience.verified
WHERE measurement_id = :measurement
