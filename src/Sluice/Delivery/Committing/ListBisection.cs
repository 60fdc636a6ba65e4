using Sluice.Policies;

namespace Sluice.Delivery;

/// <summary>Divides a list at which a stage has failed. The halves become entries that enter at that stage.</summary>
/// <remarks>Used by the committer. The commit that settles the list adds its halves.</remarks>
internal static class ListBisection
{
    /// <summary>Makes the halves, in their order, where the entrance of the node accepts it; null if a half cannot be written.</summary>
    /// <param name="letters">Writes the items of the halves.</param>
    /// <param name="root">The root that has failed.</param>
    /// <param name="failure">The failure with the list.</param>
    /// <param name="ordinal">The number of this failure among those of the root, from one.</param>
    public static IEntranceVisitor<Half[]?> Divider(DeadLetterBuilder letters, Root root, PartFailure failure, int ordinal)
        => new Dividing(letters, root, failure, ordinal);

    /// <summary>The part of a divided list that the root is at the node where it failed; null if it is none.</summary>
    public static ListPart? PartAt(Root root, PartFailure failure)
        => failure.Cause.Index == root.Entrance && !root.Headers.IsAfter ? root.Headers.Part : null;

    private sealed class Dividing(DeadLetterBuilder letters, Root root, PartFailure failure, int ordinal)
        : IEntranceVisitor<Half[]?>
    {
        public Half[]? Visit<T>(Inlet<T> inlet)
        {
            if (root.Key is { Length: > DeadLetterBuilder.MaxKey }) return null;
            if (ListParts<T>.Default is not { } lists || failure.Cause.Item is not T list || lists.Count(list) is not (> 1 and var count))
                return null;
            string id = root.Id;
            ListPart part = ListPart.Whole(count);
            if (PartAt(root, failure) is { } known && known.Count == count)
            {
                part = known;
                if (id.EndsWith(known.Range, StringComparison.Ordinal)) id = id[..^known.Range.Length];
            }
            else id = string.Create(CultureInfo.InvariantCulture, $"{id}/{failure.Cause.Node}{(ordinal > 1 ? $".{ordinal}" : "")}");
            if (!lists.TryDivide(list, count, part.First.Count, out (T First, T Second) halves)) return null;
            return Make(halves.First, part.First) is { } first && Make(halves.Second, part.Second) is { } second ? [first, second] : null;

            Half? Make(T list, ListPart half)
            {
                if (letters.Write(list) is not { } payload) return null;
                var headers = new EntryHeaders($"{id}{half.Range}", failure.Cause.Node)
                {
                    Namesakes = letters.NamesakesOf(failure),
                    Part = half,
                    Batch = root.Headers.Batch,
                    Key = letters.KeyOf(root),
                    Trace = root.Headers.Trace
                };
                return new(payload, headers.ToBytes(), root.Headers.Batch);
            }
        }
    }
}
