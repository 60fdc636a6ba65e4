using Sluice.Delivery;

namespace Sluice.Storage;

/// <summary>A commit, as one sink sees it.</summary>
/// <remarks>Valid only during the call that received it.</remarks>
/// <typeparam name="T">The type of the sink's items.</typeparam>
public sealed class SinkCommit<T>
{
    private readonly CommitParts parts;

    internal SinkCommit(CommitParts parts, string node, IReadOnlyList<StagedItem<T>> items)
        => (this.parts, Node, Items) = (parts, node, items);

    /// <summary>The items of this sink whose roots the commit settles.</summary>
    public IReadOnlyList<StagedItem<T>> Items { get; }

    /// <summary>The number of the partition that is committed.</summary>
    public int Partition => parts.Partition;

    /// <summary>The name of the sink's node.</summary>
    public string Node { get; }

    /// <summary>Adds the length of a file of this sink to the commit.</summary>
    /// <param name="name">The name of the file for this sink; it must be equal after a restart. Each sink sees its own files only.</param>
    /// <param name="length">The length in bytes; -1 forgets the file.</param>
    public void SetFileLength(string name, long length) => parts.FileLengths.Add(new(FileNames.Of(Node, name), length));

    /// <summary>Adds an attachment that only the store understands, such as rows for user tables in the store's database.</summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="itemOf">Maps a part of the attachment to its index in <see cref="Items"/>, for a part that the store refuses
    /// (<see cref="ItemRejectedException.Item"/>). Without it, or if it throws, the consecutor finds the item by committing fewer at a
    /// time.</param>
    public void Attach(ICommitAttachment attachment, Func<int, int>? itemOf = null)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        parts.Attachments.Add(attachment);
        parts.Attached.Add((attachment, Node, itemOf));
    }

    /// <summary>Adds entries for another stream of the store. The sink owns the batch and may reuse it after the commit.</summary>
    /// <remarks>If an entry is longer than that stream allows (<see cref="StreamOptions.MaxEntryBytes"/>), only the item that it is of
    /// fails, as with an <see cref="ItemRejectedException"/>: the consecutor finds it by committing fewer items at a time.</remarks>
    public void Append(CommitOutput output)
    {
        ArgumentNullException.ThrowIfNull(output);
        parts.Outputs.Add(output);
    }
}

/// <summary>The names of sink files in the store: the node of the sink and its own name for the file, so that sinks cannot
/// collide.</summary>
internal static class FileNames
{
    public static string Of(string node, string name) => $"{node}\n{name}";

    /// <summary>Whether a file in the store belongs to a sink.</summary>
    public static bool IsOf(string node, string file) => file.StartsWith(node + '\n', StringComparison.Ordinal);

    /// <summary>The node of the sink that a file in the store belongs to.</summary>
    public static string NodeOf(string file) => file.Split('\n', 2)[0];

    /// <summary>Selects the file lengths of one sink from a commit, under the sink's own names.</summary>
    public static IEnumerable<(string Name, long Length)> Select(string node, IEnumerable<FileLength> lengths)
        => lengths.Where(file => IsOf(node, file.Name))
        .Select(file => (file.Name[(node.Length + 1)..], file.Length));

    /// <summary>Selects the file lengths of one sink from all partitions, under the sink's own names; the longest of each file.</summary>
    public static IReadOnlyDictionary<string, long> Select(string node, IEnumerable<IReadOnlyDictionary<string, long>> partitions)
    {
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, length) in partitions.SelectMany(known => known))
        {
            if (!IsOf(node, name)) continue;
            string own = name[(node.Length + 1)..];
            if (!lengths.TryGetValue(own, out long longest) || length > longest) lengths[own] = length;
        }
        return lengths;
    }
}

/// <summary>The additions of sinks and outputs to a commit, besides the settled roots.</summary>
internal sealed class CommitParts(int partition)
{
    public int Partition => partition;

    public List<FileLength> FileLengths { get; } = [];

    public List<ICommitAttachment> Attachments { get; } = [];

    /// <summary>The attachments with the nodes of the sinks that added them.</summary>
    public List<(ICommitAttachment Attachment, string Node, Func<int, int>? ItemOf)> Attached { get; } = [];

    /// <summary>The functions of items that run in the transaction; null if there are none.</summary>
    public AttachedFunctions? Functions { get; set; }

    public List<CommitOutput> Outputs { get; } = [];
}
