"""Puts an object into the cluster's S3 from a pod and gets it back; prints what came back."""

import boto3

client = boto3.client("s3")  # address and credentials come from the environment
client.create_bucket(Bucket="from-a-pod")
client.put_object(Bucket="from-a-pod", Key="folder/key", Body=b"the same bytes")
print(client.get_object(Bucket="from-a-pod", Key="folder/key")["Body"].read().decode())  # noqa: T201
