"""S3 through boto3, which nothing else imports. Endpoint and credentials come from AWS_*."""
