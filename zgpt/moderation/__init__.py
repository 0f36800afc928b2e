"""What may be asked and answered: the policy, its matchers, the filter of streams, and a second opinion."""
