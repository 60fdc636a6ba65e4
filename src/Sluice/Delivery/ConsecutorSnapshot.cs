namespace Sluice.Diagnostics;

/// <summary>A snapshot of a consecutor: the place of every accepted item. Every item is counted in one place, and all places are counted
/// together.</summary>
/// <remarks>
/// If several members share the consecutor, <see cref="InFlight"/>, <see cref="Retrying"/>, <see cref="Parked"/> and <see cref="Suspect"/>
/// count the items of this member's partitions only, and <see cref="Pending"/> contains those of the other members. With each heartbeat,
/// the member learns how many items of all processes have not ended. How items of others have ended, it learns at a heartbeat at which it
/// has nothing in flight; until then, <see cref="Accepted"/> leaves them out. If no other process sends or works, the counts are exact.
/// </remarks>
/// <param name="Name">The consecutor's name.</param>
/// <param name="Status">The lifecycle status.</param>
/// <param name="Run">The pipeline's nodes; null before the start.</param>
public sealed record ConsecutorSnapshot(string Name, ConsecutorStatus Status, RunSnapshot? Run)
{
    /// <summary>The name of this member (<see cref="ConsecutorOptions.InstanceId"/>).</summary>
    public string InstanceId { get; init; } = "";

    /// <summary>Items accepted since the stream was made.</summary>
    public long Accepted { get; init; }

    /// <summary>Items that have completely ended in a sink.</summary>
    public long Completed { get; init; }

    /// <summary>Items that have ended without reaching a sink, as intended: filtered out, or split into nothing.</summary>
    public long Skipped { get; init; }

    /// <summary>Dead letters. An item that died in several parts counts once per part; <see cref="Split"/> has the surplus.</summary>
    public long Dead { get; init; }

    /// <summary>Items that failed and are not kept: under <see cref="DeliveryGuarantee.Confirm"/>, beyond
    /// <see cref="DeliveryGuarantee.Track"/>'s number, skipped by policy, or deleted as dead letters.</summary>
    public long Cancelled { get; init; }

    /// <summary>Items in the store that were not handed to the pipeline yet: new items and redriven dead letters. Items that other members
    /// have in flight, retry or have parked count here.</summary>
    public long Pending { get; init; }

    /// <summary>Items in flight: handed to the pipeline, and not committed yet.</summary>
    public long InFlight { get; init; }

    /// <summary>Items that failed and wait for their next attempt.</summary>
    public long Retrying { get; init; }

    /// <summary>Items that are put aside: they wait for other code, or behind an earlier item of their key that has failed.</summary>
    public long Parked { get; init; }

    /// <summary>Suspects: items that were in flight when a process died, and wait for exclusive execution.</summary>
    public long Suspect { get; init; }

    /// <summary>Dead parts beyond the first of each item: how many more dead letters than dead items there are. They are counted in
    /// addition to <see cref="Accepted"/>.</summary>
    public long Split { get; init; }

    /// <summary>Counts of the named outputs, by name, since the start of this process: entries committed to other consecutors, and items
    /// discarded because the output leads nowhere. Items of failed attempts are in neither.</summary>
    public IReadOnlyDictionary<string, OutputCounts> Outputs { get; init; } =
        System.Collections.Immutable.ImmutableDictionary<string, OutputCounts>.Empty;

    /// <summary>When the consecutor was paused (<c>Consecutor.PauseAsync</c>), by the store's clock, as far as this member knows; null if
    /// it is not paused.</summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>Whether the pause is a drain (<c>Consecutor.DrainAsync</c>), as far as this member knows.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Whether the input is complete (<c>Consecutor.CompleteAsync</c>), as far as this member knows: no more items are accepted,
    /// also after a restart.</summary>
    public bool IsInputComplete { get; init; }

    /// <summary>The problem that keeps the consecutor from working, as a text for people, such as a full output; null if there is
    /// none.</summary>
    public string? Problem { get; init; }

    /// <summary>The last failed attempt of an item since the start of this process, as a text for people: the node, the number of the
    /// attempt, type and message of the exception. Null if none has failed. An item that fails is no <see cref="Problem"/>.</summary>
    public string? LastFailure { get; init; }

    /// <summary>The partitions that are stopped by damage (<see cref="ConsecutorOptions.OnDamage"/>); the other partitions go on.</summary>
    public IReadOnlyList<StoppedPartition> Stopped { get; init; } = [];

    /// <summary>The acknowledged data that the store is known to have lost (<see cref="StoreRolledBackException"/>), as a text for people;
    /// null if no loss is known. It stays for the life of the consecutor.</summary>
    public string? Loss { get; init; }

    /// <summary>The difference between the clocks of this machine and of the store at the start, as a text for people; null if it was
    /// within a minute. Nothing compares the two clocks.</summary>
    public string? ClockSkew { get; init; }

    /// <summary>Accepted items that are in none of the other figures; always zero.</summary>
    public long Unaccounted
        => Accepted + Split - Completed - Skipped - Dead - Cancelled - Pending - InFlight - Retrying - Parked - Suspect;

    /// <summary>Whether every accepted item has ended.</summary>
    public bool IsIdle => Pending + InFlight + Retrying + Parked + Suspect == 0;

    /// <summary>Returns the counts in a line or two, then the nodes, as a text for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Name}: {Status}").AppendLine();
        text.Append(CultureInfo.InvariantCulture,
            $"accepted {Accepted} = completed {Completed} + skipped {Skipped} + dead {Dead} + cancelled {Cancelled}")
            .Append(CultureInfo.InvariantCulture,
            $" + pending {Pending} + in flight {InFlight} + retrying {Retrying} + parked {Parked} + suspect {Suspect}");
        if (Split > 0) text.Append(CultureInfo.InvariantCulture, $" - split {Split}");
        text.AppendLine();
        foreach ((string name, OutputCounts count) in Outputs.OrderBy(output => output.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"output {name}: {count.Written} written, {count.Discarded} of them discarded")
                .AppendLine();
        if (Loss is not null) text.Append("loss: ").AppendLine(Loss);
        foreach (StoppedPartition stopped in Stopped) text.Append("stopped: ").AppendLine(stopped.Message);
        if (ClockSkew is not null) text.Append("clocks: ").AppendLine(ClockSkew);
        if (PausedAt is { } since)
            text.Append(IsDraining ? "draining" : "paused").Append(CultureInfo.InvariantCulture, $" since {since:u}").AppendLine();
        if (LastFailure is not null) text.Append("last failure: ").AppendLine(LastFailure);
        if (Problem is not null) text.Append("problem: ").AppendLine(Problem);
        return text.Append(Run?.NodesToString()).ToString();
    }
}

/// <summary>The lifecycle status of a consecutor.</summary>
public enum ConsecutorStatus
{
    /// <summary>Not started: sent items wait.</summary>
    Created,

    /// <summary>Running: it leases and processes items.</summary>
    Running,

    /// <summary>Running, but paused in the store: accepts items, and begins none (<see cref="ConsecutorSnapshot.PausedAt"/>).</summary>
    Paused,

    /// <summary>Stopping: items in flight may still end.</summary>
    Stopping,

    /// <summary>Ended.</summary>
    Stopped,

    /// <summary>Ended by a failure that no single item caused; see <c>Consecutor.Completion</c>.</summary>
    Failed,
}
