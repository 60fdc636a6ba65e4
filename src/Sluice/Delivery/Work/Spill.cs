using System.Buffers.Binary;
using System.Globalization;

namespace Sluice;

/// <summary>What an item has become, where that is more than one commit holds: pieces that fit, which nobody sees before all of them are stored.</summary>
/// <remarks>
/// Rows of state in the item's partition: a row for each piece, and a seal when all are there. From the seal on the item is not run again; each piece is published by a commit that deletes its
/// row. Belongs to the committer; its sequence may be read by the pump.
/// </remarks>
/// <param name="id">The number of the commit with which it begins: no other of the partition has it.</param>
/// <param name="sequence">The item's entry.</param>
/// <param name="end">What the last commit adds to the counts.</param>
internal sealed class Spill(long id, long sequence, SpillEnd end)
{
    public const string Node = "$spill";

    private readonly string prefix = id.ToString("D19", CultureInfo.InvariantCulture);

    public long Sequence => sequence;

    public SpillEnd End => end;

    /// <summary>The rows of the pieces that are not published, in their order.</summary>
    public List<string> Pieces { get; } = [];

    /// <summary>Adds a piece.</summary>
    /// <returns>Its row.</returns>
    public StateRow Add(ReadOnlyMemory<byte> piece)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{prefix}/{Pieces.Count:D9}");
        Pieces.Add(key);
        return new(Node, key, 0, piece);
    }

    public StateRow Seal()
    {
        var value = new byte[40];
        long[] numbers = [sequence, end.Completed, end.Skipped, end.Cancelled, end.Split];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(8 * i), numbers[i]);
        return new(Node, prefix, 0, value);
    }

    public StateRow Unseal() => new(Node, prefix, 0, null);

    /// <summary>Reads what a partition has of them.</summary>
    /// <param name="core">Whose partition.</param>
    /// <param name="partition">Its number.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Those that are sealed; and the rows of those that are not, which are of no use: their items are run again.</returns>
    public static async Task<(List<Spill> Sealed, List<string> Useless)> LoadAsync(ConsecutorCore core, int partition, CancellationToken cancellation)
    {
        List<Spill> found = [];
        List<string> useless = [];
        string? last = null;
        IReadOnlyList<StateRow> rows;
        do
        {
            const int PageSize = 20;                 // they are long
            rows = await core.Store.ListStateAsync(core.Group, partition, Node, last, PageSize, cancellation).ConfigureAwait(false);
            foreach (StateRow row in rows)
            {
                last = row.Key;
                if (row.Key.Contains('/', StringComparison.Ordinal))
                {
                    // A seal's key is the beginning of those of its pieces, so it comes first.
                    if (found.Count > 0 && row.Key.StartsWith(found[^1].prefix, StringComparison.Ordinal)) found[^1].Pieces.Add(row.Key);
                    else useless.Add(row.Key);
                    continue;
                }
                ReadOnlyMemory<byte> value = row.Value!.Value;
                found.Add(new(long.Parse(row.Key, CultureInfo.InvariantCulture), At(0), new(At(1), At(2), At(3), At(4))));

                long At(int number) => BinaryPrimitives.ReadInt64LittleEndian(value.Span[(8 * number)..]);
            }
            if (rows.Count < PageSize) return (found, useless);
        }
        while (true);
    }
}

/// <summary>What the last commit of a spilled item adds to the counts.</summary>
internal readonly record struct SpillEnd(long Completed, long Skipped, long Cancelled, long Split);
