namespace Sluice.Engine;

/// <summary>Stores a list of gathered items in pages.</summary>
/// <remarks>
/// <para>A save writes the new items as one page. It joins them with the pages before that are no larger, so that there are few pages
/// however few items arrive at a time. Joining pages may wait: a commit does it while it has room
/// (<see cref="StateWriter.TryTake"/>).</para>
/// <para>The pages of removed items may wait too, because a commit cannot delete all pages of a long list. Until they are deleted, a mark
/// in the store says which pages hold no items any more. Numbers of pages only grow, so one number says it.</para>
/// </remarks>
/// <param name="prefix">The prefix of the keys of the pages.</param>
/// <param name="mark">The key of the mark.</param>
internal sealed class RememberedList(string prefix = "", string mark = "gone")
{
    private const int LargePage = 32 * 1024;         // in bytes; a page of this size is not rewritten

    private readonly List<Page> pages = [];
    private Queue<string>? gone;                     // the pages of removed items
    private long next;
    private long first;                              // pages with smaller numbers hold no items
    private long? marked;
    private int saved;

    /// <summary>The number of pages that are to be deleted.</summary>
    public int Gone => gone?.Count ?? 0;

    /// <summary>Loads the stored items, in their order.</summary>
    public List<T> Restore<T>(StateReader stored)
    {
        List<T> items = [];
        if (stored.Has(mark)) marked = first = next = BinaryPrimitives.ReadInt64LittleEndian(stored.Stored(mark).Bytes.Span);
        foreach (string key in stored.Keys)
        {
            if (!IsPage(key, out long number)) continue;
            next = Math.Max(next, number + 1);
            if (number < first)
            {
                Leave(key);
                continue;
            }
            List<T> some = stored.GetMany<T>(key);
            pages.Add(new(key, some.Count, stored.Stored(key).Bytes.Length));
            items.AddRange(some);
        }
        saved = items.Count;
        return items;
    }

    /// <summary>Loads a list whose owner was deleted before its last pages.</summary>
    public void RestoreGone(StateReader stored)
    {
        if (stored.Has(mark)) marked = 0;
        foreach (string key in stored.Keys)
        {
            if (!IsPage(key, out long number)) continue;
            first = next = number + 1;
            Leave(key);
        }
    }

    /// <summary>Removes all items.</summary>
    public void Clear()
    {
        foreach (Page page in pages) Leave(page.Key);
        pages.Clear();
        (first, saved) = (next, 0);
    }

    /// <summary>Writes the changes since the last save.</summary>
    /// <param name="changes">The writer.</param>
    /// <param name="items">All current items.</param>
    public void Save<T>(StateWriter changes, ReadOnlySpan<T> items)
    {
        DeleteGone(changes);
        Mark(changes, Gone > 0 ? first : null);
        if (items.Length <= saved) return;
        string? key = null;
        int from = saved;
        while (pages.Count > 0 && pages[^1] is { Bytes: < LargePage } last && last.Count <= items.Length - from
            && changes.TryTake(last.Bytes))
        {
            if (key is not null) changes.Delete(key);
            key = last.Key;
            from -= last.Count;
            pages.RemoveAt(pages.Count - 1);
        }
        key ??= string.Create(CultureInfo.InvariantCulture, $"{prefix}{next++:D19}");
        pages.Add(new(key, items.Length - from, changes.PutMany(key, items[from..])));
        saved = items.Length;
    }

    /// <summary>Removes all items, and deletes pages. The same commit deletes the rows of the owner, so no mark is needed.</summary>
    /// <returns>Whether all pages are deleted; if not, call it again for the next commit.</returns>
    public bool Delete(StateWriter changes)
    {
        Clear();
        DeleteGone(changes);
        Mark(changes, null);
        return Gone == 0;
    }

    private bool IsPage(string key, out long number)
    {
        number = 0;
        return key.StartsWith(prefix, StringComparison.Ordinal)
            && long.TryParse(key.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private void Leave(string page) => (gone ??= new()).Enqueue(page);

    private void DeleteGone(StateWriter changes)
    {
        while (Gone > 0 && changes.TryTake(0)) changes.Delete(gone!.Dequeue());
    }

    private void Mark(StateWriter changes, long? number)
    {
        if (number == marked) return;
        if (number is { } before)
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, before);
            changes.PutBytes(mark, bytes);
        }
        else changes.Delete(mark);
        marked = number;
    }

    private readonly record struct Page(string Key, int Count, int Bytes);
}
