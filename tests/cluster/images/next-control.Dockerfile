# The control image with one migration more, as a next version of Mizzen would have it. Older code
# still works on its tables.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
COPY next_migration.py next_version.py /tmp/
RUN python /tmp/next_version.py && rm /tmp/next_*.py
USER 65532
