using Sluice.Diagnostics;

namespace Sluice;

/// <summary>The policy of a consecutor for an accepted entry that its store cannot read any more, because its bytes were changed or are
/// gone.</summary>
public enum DamagePolicy
{
    /// <summary>
    /// The entry's partition stops and reports it (<see cref="ConsecutorSnapshot.Stopped"/>). The consecutor tries the partition again
    /// after pauses that grow from a second to a minute, so it goes on once the store is repaired. All other partitions go on.
    /// </summary>
    Stop,

    /// <summary>The entry becomes a dead letter, with the reason and the remaining bytes, at every level of <see cref="DeliveryGuarantee"/>,
    /// and its partition goes on. The key is lost with the entry, and so is the order of that key. Its batch is lost, too: a batch with a
    /// damaged entry never ends.</summary>
    DeadLetter,
}
