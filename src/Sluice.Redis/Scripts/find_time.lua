return digits(now)
