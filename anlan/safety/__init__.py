"""一 大安全: training, institutions, prevention, enforcement, supervision."""
