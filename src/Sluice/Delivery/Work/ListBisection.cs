using System.Globalization;

namespace Sluice;

/// <summary>Divides a list at which a stage has failed, and which is not to be tried again as a whole: the halves are entries of their own, which enter at that stage.</summary>
/// <remarks>They are committed together with the end of what they are halves of.</remarks>
internal static class ListBisection
{
    /// <summary>Whether all that has failed of a root is to be divided: then it has ended, and goes on as its halves; nothing that it did is undone.</summary>
    public static bool IsOfAll(Root root)
    {
        if (root.Failures is null) return false;
        for (PartFailure? failure = root.Failures; failure is not null; failure = failure.Next)
            if (!failure.IsDivisible) return false;
        return true;
    }

    /// <summary>Whether a root is a part of a list that has failed where the list did: it is started once, and divided further.</summary>
    public static bool IsNext(Root root) => root.IsPartOfList && IsOfAll(root) && root.Failures!.Next is null && root.Failures.Cause.Node == root.Headers.Node;

    /// <summary>The halves, in their order.</summary>
    /// <param name="core">Whose they are.</param>
    /// <param name="root">What has failed.</param>
    /// <param name="failure">In which of its parts.</param>
    /// <param name="ordinal">Which one that is of those that failed, from one.</param>
    /// <returns>Null if they cannot be written.</returns>
    public static Half[]? Divide(ConsecutorCore core, Root root, PartFailure failure, int ordinal)
        => core.Following?.Entrance(failure.Cause.Index)?.Accept(new Divider(core, root, failure, ordinal));

    /// <summary>The part of a list that a root is where it failed; null if it is none.</summary>
    public static ListPart? PartAt(Root root, PartFailure failure) => failure.Cause.Node == root.Headers.Node && !root.Headers.IsAfter ? root.Headers.Part : null;

    private sealed class Divider(ConsecutorCore core, Root root, PartFailure failure, int ordinal) : IEntranceVisitor<Half[]?>
    {
        public Half[]? Visit<T>(Inlet<T> inlet)
        {
            if (root.Key is { Length: > DeadLetterBuilder.MaxKey }) return null;
            if (ListParts<T>.Default is not { } lists || failure.Cause.Item is not T list || lists.Count(list) is not (> 1 and var count)) return null;
            string id = root.Id;
            ListPart part = ListPart.Whole(count);
            if (PartAt(root, failure) is { } known && known.Count == count)
            {
                part = known;
                if (id.EndsWith(known.Range, StringComparison.Ordinal)) id = id[..^known.Range.Length];
            }
            else id = string.Create(CultureInfo.InvariantCulture, $"{id}/{failure.Cause.Node}{(ordinal > 1 ? $".{ordinal}" : "")}");
            return Make(lists, list, 0, part.First) is { } first && Make(lists, list, part.First.Count, part.Second) is { } second ? [first, second] : null;

            Half? Make(ListParts<T> lists, T list, int start, ListPart half)
            {
                if (DeadLetterBuilder.Write(core, lists.Take(list, start, half.Count)) is not { } payload) return null;
                var headers = new EntryHeaders($"{id}{half.Range}", failure.Cause.Node) { Part = half, Batch = root.Headers.Batch, Key = root.Key };
                return new(payload, headers.ToBytes(), root.Headers.Batch);
            }
        }
    }
}

/// <summary>One half of a list, as an entry in the making.</summary>
internal sealed record Half(byte[] Payload, byte[] Headers, BatchTag? Batch)
{
    public int Length => Payload.Length + Headers.Length;
}

/// <summary>What is left of a root that is not tried again: letters of what is dead, and halves of lists that are divided.</summary>
internal sealed record BisectionResult(IReadOnlyList<DeadLetterWrite> Letters, IReadOnlyList<Half> Halves)
{
    public static BisectionResult None { get; } = new([], []);

    /// <summary>Whether it goes on as halves, and nothing else of it has failed.</summary>
    public bool IsDivided => Letters.Count == 0 && Halves.Count > 0;

    public int Count => Letters.Count + Halves.Count;

    /// <summary>What it adds to <see cref="StoreCommit.Weight"/>.</summary>
    public int Weight => (StoreCommit.WeightOfRange * Letters.Count) + Halves.Count;

    public long Length => Letters.Sum(static letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L)) + Halves.Sum(static half => (long)half.Length);

    public static BisectionResult Whole(ConsecutorCore core, Root root) => new([DeadLetterBuilder.BuryWhole(core, root)], []);
}
