"""Understanding a message: words, intent, entities, sentiment."""
