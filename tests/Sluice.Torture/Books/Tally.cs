using System.Text.Json.Serialization;

namespace Sluice.Torture;

/// <summary>What has gone by, as a node remembers it.</summary>
/// <param name="Count">How many items.</param>
/// <param name="Sum">Their numbers, added up.</param>
/// <param name="Share">Not a number, which JSON has no word for, where it was spoilt on purpose.</param>
internal readonly record struct Tally(long Count, long Sum,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Share = 0);

/// <summary>Counts the items of each key, or of each partition, and lets them through.</summary>
/// <param name="spoils">Whether an item makes its state one that cannot be written.</param>
internal sealed class TallyNode(Func<Work, bool> spoils) : StatefulStageNode<Work, Work, Tally>
{
    public const string NodeName = "tally";

    protected override ValueTask ProcessAsync(Work item, Output<Work> output, CancellationToken cancellation)
    {
        State = new(State.Count + 1, State.Sum + item.Number, spoils(item) ? double.NaN : State.Share);
        return output.PushAsync(item);
    }
}
