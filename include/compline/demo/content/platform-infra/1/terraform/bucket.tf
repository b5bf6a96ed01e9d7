resource "aws_s3_bucket" "training_data" {
  bucket = "acme-training-data"
  acl    = "public-read"
}
