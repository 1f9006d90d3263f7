-- Tables, indices, text of many lengths, a recursive query, window functions, JSON and a big blob.
PRAGMA journal_mode = memory;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, amount REAL, note BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
INSERT INTO item SELECT i, printf('item %05d', (i * 7919) % 40000), i / 7.0, zeroblob(i % 700) FROM n;
CREATE INDEX by_name ON item (name);
CREATE INDEX by_amount ON item (amount, name);
SELECT count(*), sum(length(note)), round(sum(amount), 3) FROM item;
UPDATE item SET note = hex(name) WHERE id % 3 = 0;
DELETE FROM item WHERE id % 5 = 0;
SELECT name, length(note) FROM item ORDER BY name DESC LIMIT 5;
SELECT substr(name, 6, 2) AS bucket, count(*), max(amount) OVER (ORDER BY substr(name, 6, 2)) FROM item GROUP BY bucket LIMIT 10;
SELECT json_group_array(json_object('id', id, 'name', name)) FROM (SELECT id, name FROM item ORDER BY id LIMIT 50);
SELECT length(group_concat(name, ',')) FROM item;
CREATE TABLE big (data BLOB);
INSERT INTO big VALUES (zeroblob(5000000));
UPDATE big SET data = CAST(hex(data) AS BLOB);
SELECT length(data) FROM big;
WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib LIMIT 80) SELECT max(a) FROM fib;
DROP TABLE big;
VACUUM;
PRAGMA integrity_check;
