namespace Sluice.Torture;

/// <summary>What has gone by, as a node remembers it.</summary>
/// <param name="Count">How many items.</param>
/// <param name="Sum">Their numbers, added up.</param>
internal readonly record struct Tally(long Count, long Sum);

/// <summary>Counts the items of each key, or of each partition, and lets them through.</summary>
internal sealed class TallyNode : StatefulNode<Work, Work, Tally>
{
    public const string NodeName = "tally";

    protected override ValueTask ProcessAsync(Work item, Output<Work> output, CancellationToken cancellation)
    {
        State = new(State.Count + 1, State.Sum + item.Number);
        return output.PushAsync(item);
    }
}
