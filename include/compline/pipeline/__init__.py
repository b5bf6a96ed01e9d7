"""The use cases of one night, one file each: discover, plan, scan, record, conclude, notify."""
