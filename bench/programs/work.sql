-- A database in memory: rows of many lengths, indices, updates, grouping, JSON and text that is joined.
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, amount REAL, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO item SELECT i, printf('item %05d', (i * 7919) % 30000), i / 7.0, substr(hex(zeroblob(400)), 1, i % 800) FROM n;
CREATE INDEX by_name ON item (name);
CREATE INDEX by_amount ON item (amount, name);
UPDATE item SET note = note || hex(name) WHERE id % 3 = 0;
DELETE FROM item WHERE id % 5 = 0;
SELECT count(*), sum(length(note)), round(sum(amount), 3) FROM item;
SELECT substr(name, 6, 2) AS bucket, count(*), max(amount), length(group_concat(note)) FROM item GROUP BY bucket LIMIT 20;
SELECT length(json_group_array(json_object('id', id, 'name', name, 'note', note))) FROM item;
SELECT sum(json_extract(json_object('a', id, 'b', name), '$.a')) FROM item;
SELECT count(*) FROM item a JOIN item b ON a.name = printf('item %05d', (b.id * 13) % 30000);
SELECT length(group_concat(upper(name) || replace(note, '0', 'zero'), ',')) FROM item;
SELECT count(DISTINCT substr(note, 1, id % 40)) FROM item;
