return sweepTrash()
