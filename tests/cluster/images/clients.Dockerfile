# What a pod needs to speak to the cluster's S3 and PostgreSQL with the libraries users have.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
# pinned so that a rebuilt image is the same; any recent release does
RUN pip install --no-cache-dir boto3==1.40.0 "psycopg[binary]==3.2.9"
USER 65532
