# The machine's own PostgreSQL, started as the image of that name on public registries is.
# postgres_image.py gathers the context.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY root/ /
# initdb asks for the name of who runs it
RUN ldconfig && echo "postgres:x:65532:65532::/tmp:/bin/sh" >> /etc/passwd
COPY postgres-entry.sh /usr/local/bin/postgres-entry
ENV PATH=/usr/lib/postgresql/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PGDATA=/var/lib/postgresql/data
USER 65532
ENTRYPOINT ["sh", "/usr/local/bin/postgres-entry"]
