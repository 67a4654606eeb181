# The control image with one migration more, as a next version of Mizzen would have it. Older code
# still works on its tables.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
COPY next-migration.py /tmp/next.py
RUN python -c "import pathlib, mizzen.control.state.database as d; f = pathlib.Path(d.__file__); \
    v = f.parent / 'migrations' / 'versions'; before = d.HEAD; \
    f.write_text(f.read_text().replace(f'HEAD = \"{before}\"', 'HEAD = \"9999\"')); \
    (v / 'm9999_next.py').write_text(pathlib.Path('/tmp/next.py').read_text().replace('BEFORE', before))" \
    && rm /tmp/next.py
USER 65532
