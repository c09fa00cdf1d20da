"""What a machine can serve: tier, language model, memory and time by arithmetic, before anything is downloaded."""
