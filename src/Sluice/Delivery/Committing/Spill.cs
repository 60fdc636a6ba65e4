namespace Sluice.Delivery;

/// <summary>The pieces of one item that is more than one commit holds, stored as rows of state in the item's partition: a row per piece,
/// and a seal when all pieces are there.</summary>
/// <remarks>Belongs to the committer; the pump may read the sequence.</remarks>
/// <param name="id">The number of the commit with which the spill begins: unique in the partition.</param>
/// <param name="sequence">The item's entry.</param>
/// <param name="end">The counts that the last commit adds.</param>
internal sealed class Spill(long id, long sequence, SpillEnd end)
{
    public const string Node = "$spill";
    private const int PageSize = 20;                 // rows are up to half a megabyte each

    private readonly string prefix = id.ToString("D19", CultureInfo.InvariantCulture);

    public long Sequence => sequence;

    public SpillEnd End => end;

    /// <summary>The keys of the pieces that are not published, in their order.</summary>
    public List<string> Pieces { get; } = [];

    /// <summary>Adds a piece.</summary>
    /// <returns>Its row.</returns>
    public StateRow Add(ReadOnlyMemory<byte> piece)
    {
        string key = KeyOf(Pieces.Count);
        Pieces.Add(key);
        return new(Node, key, 0, piece);
    }

    public StateRow Seal()
    {
        long[] numbers = [sequence, end.Completed, end.Skipped, end.Cancelled, end.Split, Pieces.Count];
        var value = new byte[8 * numbers.Length];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(8 * i), numbers[i]);
        return new(Node, prefix, 0, value);
    }

    public StateRow Unseal() => new(Node, prefix, 0, null);

    /// <summary>Reads the spills of a partition.</summary>
    /// <param name="store">The store.</param>
    /// <param name="group">The group of the consecutor.</param>
    /// <param name="partition">The number of the partition.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The sealed spills; and the keys of pieces without a seal, whose items run again.</returns>
    /// <exception cref="StreamStoreException">The store failed, or a piece of a sealed spill is missing.</exception>
    public static async Task<(List<Spill> Sealed, List<string> Leftovers)> LoadAsync(IStreamStore store, GroupId group, int partition,
        CancellationToken cancellation)
    {
        List<(Spill Spill, long Pieces)> found = [];
        List<string> leftovers = [];
        for (string? last = null; ;)
        {
            IReadOnlyList<StateRow> rows = await store.ListStateAsync(group, partition, Node, last, PageSize, cancellation)
                .ConfigureAwait(false);
            foreach (StateRow row in rows)
            {
                last = row.Key;
                if (row.Key.Contains('/', StringComparison.Ordinal))
                {
                    // The key of a seal is the beginning of the keys of its pieces, so the seal comes first.
                    if (found.Count > 0 && row.Key.StartsWith(found[^1].Spill.prefix, StringComparison.Ordinal))
                        found[^1].Spill.Pieces.Add(row.Key);
                    else leftovers.Add(row.Key);
                    continue;
                }
                ReadOnlyMemory<byte> value = row.Value!.Value;
                found.Add((new(long.Parse(row.Key, CultureInfo.InvariantCulture), At(0), new(At(1), At(2), At(3), At(4))), At(5)));

                long At(int number) => BinaryPrimitives.ReadInt64LittleEndian(value.Span[(8 * number)..]);
            }
            if (rows.Count < PageSize) break;
        }
        foreach ((Spill spill, long pieces) in found) spill.Check(group, partition, pieces);
        return ([.. found.Select(static one => one.Spill)], leftovers);
    }

    private string KeyOf(long piece) => string.Create(CultureInfo.InvariantCulture, $"{prefix}/{piece:D9}");

    /// <summary>Pieces are deleted from the first one on, each by the commit that publishes it: the last ones must be there without a
    /// gap.</summary>
    private void Check(GroupId group, int partition, long pieces)
    {
        for (int i = 0; i < Pieces.Count; i++)
        {
            string expected = KeyOf(pieces - Pieces.Count + i);
            if (Pieces[i] == expected) continue;
            throw new StreamStoreException(
                $"The item {group.Stream}/{partition}/{sequence} was spilled into {pieces:N0} pieces, and the piece {expected} "
                    + $"(state {Node}) is missing in the store. Nothing was changed; restore the store from a backup.")
            { Stream = group.Stream, Partition = partition, Sequence = sequence, IsPermanent = true };
        }
    }
}

/// <summary>The counts that the last commit of a spilled item adds.</summary>
internal readonly record struct SpillEnd(long Completed, long Skipped, long Cancelled, long Split);
