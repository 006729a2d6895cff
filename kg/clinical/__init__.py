"""Parts of the rules extractor: sentences, mentions, patients, conditions, interventions, outcomes, links."""
