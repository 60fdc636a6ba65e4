using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Sluice.Delivery;

namespace Sluice.Diagnostics;

/// <summary>A window that a node of a consecutor keeps in the store, as of the last commit.</summary>
/// <param name="Partition">The partition of its items, from zero. Windows are kept by partition: one has the items of all keys
/// there.</param>
/// <param name="Start">The start; null if it cannot be read, because the program writes numbers with a serializer of its own.</param>
/// <param name="End">The end, at which it closes; null if it cannot be read. Items extend a session.</param>
/// <param name="Items">The number of items that it holds: those that have not come out.</param>
public sealed record KeptWindow(int Partition, DateTimeOffset? Start, DateTimeOffset? End, long Items)
{
    /// <summary>
    /// How often items of it have come out: a closed window of event time is kept for <see cref="EventTime{T}.AllowedLateness"/>. Null for
    /// windows of processing time.
    /// </summary>
    public int? Panes { get; init; }
}

public static partial class StateListing
{
    private const int WindowRows = 200;              // rows with items of some kilobytes
    private const string Gone = "/gone", Head = "/head", Items = "/items";

    /// <summary>Lists the windows that a node keeps, by partition. A concurrent commit may or may not be visible.</summary>
    /// <param name="store">Where the consecutor keeps its items.</param>
    /// <param name="consecutor">The consecutor's name.</param>
    /// <param name="node">The node's name; it has windows (<see cref="NodeState.HasWindows"/>).</param>
    /// <param name="partition">The partition; null for all.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The windows; none if the node has none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The consecutor has no such partition.</exception>
    /// <exception cref="StreamStoreException">The store failed, or has no such consecutor or no state of such a node; the message lists
    /// similar names.</exception>
    public static async IAsyncEnumerable<KeptWindow> ListWindowsAsync(this IStreamStore store, string consecutor, string node,
        int? partition = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(node);
        var group = new GroupId(consecutor, consecutor);
        bool isKnown = false;
        IReadOnlyList<int> partitions = await PartitionsAsync(store, group, cancellation).ConfigureAwait(false);
        if (partition is { } asked && partitions.Count > 0 && !partitions.Contains(asked))
            throw new ArgumentOutOfRangeException(nameof(partition), asked,
                $"The consecutor '{consecutor}' has no partition of this number. It has {partitions.Count:N0}, numbered from 0.");
        foreach (int one in partitions)
        {
            if (partition is { } wanted && wanted != one) continue;
            KeptWindow? window = null;
            (string Id, long Before) gone = ("", 0);
            string id = "";
            await foreach (StateRow row in RowsAsync(store, group, one, node, WindowRows, cancellation).ConfigureAwait(false))
            {
                isKnown = true;
                // The rows of a window follow each other: the number of the first page that still counts, its head, pages of its items.
                if (row.Key.EndsWith(Gone, StringComparison.Ordinal) && row.Value is { Length: 8 } number)
                    gone = (row.Key[..^Gone.Length], BinaryPrimitives.ReadInt64LittleEndian(number.Span));
                else if (row.Key.EndsWith(Head, StringComparison.Ordinal) && row.Key.IndexOf('/', StringComparison.Ordinal)
                    == row.Key.Length - Head.Length)
                {
                    if (window is not null) yield return window;
                    (id, window) = (row.Key[..^Head.Length], OfHead(one, row.Value!.Value.Span));
                }
                else if (window is not null && row.Key.StartsWith(id + Items, StringComparison.Ordinal)
                    && !(gone.Id == id && IsBefore(row.Key, gone.Before)))
                    window = window with { Items = window.Items + Values(row.Value!.Value.Span).Count };
            }
            if (window is not null) yield return window;
        }
        if (!isKnown) await StateNames.CheckAsync(store, group, node, cancellation).ConfigureAwait(false);
    }

    // A window of processing time has its first start, its start and its end, which is about now; one of event time has start, end and the
    // number of its next pane.
    private static KeptWindow OfHead(int partition, ReadOnlySpan<byte> row)
    {
        List<Range> values = Values(row);
        if (values.Count != 3 || !TryRead(row[values[0]], out long first) || !TryRead(row[values[1]], out long second)
            || !TryRead(row[values[2]], out long third)) return new(partition, null, null, 0);
        return third < DateTime.UnixEpoch.Ticks / 1000
            ? new(partition, Time(first), Time(second), 0) { Panes = (int)Math.Min(third, int.MaxValue) }
            : new(partition, Time(second), Time(third), 0);
    }

    private static bool IsBefore(string page, long number)
        => long.TryParse(page.AsSpan(page.LastIndexOfAnyExceptInRange('0', '9') + 1), NumberStyles.None, CultureInfo.InvariantCulture,
            out long its) && its < number;

    // Values with their lengths before them; an end that is damaged is left out.
    private static List<Range> Values(ReadOnlySpan<byte> row)
    {
        List<Range> found = [];
        for (int at = 0; at + 4 <= row.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(row[at..]);
            if (length < 0 || length > row.Length - at - 4) break;
            found.Add((at + 4)..(at + 4 + length));
            at += 4 + length;
        }
        return found;
    }

    private static bool TryRead(ReadOnlySpan<byte> json, out long number)
        => Utf8Parser.TryParse(json, out number, out int used) && used == json.Length;

    private static DateTimeOffset Time(long ticks) => new(Math.Clamp(ticks, 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero);
}
