"""What the checks of object stores share: asking within bounds, frames, expectations."""
