"""Inference endpoints: who may call them, what they give away, and how they bear nonsense."""
