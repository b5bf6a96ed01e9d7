"""Cases for storage.yaml."""

import boto3
from azure.storage.blob import BlobServiceClient
from google.cloud import storage
from sagemaker.estimator import Estimator
from sagemaker.huggingface import HuggingFace
from sagemaker.pytorch import PyTorch

s3 = boto3.client("s3")
ec2 = boto3.client("ec2")
efs = boto3.client("efs")
sagemaker_api = boto3.client("sagemaker")


def acls(name):
    # ruleid: ai-bucket-public
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    # ruleid: ai-bucket-public
    s3.put_object(Bucket=name, Key="train.parquet", Body=b"", ACL="public-read-write")
    # ruleid: ai-bucket-public
    s3.upload_file("model.bin", name, "model.bin", ExtraArgs={"ACL": "public-read"})


def acls_mended(name):
    # ok: ai-bucket-public
    s3.put_bucket_acl(Bucket=name, ACL="private")
    # ok: ai-bucket-public
    s3.put_object(Bucket=name, Key="train.parquet", Body=b"")
    # ok: ai-bucket-public
    s3.upload_file("model.bin", name, "model.bin", ExtraArgs={"ServerSideEncryption": "aws:kms"})


def blocks(name):
    # ruleid: ai-bucket-public-block-removed
    s3.delete_public_access_block(Bucket=name)
    # ruleid: ai-bucket-public-block-removed
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": False},
    )


def blocks_mended(name):
    # ok: ai-bucket-public-block-removed
    s3.get_public_access_block(Bucket=name)
    # ok: ai-bucket-public-block-removed
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True},
    )


def encryption(name, other):
    # ruleid: ai-bucket-encryption-removed
    s3.delete_bucket_encryption(Bucket=name)
    # ruleid: ai-bucket-encryption-removed
    return boto3.client("s3").delete_bucket_encryption(Bucket=other)


def encryption_mended(name, rules):
    # ok: ai-bucket-encryption-removed
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    # ok: ai-bucket-encryption-removed
    return s3.get_bucket_encryption(Bucket=name)


def bucket(name):
    # ruleid: ai-bucket-created-without-key
    s3.create_bucket(Bucket=name)


def bucket_elsewhere(name):
    # ruleid: ai-bucket-created-without-key
    return s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def bucket_mended(name, rules):
    # ok: ai-bucket-created-without-key
    s3.create_bucket(Bucket=name)
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)


def bucket_elsewhere_mended(name, rules):
    # ok: ai-bucket-created-without-key
    made = s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    if made:
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)


def other_clouds(connection):
    # ruleid: ai-object-public-gcs-azure
    storage.Client().bucket("models").blob("model.bin").make_public()
    service = BlobServiceClient.from_connection_string(connection)
    # ruleid: ai-object-public-gcs-azure
    return service.create_container("models", public_access="blob")


def other_clouds_mended(connection, expiry):
    # ok: ai-object-public-gcs-azure
    storage.Client().bucket("models").blob("model.bin").generate_signed_url(expiration=expiry)
    service = BlobServiceClient.from_connection_string(connection)
    # ok: ai-object-public-gcs-azure
    return service.create_container("models")


def volumes(zone):
    # ruleid: ai-volume-unencrypted
    ec2.create_volume(AvailabilityZone=zone, Size=500)
    # ruleid: ai-volume-unencrypted
    ec2.create_volume(AvailabilityZone=zone, Size=500, Encrypted=False)
    # ruleid: ai-volume-unencrypted
    efs.create_file_system(CreationToken="datasets")


def volumes_mended(zone, key):
    # ok: ai-volume-unencrypted
    ec2.create_volume(AvailabilityZone=zone, Size=500, Encrypted=True, KmsKeyId=key)
    # ok: ai-volume-unencrypted
    efs.create_file_system(CreationToken="datasets", Encrypted=True, KmsKeyId=key)


def jobs(image, role):
    # ruleid: ai-sagemaker-volume-without-key, ai-sagemaker-traffic-unencrypted, ai-sagemaker-not-isolated
    first = Estimator(image_uri=image, role=role, instance_count=2, instance_type="ml.g5.xlarge")
    # ruleid: ai-sagemaker-volume-without-key, ai-sagemaker-traffic-unencrypted, ai-sagemaker-not-isolated
    second = PyTorch("train.py", role=role, instance_count=4, encrypt_inter_container_traffic=False)
    return first, second


def jobs_mended(image, role, key, options):
    # ok: ai-sagemaker-volume-without-key, ai-sagemaker-traffic-unencrypted, ai-sagemaker-not-isolated
    first = Estimator(
        image_uri=image,
        role=role,
        instance_count=2,
        volume_kms_key=key,
        encrypt_inter_container_traffic=True,
        enable_network_isolation=True,
    )
    # ok: ai-sagemaker-volume-without-key, ai-sagemaker-traffic-unencrypted, ai-sagemaker-not-isolated
    second = HuggingFace("train.py", role=role, **options)
    return first, second


def notebooks(role):
    # ruleid: ai-sagemaker-notebook-open
    sagemaker_api.create_notebook_instance(NotebookInstanceName="n", RoleArn=role, DirectInternetAccess="Enabled")
    # ruleid: ai-sagemaker-notebook-open
    sagemaker_api.create_notebook_instance(NotebookInstanceName="n", RoleArn=role)


def notebooks_mended(role, subnet):
    # ok: ai-sagemaker-notebook-open
    sagemaker_api.create_notebook_instance(
        NotebookInstanceName="n", RoleArn=role, SubnetId=subnet, DirectInternetAccess="Disabled", RootAccess="Disabled"
    )
    # ok: ai-sagemaker-notebook-open
    sagemaker_api.create_notebook_instance(
        NotebookInstanceName="m", RoleArn=role, SubnetId=subnet, DirectInternetAccess="Disabled"
    )
