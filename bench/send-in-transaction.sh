#!/bin/bash
# Measures what the statement of a send in an application's transaction costs PostgreSQL, by pgbench with eight clients: microseconds for
# a transaction, planned each time and prepared. The server is one of its own in a temporary folder, with fsync on.
#   bench/send-in-transaction.sh [SECONDS [ROUNDS]]    # for each variant; 4 and 4 unless given, which is some four minutes
# Not as a user who is root: PostgreSQL refuses that, so root runs it as the user postgres.
set -eu
seconds=${1:-4} rounds=${2:-4}
if [ "$(id -u)" = 0 ]; then
    copy=$(mktemp); trap 'rm -f "$copy"' EXIT; cat "$0" > "$copy"; chmod 755 "$copy"; cd /
    setpriv --reuid=postgres --regid=postgres --init-groups "$copy" "$seconds" "$rounds"; exit
fi
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
work=$(mktemp -d); cd "$work"
leave() { "$bin/pg_ctl" -D data -m immediate stop > /dev/null 2>&1 || true; cd /; rm -rf "$work"; }
trap leave EXIT; trap 'exit 130' INT; trap 'exit 143' TERM
"$bin/initdb" -D data -A trust -U bench > /dev/null
"$bin/pg_ctl" -D data -o "-c listen_addresses='' -k $work -c fsync=on" -l log -w start > /dev/null
export PGHOST=$work PGUSER=bench PGDATABASE=postgres
ask() { "$bin/psql" -qAt -c "$1" > /dev/null; }

# The tables as the store has them, without columns that the statement does not name.
ask 'CREATE TABLE own(id bigserial PRIMARY KEY, text text); CREATE TABLE outbox(id bigserial PRIMARY KEY, body text);
  CREATE TABLE stream (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, store text NOT NULL,
    has_ended boolean NOT NULL DEFAULT false, held_items bigint NOT NULL DEFAULT 0, held_bytes bigint NOT NULL DEFAULT 0,
    max_items bigint NOT NULL DEFAULT 1000000000, max_bytes bigint NOT NULL DEFAULT 1000000000000);
  INSERT INTO stream(name, store) VALUES ($$items$$, $$id$$);
  CREATE TABLE intake (stream bigint NOT NULL, xid bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, items int NOT NULL,
    bytes bigint NOT NULL, damaged boolean NOT NULL DEFAULT false, key text COLLATE "C", print bytea, keep bigint, body bytea NOT NULL,
    PRIMARY KEY (stream, xid, id));
  CREATE UNIQUE INDEX intake_key ON intake (stream, key) WHERE key IS NOT NULL'

body=$(printf '0123456789%.0s' 1 2 3 4 5 6 7 8 9 10)
into="INSERT INTO intake(stream, xid, items, bytes, body)"
room="AND NOT s.has_ended AND (s.held_items <= 5 OR (s.held_items <= s.max_items - 1 AND s.held_bytes <= s.max_bytes - 100))"
script() { printf "BEGIN;\nINSERT INTO own(text) VALUES ('row');\n%s\nCOMMIT;\n" "$2" > "$1.sql"; }
script 1-outbox "INSERT INTO outbox(body) VALUES ('$body');"
script 2-intake "$into VALUES (1, txid_current(), 1, 120, '$body');"
script 3-lookup "$into SELECT s.id, txid_current(), 1, 120, '$body' FROM stream s WHERE s.name = 'items';"
script 4-room "$into SELECT s.id, txid_current(), 1, 120, '$body' FROM stream s WHERE s.name = 'items' AND s.store = 'id' $room RETURNING xid;"
script 5-send "\\startpipeline
LOCK TABLE intake IN ROW EXCLUSIVE MODE;
SELECT pg_advisory_xact_lock_shared(1397511497, hashtext('bench.items'));
$(sed -n 3p 4-room.sql)
\\endpipeline"

for mode in extended prepared; do
    for round in $(seq "$rounds"); do
        for file in *.sql; do
            ask 'TRUNCATE intake, own, outbox'; ask CHECKPOINT
            "$bin/pgbench" -n -c 8 -j 2 -T "$seconds" -M "$mode" -f "$file" 2> /dev/null \
                | awk -v name="${file%.sql}" '/^tps/ { print name, 1e6 / $3 }'
        done
    done | awk -v mode="$mode" '{ sum[$1] += $2; n[$1]++ } END { for (k in n) printf "%-9s %-9s %4.0f\n", mode, k, sum[k] / n[k] }' | sort
done
