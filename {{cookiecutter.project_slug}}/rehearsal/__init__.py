"""Steps 4 to 10 on a laptop: what AWS does for the product, done here. Deleting this folder breaks nothing on AWS."""
