"""An organisation of the Hugging Face Hub: members, repositories, the token, files."""
