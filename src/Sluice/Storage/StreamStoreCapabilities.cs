namespace Sluice.Storage;

/// <summary>The abilities of a stream store beyond the contract.</summary>
[Flags]
public enum StreamStoreCapabilities
{
    /// <summary>Nothing beyond the contract.</summary>
    None = 0,

    /// <summary>Several store objects, in any number of processes, may open the same data at once.</summary>
    SharedByProcesses = 1,

    /// <summary>
    /// Changes name their partitions: <see cref="IStreamStore.WaitForEntriesAsync"/> wakes no caller that waits for other partitions.
    /// </summary>
    PartitionChanges = 2,
}
