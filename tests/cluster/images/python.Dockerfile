# The image that all others start from: a Debian root with the CPython of the building machine.
# The context is that root, put together by testnode/images/base.py.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY . /
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1
RUN ldconfig && python3 -m ensurepip --upgrade && ln -sf pip3 /usr/local/bin/pip
CMD ["python3"]
