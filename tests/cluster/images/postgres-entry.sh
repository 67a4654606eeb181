# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA: what the chart of the platform gives.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # a start that was killed halfway begins again
    rm -rf "$PGDATA" "$PGDATA.new"
    (umask 077 && printf '%s' "$POSTGRES_PASSWORD" > /tmp/password)
    initdb --pgdata="$PGDATA.new" --username="$POSTGRES_USER" --pwfile=/tmp/password \
        --auth=scram-sha-256 --encoding=UTF8 --no-locale
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA.new/pg_hba.conf"
    echo "create database \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA.new" postgres
    mv "$PGDATA.new" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
