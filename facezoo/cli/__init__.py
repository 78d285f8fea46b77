"""The command line: one file a verb. Top-level imports here stay light; a verb imports what it needs inside."""
