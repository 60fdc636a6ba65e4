using System.Globalization;
using System.Text;

namespace Sluice;

/// <summary>
/// A consecutor at one moment: where every accepted item is. Exact: every item is in one place, and the places are counted together.
/// </summary>
/// <param name="Name">The consecutor's name.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Run">The pipeline's nodes; null before the start.</param>
public sealed record ConsecutorSnapshot(string Name, ConsecutorStatus Status, RunSnapshot? Run)
{
    /// <summary>Items that were accepted, since the stream was made.</summary>
    public long Accepted { get; init; }

    /// <summary>Those that have completely ended, in a sink.</summary>
    public long Completed { get; init; }

    /// <summary>Those that have ended without reaching a sink, as intended: filtered out, split into nothing.</summary>
    public long Skipped { get; init; }

    /// <summary>
    /// Dead letters. An item that died in several parts counts as often; what it counts more than once is in <see cref="Split"/>.
    /// </summary>
    public long Dead { get; init; }

    /// <summary>Those that failed and are not kept: under <see cref="DeliveryGuarantee.Confirm"/>, beyond <see cref="DeliveryGuarantee.Track"/>'s number, skipped by policy, deleted as letters.</summary>
    public long Cancelled { get; init; }

    /// <summary>Those in the store that have not been handed to the pipeline yet: new ones, and redriven letters.</summary>
    public long Pending { get; init; }

    /// <summary>Those under way: handed to the pipeline, and not committed.</summary>
    public long InFlight { get; init; }

    /// <summary>Those that failed and wait for their next attempt.</summary>
    public long Retrying { get; init; }

    /// <summary>Those that are put aside, because they are meant for a node that this code does not have.</summary>
    public long Parked { get; init; }

    /// <summary>Those that were under way when a process died, and wait to run alone.</summary>
    public long Suspect { get; init; }

    /// <summary>How many more letters than items there were: dead parts beyond the first of an item. They are counted besides <see cref="Accepted"/>.</summary>
    public long Split { get; init; }

    /// <summary>
    /// What went to named outputs, by name, since the start of this process: what was committed to other consecutors, and what was discarded because the output leads nowhere. What attempts put
    /// out that failed is in neither.
    /// </summary>
    public IReadOnlyDictionary<string, OutputCounts> Outputs { get; init; } = System.Collections.Immutable.ImmutableDictionary<string, OutputCounts>.Empty;

    /// <summary>What keeps it from working, for people, if anything does: a store that does not answer, a full output.</summary>
    public string? Problem { get; init; }

    /// <summary>The partitions that stand still, because something in them is damaged (<see cref="ConsecutorOptions.OnDamage"/>); the others go on.</summary>
    public IReadOnlyList<StoppedPartition> Stopped { get; init; } = [];

    /// <summary>
    /// What the store was found to have lost of what it had acknowledged (<see cref="StoreRolledBackException"/>), for people; null if nothing is known to be lost. It stays
    /// for as long as the consecutor lives.
    /// </summary>
    public string? Loss { get; init; }

    /// <summary>By how much the clocks of this machine and of the store differed at the start, for people; null if they agreed to a minute. Nothing compares the two.</summary>
    public string? ClockSkew { get; init; }

    /// <summary>Accepted items that are in none of the other figures: zero.</summary>
    public long Unaccounted
        => Accepted + Split - Completed - Skipped - Dead - Cancelled - Pending - InFlight - Retrying - Parked - Suspect;

    /// <summary>Whether everything that was accepted has ended.</summary>
    public bool IsIdle => Pending + InFlight + Retrying + Parked + Suspect == 0;

    /// <summary>The books in a line or two, then the nodes, for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Name}: {Status}").AppendLine();
        text.Append(CultureInfo.InvariantCulture, $"accepted {Accepted} = completed {Completed} + skipped {Skipped} + dead {Dead} + cancelled {Cancelled}")
            .Append(CultureInfo.InvariantCulture, $" + pending {Pending} + in flight {InFlight} + retrying {Retrying} + parked {Parked} + suspect {Suspect}");
        if (Split > 0) text.Append(CultureInfo.InvariantCulture, $" - split {Split}");
        text.AppendLine();
        foreach ((string name, OutputCounts count) in Outputs.OrderBy(output => output.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"output {name}: {count.Written} written, {count.Discarded} of them discarded").AppendLine();
        if (Loss is not null) text.Append("loss: ").AppendLine(Loss);
        foreach (StoppedPartition stopped in Stopped) text.Append("stopped: ").AppendLine(stopped.Message);
        if (ClockSkew is not null) text.Append("clocks: ").AppendLine(ClockSkew);
        if (Problem is not null) text.Append("problem: ").AppendLine(Problem);
        return text.Append(Run?.NodesToString()).ToString();
    }
}

/// <summary>Where a consecutor is in its life.</summary>
public enum ConsecutorStatus
{
    /// <summary>Not started: what is sent waits.</summary>
    Created,

    /// <summary>At work.</summary>
    Running,

    /// <summary>Takes items, and does not hand them on.</summary>
    Paused,

    /// <summary>Lets what is under way end.</summary>
    Stopping,

    /// <summary>Ended.</summary>
    Stopped,

    /// <summary>Ended by a failure that is not about an item; see <c>Consecutor.Completion</c>.</summary>
    Failed,
}
