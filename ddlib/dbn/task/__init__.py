"""The merge of hospitals as a task."""
