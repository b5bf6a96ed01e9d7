"""What model files hold: read once, remembered by digest, told apart by their first bytes."""
