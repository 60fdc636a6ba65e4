namespace Sluice;

/// <summary>A commit, as one sink sees it.</summary>
/// <remarks>For use during the call it was given to.</remarks>
/// <typeparam name="T">The type of the sink's items.</typeparam>
public sealed class SinkCommit<T>
{
    private readonly CommitParts parts;

    internal SinkCommit(CommitParts parts, string node, IReadOnlyList<StagedItem<T>> items)
        => (this.parts, Node, Items) = (parts, node, items);

    /// <summary>The items of the roots that it settles.</summary>
    public IReadOnlyList<StagedItem<T>> Items { get; }

    /// <summary>The partition.</summary>
    public int Partition => parts.Partition;

    /// <summary>The sink's node.</summary>
    public string Node { get; }

    /// <summary>Commits the length of a file of this sink's.</summary>
    /// <param name="name">What the sink calls it; the same after a restart. Sinks do not see each other's.</param>
    /// <param name="length">In bytes; -1 forgets the file.</param>
    public void SetFileLength(string name, long length) => parts.FileLengths.Add(new(FileNames.Of(Node, name), length));

    /// <summary>Adds something that only the store understands, such as rows for tables of the user's in its database.</summary>
    /// <param name="attachment">What.</param>
    /// <param name="itemOf">
    /// Says which of <see cref="Items"/> a part of the attachment belongs to, if the store refuses that part (<see cref="ItemRejectedException.Item"/>). Without it, the consecutor finds the item by
    /// committing fewer at a time.
    /// </param>
    public void Attach(ICommitAttachment attachment, Func<int, int>? itemOf = null)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        parts.Attachments.Add(attachment);
        parts.Attached.Add((attachment, Node, itemOf));
    }

    /// <summary>Adds entries for another stream of the store. The batch is the sink's, and may be reused after the commit.</summary>
    public void Append(CommitOutput output)
    {
        ArgumentNullException.ThrowIfNull(output);
        parts.Outputs.Add(output);
    }
}

/// <summary>Files of sinks in the store: a sink's node and its own name for the file, so that sinks cannot get into each other's way.</summary>
internal static class FileNames
{
    public static string Of(string node, string name) => $"{node}\n{name}";

    /// <summary>The lengths of one sink's files, out of those of a commit, with their own names.</summary>
    public static IEnumerable<(string Name, long Length)> Select(string node, IEnumerable<FileLength> lengths)
        => lengths.Where(file => file.Name.StartsWith(node + '\n', StringComparison.Ordinal)).Select(file => (file.Name[(node.Length + 1)..], file.Length));

    /// <summary>The lengths of one sink's files, out of those of all partitions.</summary>
    public static IReadOnlyDictionary<string, long> Select(string node, IEnumerable<IReadOnlyDictionary<string, long>> partitions)
    {
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        string prefix = node + '\n';
        foreach (var (name, length) in partitions.SelectMany(known => known))
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal)) continue;
            string own = name[prefix.Length..];
            if (!lengths.TryGetValue(own, out long longest) || length > longest) lengths[own] = length;
        }
        return lengths;
    }
}

/// <summary>What is added to a commit besides the settling of its roots.</summary>
internal sealed class CommitParts(int partition)
{
    public int Partition => partition;

    public List<FileLength> FileLengths { get; } = [];

    public List<ICommitAttachment> Attachments { get; } = [];

    /// <summary>The attachments again, with the nodes of the sinks that have added them.</summary>
    public List<(ICommitAttachment Attachment, string Node, Func<int, int>? ItemOf)> Attached { get; } = [];

    public List<CommitOutput> Outputs { get; } = [];
}
