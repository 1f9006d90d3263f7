#!/bin/sh
# A Redis server under redis-benchmark. The server takes this process's place, so that what is measured is the server alone:
# the client, which runs without the preload library, is a child that it does not know of. What the client prints is the answer.
set -eu
dir=$(mktemp -d)
socket=$dir/redis.sock
work=${TRESTLE_BENCH_WORK:-100}
count=$((60000 * work / 100 + 100))
(
  unset LD_PRELOAD
  trap 'rm -rf "$dir"' EXIT
  for try in $(seq 500); do
    ! redis-cli -s "$socket" ping >/dev/null 2>&1 || break
    sleep 0.02
  done
  redis-benchmark -s "$socket" -q -n "$count" -r 20000 -d 100 -P 16 -c 20 -t set,get,lpush,lpop,sadd,hset,zadd >/dev/null 2>&1
  redis-cli -s "$socket" flushall
  awk -v count="$count" 'BEGIN {
    for (i = 0; i < count; i++) {
      printf "SET key:%d %s\r\nAPPEND key:%d more%d\r\n", i % 5000, i * 7919, i % 777, i
      printf "SADD set:%d m%d\r\n", i % 50, i
    }
  }' | redis-cli -s "$socket" --pipe | tail -n 1
  redis-cli -s "$socket" dbsize
  redis-cli -s "$socket" strlen key:7
  redis-cli -s "$socket" scard set:7
  redis-cli -s "$socket" shutdown nosave
) &
exec redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$dir" --logfile /dev/null
