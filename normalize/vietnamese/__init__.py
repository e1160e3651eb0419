"""What is known of the language: syllables, a language model, the formulas of Decree 30."""
