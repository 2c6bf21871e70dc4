"""Finding passages: chunking, BM25, vectors, and their fusion."""
