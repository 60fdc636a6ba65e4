namespace Sluice;

/// <summary>What a stream store can do beyond what every store can.</summary>
[Flags]
public enum StreamStoreCapabilities
{
    /// <summary>Nothing beyond the contract.</summary>
    None = 0,

    /// <summary>Several store objects, in any number of processes, may have the same data open at once.</summary>
    SharedByProcesses = 1,

    /// <summary>Changes name their partitions: <see cref="IStreamStore.WaitForEntriesAsync"/> wakes nobody for another partition.</summary>
    PartitionChanges = 2,
}
