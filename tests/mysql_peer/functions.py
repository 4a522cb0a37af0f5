"""TiDB's vector functions, as stored functions over the JSON text that stands for a vector here.

They are exact in double where TiDB counts in float32: compare with 1e-5. About 2 ms for a pair of 384 numbers.
"""

_PAIRS = """
CREATE FUNCTION {name} (a MEDIUMTEXT CHARACTER SET ascii, b MEDIUMTEXT CHARACTER SET ascii)
RETURNS DOUBLE DETERMINISTIC NO SQL
BEGIN
  DECLARE from_a, from_b INT DEFAULT 2;
  DECLARE to_a, to_b INT;
  DECLARE x, y DOUBLE;
  DECLARE dot, norm_a, norm_b, squares DOUBLE DEFAULT 0;
  IF a IS NULL OR b IS NULL THEN RETURN NULL; END IF;
  IF JSON_LENGTH(a) <> JSON_LENGTH(b) THEN
    SIGNAL SQLSTATE 'HY000' SET MESSAGE_TEXT = 'vectors have different dimensions';
  END IF;
  WHILE from_a <= LENGTH(a) DO
    SET to_a = LOCATE(',', a, from_a), to_b = LOCATE(',', b, from_b);
    IF to_a = 0 THEN SET to_a = LENGTH(a), to_b = LENGTH(b); END IF;
    SET x = SUBSTR(a, from_a, to_a - from_a), y = SUBSTR(b, from_b, to_b - from_b);
    SET dot = dot + x * y, norm_a = norm_a + x * x, norm_b = norm_b + y * y, squares = squares + (x - y) * (x - y);
    SET from_a = to_a + 1, from_b = to_b + 1;
  END WHILE;
  RETURN {result};
END
"""
_ONE = "CREATE FUNCTION {name} (a MEDIUMTEXT CHARACTER SET ascii) RETURNS {result} DETERMINISTIC NO SQL RETURN {body}"

FUNCTIONS = (
    _PAIRS.format(name="VEC_COSINE_DISTANCE", result="1 - dot / NULLIF(SQRT(norm_a) * SQRT(norm_b), 0)"),
    _PAIRS.format(name="VEC_L2_DISTANCE", result="SQRT(squares)"),
    _ONE.format(name="VEC_DIMS", result="INT", body="JSON_LENGTH(a)"),
    _ONE.format(name="VEC_FROM_TEXT", result="MEDIUMTEXT CHARACTER SET ascii", body="a"),
    _ONE.format(name="VEC_AS_TEXT", result="MEDIUMTEXT CHARACTER SET ascii", body="a"),
)
"""Statements that make them in the current database."""
