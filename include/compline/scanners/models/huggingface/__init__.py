"""An organisation of the Hugging Face Hub as a place of models."""
