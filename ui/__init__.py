"""The page in the browser: compares the models on a clip, live, and shows what pruning did."""
