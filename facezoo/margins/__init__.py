"""Loss heads, neutral: hyper-parameters, equation, paper and a float64 oracle; one file a head."""
