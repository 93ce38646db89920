"""Papers: official documents, workbooks and print pages by code."""
