-- The analysis rows of one measurement, from the lines its analysis wrote.
INSERT INTO audience.analysis
SELECT measurement_id, t_content_s, "index", value, se, n, quality, analysis_version, dt, content_id, 'audience' AS analysis
FROM audience.rows
WHERE measurement_id = :measurement
