"""Where models lie, whatever registry tells of them: folders, buckets, repositories, images."""
