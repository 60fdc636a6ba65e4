namespace Sluice.Engine;

/// <summary>Stores a list of gathered items in pages.</summary>
/// <remarks>
/// A save writes the new items as one page, together with the pages before it that are no larger. So an item is written a few times, and
/// there are few pages, however few items arrive at a time: one commit must delete them all.
/// </remarks>
/// <param name="prefix">The prefix of the rows' keys.</param>
internal sealed class RememberedList(string prefix = "")
{
    private const int LargePage = 32 * 1024;         // in bytes; a page of this size is not rewritten

    private readonly List<Page> pages = [];
    private readonly List<string> gone = [];
    private long next;
    private int saved;

    /// <summary>Loads the stored items, in their order.</summary>
    public List<T> Restore<T>(StateReader stored)
    {
        List<T> items = [];
        foreach (string key in stored.Keys)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal)
                || !long.TryParse(key.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long page)) continue;
            next = page + 1;
            List<T> some = stored.GetMany<T>(key);
            pages.Add(new(key, some.Count, stored.Stored(key).Bytes.Length));
            items.AddRange(some);
        }
        saved = items.Count;
        return items;
    }

    /// <summary>Removes all items.</summary>
    public void Clear()
    {
        gone.AddRange(pages.Select(static page => page.Key));
        pages.Clear();
        saved = 0;
    }

    /// <summary>Writes the changes since the last save.</summary>
    /// <param name="changes">The writer.</param>
    /// <param name="items">All current items.</param>
    public void Save<T>(StateWriter changes, ReadOnlySpan<T> items)
    {
        string? key = null;
        int first = saved;
        while (items.Length > saved && pages.Count > 0 && pages[^1] is { Bytes: < LargePage } last && last.Count <= items.Length - first)
        {
            if (key is not null) gone.Add(key);
            key = last.Key;
            first -= last.Count;
            pages.RemoveAt(pages.Count - 1);
        }
        foreach (string page in gone) changes.Delete(page);
        gone.Clear();
        if (items.Length <= saved) return;
        key ??= string.Create(CultureInfo.InvariantCulture, $"{prefix}{next++:D19}");
        pages.Add(new(key, items.Length - first, changes.PutMany(key, items[first..])));
        saved = items.Length;
    }

    private readonly record struct Page(string Key, int Count, int Bytes);
}
