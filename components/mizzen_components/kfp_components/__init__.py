"""The steps as KFP components: signatures and images, nothing else.

The KFP compiler copies a shell's body into the pipeline, so a body imports what it calls.
Only the pipelines import these modules; a test holds each signature equal to its function's.
"""
