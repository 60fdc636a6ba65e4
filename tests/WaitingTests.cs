// Tests of this project wait for processes and servers most of the time, so more of them run beside each other than there are cores.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
