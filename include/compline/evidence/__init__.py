"""What stands behind a statement: masked reports, content-addressed."""
