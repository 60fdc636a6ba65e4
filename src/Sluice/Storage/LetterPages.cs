using System.Runtime.CompilerServices;

namespace Sluice.Storage;

/// <summary>Reads dead letters page by page, each of some megabytes: letters have whole items, and a thousand of them may be longer than
/// the memory of a process.</summary>
internal static class LetterPages
{
    private const int First = 100, Most = 1000;
    private const long MaxBytes = 8 << 20;

    /// <param name="store">The store.</param>
    /// <param name="group">The group.</param>
    /// <param name="node">The node where the letters failed; null for all.</param>
    /// <param name="after">The number behind which to begin.</param>
    /// <param name="most">The most letters of a page, 1 to 1,000.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Pages that are not empty. The first has a hundred letters at most; the length of each other one follows from the payloads
    /// of the one before.</returns>
    public static async IAsyncEnumerable<IReadOnlyList<StoredDeadLetter>> ReadAsync(IStreamStore store, GroupId group, string? node,
        long after = 0, int most = Most, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        for (int wanted = Math.Min(First, most); ;)
        {
            IReadOnlyList<StoredDeadLetter> page = await store.ListDeadAsync(group, node, after, wanted, cancellation)
                .ConfigureAwait(false);
            if (page.Count > 0) yield return page;
            if (page.Count < wanted) yield break;
            after = page[^1].Number;
            long each = Math.Max(1, page.Sum(static letter => (long)letter.Entry.Payload.Length) / page.Count);
            wanted = (int)Math.Clamp(Math.Min(MaxBytes / each, 4L * wanted), 1, most);
        }
    }
}
