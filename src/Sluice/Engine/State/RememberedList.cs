using System.Globalization;

namespace Sluice;

/// <summary>Where items are stored that a stage gathers: in pages, one for what was added between two commits, so that nothing is written twice.</summary>
/// <param name="prefix">What the keys of its rows begin with.</param>
internal sealed class RememberedList(string prefix = "")
{
    private readonly List<string> pages = [];
    private readonly List<string> gone = [];
    private long next;
    private int saved;

    /// <summary>The items that were stored, in their order.</summary>
    public List<T> Restore<T>(StateReader stored)
    {
        List<T> items = [];
        foreach (string key in stored.Keys)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal) || !long.TryParse(key.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long page)) continue;
            pages.Add(key);
            next = page + 1;
            items.AddRange(stored.GetMany<T>(key));
        }
        saved = items.Count;
        return items;
    }

    /// <summary>All items are gone; others may be added.</summary>
    public void Clear()
    {
        gone.AddRange(pages);
        pages.Clear();
        saved = 0;
    }

    /// <summary>Writes what has changed.</summary>
    /// <param name="changes">Where.</param>
    /// <param name="items">All that there are now.</param>
    public void Save<T>(StateWriter changes, ReadOnlySpan<T> items)
    {
        foreach (string page in gone) changes.Delete(page);
        gone.Clear();
        if (items.Length <= saved) return;
        string key = string.Create(CultureInfo.InvariantCulture, $"{prefix}{next++:D19}");
        changes.PutMany(key, items[saved..]);
        pages.Add(key);
        saved = items.Length;
    }
}
